//! What the test vectors hold: a chapter for each section of `docs/log-format.md`.

mod files;
mod headers;
mod trees;

use std::fmt::Write as _;

use convoke_core::log::{Salt, fingerprint, leaf_hash, node_hash, payload_hash};
use serde_json::{Map, Value, json};

/// The whole file, one vector a line.
pub(crate) fn text() -> String {
    let mut chapters = Map::new();
    chapters.insert(
        "about".to_owned(),
        json!("Test vectors of docs/log-format.md, version 1. See README.md beside this file."),
    );
    chapters.insert("hashes".to_owned(), hashes());
    chapters.extend(headers::chapters());
    chapters.extend(trees::chapters());
    chapters.extend(files::chapters());
    let mut text = String::from("{\n");
    for (index, (name, value)) in chapters.iter().enumerate() {
        let comma = if index + 1 < chapters.len() { "," } else { "" };
        match value {
            Value::Array(vectors) => {
                let lines: Vec<String> = vectors.iter().map(Value::to_string).collect();
                let _ = writeln!(text, "{:?}: [\n{}\n]{comma}", name, lines.join(",\n"));
            }
            other => {
                let _ = writeln!(text, "{name:?}: {other}{comma}");
            }
        }
    }
    text + "}\n"
}

fn hashes() -> Value {
    let salt: Salt = std::array::from_fn(|i| i as u8);
    let salted = |payload: &[u8]| [&salt[..], &(payload.len() as u32).to_be_bytes(), payload].concat();
    let mut vectors = Vec::new();
    for payload in [&b""[..], b"{}", &[b'x'; 5000]] {
        let input = salted(payload);
        vectors.push(json!({"of": "payload", "input": hex(&input), "hash": payload_hash(&input)}));
    }
    for input in [&b""[..], b"header", &[0; 1025]] {
        vectors.push(json!({"of": "leaf", "input": hex(input), "hash": leaf_hash(input)}));
    }
    let (left, right) = (leaf_hash(b"left"), leaf_hash(b"right"));
    for (left, right) in [(left, right), (right, left), (left, left)] {
        vectors
            .push(json!({"of": "node", "input": hex(&[left.0, right.0].concat()), "hash": node_hash(&left, &right)}));
    }
    for command in [&b""[..], br#"{"send":{"to":"bob"}}"#] {
        let input = [&salt[..], command].concat();
        vectors.push(json!({"of": "fingerprint", "input": hex(&input), "hash": fingerprint(&salt, command)}));
    }
    Value::Array(vectors)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The class of an error: its name in the code. Its words may change, the vectors may not.
fn class(error: &impl std::fmt::Debug) -> String {
    format!("{error:?}").chars().take_while(char::is_ascii_alphanumeric).collect()
}
