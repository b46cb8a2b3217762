//! What goes to standard output and standard error: data to the one, everything else to the other.

use std::{
    io::{self, Write as _},
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use anstyle::{AnsiColor, Style};
use convoke::api::Fault;
use convoke_core::{codes::Exit, log::Head, time::Timestamp};
use serde::Serialize;

use crate::{
    envelope,
    render::{Page, Show, clean},
    stop::{Stop, output_error},
};

/// How answers are shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    verbose: bool,
}

impl Output {
    /// As the global options say.
    pub(crate) fn new(json: bool, verbose: bool) -> Self {
        Self { json, verbose }
    }

    /// Before the options are known.
    pub(crate) fn plain(json: bool) -> Self {
        Self { json, verbose: false }
    }

    /// Whether answers are JSON.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Shows an answer: for people, or the same view as JSON.
    pub(crate) fn show<T: Show + Serialize>(self, view: &T, head: Option<Head>) -> Result<(), Stop> {
        if self.json {
            let mut bytes = envelope::success(view, head);
            bytes.push(b'\n');
            return self.raw(&bytes);
        }
        self.show_as_at(view, head, wall_clock())
    }

    /// The same; for people, times are relative to this one.
    pub(crate) fn show_as_at<T: Show + Serialize>(
        self,
        view: &T,
        head: Option<Head>,
        now: Timestamp,
    ) -> Result<(), Stop> {
        if self.json {
            return self.show(view, head);
        }
        let mut page = Page::new(now, self.verbose, terminal_width());
        view.show(&mut page);
        self.text(&page.finish())
    }

    /// Shows what was found, and ends the command with what is wrong with it: with `--json` both are in one envelope, which is not ok.
    pub(crate) fn show_ill<T: Show + Serialize>(self, view: &T, fault: Fault) -> Result<(), Stop> {
        if !self.json {
            self.show(view, None)?;
            return Err(fault.into());
        }
        let mut bytes = envelope::failure_with(&fault, view);
        bytes.push(b'\n');
        self.raw(&bytes)?;
        Err(Stop::Reported(fault.exit()))
    }

    /// Shows one item of a stream: a line for people, or the item itself as a line of JSON.
    pub(crate) fn item<T: Show + Serialize>(self, item: &T) -> Result<(), Stop> {
        if self.json {
            let mut bytes = serde_json::to_vec(item)
                .map_err(|error| Fault::new("internal", format!("an item cannot be written as JSON: {error}")))?;
            bytes.push(b'\n');
            return self.raw(&bytes);
        }
        let mut page = Page::new(wall_clock(), self.verbose, terminal_width());
        item.show(&mut page);
        self.text(&page.finish())
    }

    /// Writes text for people. Colours are kept on a terminal only.
    pub(crate) fn text(self, text: &str) -> Result<(), Stop> {
        let mut out = anstream::AutoStream::auto(io::stdout().lock());
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| output_error(&error))
    }

    /// Writes bytes as they are.
    pub(crate) fn raw(self, bytes: &[u8]) -> Result<(), Stop> {
        let mut out = io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| output_error(&error))
    }

    /// Ends a stream whose reader has gone (`convoke log -f | head -1`), which writing would show only at the next event.
    pub(crate) fn is_read(self) -> Result<(), Stop> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let stdout = io::stdout();
        let mut polled = [PollFd::new(&stdout, PollFlags::empty())];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let gone = poll(&mut polled, Some(&at_once)).is_ok() && polled[0].revents().contains(PollFlags::ERR);
        if gone { Err(Stop::OutputClosed) } else { Ok(()) }
    }

    /// Says something to people that is no data.
    pub(crate) fn note(self, text: &str) {
        let _ = writeln!(anstream::stderr(), "{text}");
    }

    /// Says on a terminal how far something has come, in place of what was said before.
    pub(crate) fn progress(self, text: &str) {
        let _ = write!(anstream::stderr(), "\r\x1b[K{text}");
    }

    /// Reports a fault: two lines on standard error, or with `--json` the envelope on standard output; if that cannot be written,
    /// standard error again, so that a failure is never silent.
    pub(crate) fn fault(self, fault: &Fault) {
        if self.json {
            let mut bytes = envelope::failure(fault);
            bytes.push(b'\n');
            if !matches!(self.raw(&bytes), Err(Stop::NotShown(_))) {
                return;
            }
        }
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        let mut text = format!("{red}error[{}]{red:#}: {}\n", fault.code, clean(&fault.message));
        if !fault.hint.is_empty() {
            text.push_str(&format!("hint: {}\n", clean(&fault.hint)));
        }
        let _ = anstream::stderr().write_all(text.as_bytes());
    }
}

/// The columns of the terminal that is written to; `None` if it is none.
fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}

/// The exit code of a process.
pub(crate) fn exit_code(exit: Exit) -> ExitCode {
    ExitCode::from(exit.code())
}

/// This machine's clock: for showing, never for deciding.
pub(crate) fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let us = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_us(us).unwrap_or(Timestamp::MAX)
}
