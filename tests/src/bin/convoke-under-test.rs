//! The `convoke` program, as the integration tests of this crate run it.

use std::process::ExitCode;

fn main() -> ExitCode {
    convoke_cli::run()
}
