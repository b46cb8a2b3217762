//! Writes the log format's test vectors: `cargo run -p convoke-core --example vectors > tests/vectors/log-v1.json`.
//!
//! The committed file is the format. If what this writes ever differs from it in anything that was there before, every
//! log ever written stops verifying; new vectors may be added.

mod content;

fn main() {
    print!("{}", content::text());
}
