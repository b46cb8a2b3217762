//! Where work is done that would hold up everybody else.

use tokio::task::JoinHandle;

/// Where decoding and the files of snapshots are dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Offload {
    /// On threads of their own.
    #[default]
    Threads,
    /// On the runtime's own thread, in turn with all else: a run on a runtime of one thread is then the same each time.
    InTurn,
}

impl Offload {
    /// Begins with the work.
    pub(crate) fn begin<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        match self {
            Self::Threads => tokio::task::spawn_blocking(work),
            Self::InTurn => tokio::spawn(async { work() }),
        }
    }
}
