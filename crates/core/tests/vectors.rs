//! The committed test vectors are what this code writes.

#[path = "../examples/vectors/content/mod.rs"]
mod content;

/// If this fails and no vector was added on purpose, the format moved: every log ever written stops verifying.
#[test]
fn the_committed_vectors_are_what_this_code_writes() {
    let committed = include_str!("../../../tests/vectors/log-v1.json");
    let written = content::text();
    for (line, (committed, written)) in (1..).zip(committed.lines().zip(written.lines())) {
        assert_eq!(committed, written, "line {line} of tests/vectors/log-v1.json");
    }
    assert_eq!(committed.len(), written.len());
}
