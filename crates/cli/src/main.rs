//! The `convoke` program. Everything is in the library, so that tests and tools can build on the same definitions.

use std::process::ExitCode;

fn main() -> ExitCode {
    convoke_cli::run()
}
