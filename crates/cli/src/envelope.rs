//! The one envelope around every answer: over HTTP, in streams, and with `--json`.
//!
//! `{"v":1,"ok":true,"data":…,"head":{"size":…,"root":…}}` or
//! `{"v":1,"ok":false,"error":{"code":…,"message":…,"hint":…,"retryable":…}}`. What looks for faults and finds some (`doctor`)
//! is not ok, and gives what it found as `data` besides.

use convoke::api::Fault;
use convoke_core::log::Head;
use serde::{Deserialize, Serialize};

/// The version of the envelope.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Success<'a, T> {
    v: u32,
    ok: bool,
    data: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<Head>,
}

#[derive(Serialize)]
struct Failure<'a, T> {
    v: u32,
    ok: bool,
    error: &'a Fault,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a T>,
}

/// The envelope of an answer, on one line without its end.
pub(crate) fn success<T: Serialize>(data: &T, head: Option<Head>) -> Vec<u8> {
    // Enough for an event with a text of some length.
    let mut bytes = Vec::with_capacity(1280);
    put_success(&mut bytes, data, head);
    bytes
}

/// Appends the envelope of an answer.
pub(crate) fn put_success<T: Serialize>(bytes: &mut Vec<u8>, data: &T, head: Option<Head>) {
    let begin = bytes.len();
    if let Err(error) = serde_json::to_writer(&mut *bytes, &Success { v: VERSION, ok: true, data, head }) {
        bytes.truncate(begin);
        let what = format!("an answer cannot be written as JSON: {error}");
        bytes.extend_from_slice(&failure(&Fault::new("internal", what)));
    }
}

/// The envelope of a fault, on one line without its end.
pub(crate) fn failure(fault: &Fault) -> Vec<u8> {
    serde_json::to_vec(&Failure::<()> { v: VERSION, ok: false, error: fault, data: None }).unwrap_or_default()
}

/// The envelope of a fault, and of what was found all the same.
pub(crate) fn failure_with<T: Serialize>(fault: &Fault, data: &T) -> Vec<u8> {
    serde_json::to_vec(&Failure { v: VERSION, ok: false, error: fault, data: Some(data) })
        .unwrap_or_else(|_| failure(fault))
}

/// What a client reads.
#[derive(Deserialize)]
struct Received<T> {
    v: u32,
    ok: bool,
    #[serde(default = "none")]
    data: Option<T>,
    #[serde(default)]
    head: Option<Head>,
    #[serde(default)]
    error: Option<Fault>,
}

fn none<T>() -> Option<T> {
    None
}

/// Opens an envelope.
///
/// # Errors
/// The fault inside, or `bad_answer` if it is no envelope of a version that this build reads.
pub(crate) fn open<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<(T, Option<Head>), Fault> {
    let unreadable = |why: String| {
        Fault::new("bad_answer", format!("the daemon's answer cannot be read: {why}; it may be of another version"))
    };
    let received: Received<T> = serde_json::from_slice(bytes).map_err(|error| unreadable(error.to_string()))?;
    if received.v != VERSION {
        return Err(unreadable(format!("envelope version {}", received.v)));
    }
    match (received.ok, received.data, received.error) {
        (true, Some(data), None) => Ok((data, received.head)),
        (false, _, Some(fault)) => Err(fault),
        _ => Err(unreadable("neither data nor an error".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_comes_out() {
        let bytes = success(&vec![1, 2], Some(Head::EMPTY));
        assert!(bytes.starts_with(br#"{"v":1,"ok":true,"data":[1,2],"head":{"size":0,"root":"00"#));
        assert_eq!(open::<Vec<u8>>(&bytes).unwrap(), (vec![1, 2], Some(Head::EMPTY)));
        let fault = Fault::new("not_found", "there is no countdown \"x\"");
        assert_eq!(open::<Vec<u8>>(&failure(&fault)).unwrap_err(), fault);
        let found = failure_with(&fault, &vec![1, 2]);
        assert!(found.starts_with(br#"{"v":1,"ok":false,"error":{"#) && found.ends_with(br#"},"data":[1,2]}"#));
        assert_eq!(open::<Vec<u8>>(&found).unwrap_err(), fault);
    }

    #[test]
    fn what_is_no_envelope_is_a_sentence() {
        for bytes in [&b""[..], b"[]", b"{}", br#"{"v":2,"ok":true,"data":[]}"#, br#"{"v":1,"ok":true}"#, b"\xff"] {
            assert_eq!(open::<Vec<u8>>(bytes).unwrap_err().code, "bad_answer", "{bytes:?}");
        }
    }
}
