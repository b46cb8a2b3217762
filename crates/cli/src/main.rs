//! The `convoke` program. Everything is in the library, so that tests and tools can build on the same definitions.

use std::process::ExitCode;

/// Measured against the system's in docs/decisions/0005: faster, and it gives memory back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    convoke_cli::run()
}
