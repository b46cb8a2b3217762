//! Why a command ends before its end: a fault to report, or nobody who reads on.

use std::{io, panic::PanicHookInfo};

use convoke::api::Fault;
use convoke_core::{codes::Exit, refusal::Refusal};

/// Ends a command.
#[derive(Debug)]
pub(crate) enum Stop {
    /// With an error message and its exit code.
    Fault(Fault),
    /// With an exit code; what went wrong stands in the output already.
    Reported(Exit),
    /// Standard output cannot be written.
    NotShown(Fault),
    /// In silence: whoever read standard output has gone (`convoke log | head -1`).
    OutputClosed,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Fault(refusal.into())
    }
}

/// An error while writing to standard output.
pub(crate) fn output_error(error: &io::Error) -> Stop {
    if error.kind() == io::ErrorKind::BrokenPipe {
        Stop::OutputClosed
    } else {
        let what = format!("standard output cannot be written: {error}");
        let hint = "Give it a place that can be written to.".to_owned();
        Stop::NotShown(Fault { hint, ..Fault::new("io", what) })
    }
}

/// Says in a sentence that this program has a defect: no backtrace reaches a user.
pub(crate) fn report_panic(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let what = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    let place = info.location().map_or_else(String::new, |at| format!(" ({}:{})", at.file(), at.line()));
    let sentence = format!(
        "error[internal]: this is a defect in convoke: {what}{place}\nhint: what was acknowledged is safe; please report it with the command and this line\n"
    );
    // Standard error may be gone too; there is nobody left to tell then.
    let _ = io::Write::write_all(&mut io::stderr(), sentence.as_bytes());
}
