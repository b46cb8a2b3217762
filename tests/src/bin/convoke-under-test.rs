//! The program, so that `CARGO_BIN_EXE_convoke-under-test` names it in every integration test of this crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    convoke_cli::run()
}
