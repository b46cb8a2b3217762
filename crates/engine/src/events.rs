//! The events of an export, decoded: for programs that read a log as a whole and keep no engine.

use std::io::BufRead;

use convoke_core::event::Recorded;
use convoke_store::{ExportReader, VerifyError};

use crate::{
    api::{Fault, Verified},
    verify::verified,
};

/// Reads an export, verifies it on the way, and passes on the events of each commit as they turn out to hold, in order.
///
/// # Errors
/// As [`verify_export`](crate::verify_export); `payload_erased` or `unknown_event_kind` where an event cannot be read; what
/// `pass_on` fails with.
pub fn read_events(
    reader: impl BufRead,
    progress: impl FnMut(u64),
    mut pass_on: impl FnMut(&[Recorded]) -> Result<(), Fault>,
) -> Result<Verified, Fault> {
    let reader = ExportReader::new(reader).map_err(VerifyError::Export)?;
    let report = convoke_store::read_export(reader, None, progress, |stored| -> Result<(), Fault> {
        let events: Vec<Recorded> =
            stored.commit.events().map(Recorded::of).collect::<Result<_, _>>().map_err(Fault::from)?;
        pass_on(&events)
    });
    verified(Ok(report?), None)
}
