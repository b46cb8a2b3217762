//! What can go wrong with a log: refused appends, damaged bytes, folders that cannot be opened.

use std::path::PathBuf;

use convoke_core::log::Head;

/// Why a commit was not appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The head is another one by now; nothing was written.
    #[error("the log's head is at {} events, not where the append expected it", actual.size)]
    Conflict {
        /// The head as it is.
        actual: Head,
    },
    /// The commit has no event; nothing was written.
    #[error("a commit needs at least one event")]
    Empty,
    /// The commit does not start at the expected head, or belongs to another log; nothing was written.
    #[error("the commit is not made for this log and head")]
    Misplaced,
    /// The commit or one of its events is over a limit; nothing was written.
    #[error("the commit is too large: {what} is {size}, the limit is {size_max}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        size: usize,
        /// The limit.
        size_max: usize,
    },
    /// The disk is full, or failed, or its files are gone: whether the commit was written shows when the log is opened anew.
    #[error("the write failed and its outcome is not known: {0}")]
    OutcomeUnknown(String),
    /// An earlier write failed with an unknown outcome.
    #[error("the log takes no writes since an earlier one failed; open it anew")]
    Poisoned,
}

/// Why stored events could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Stored bytes are not what they must be.
    #[error("the log is damaged at position {position}: {what}")]
    Damaged {
        /// The first position that cannot be served.
        position: u64,
        /// What is wrong.
        what: String,
    },
    /// A range beyond the durable head was asked for.
    #[error("position {position} is beyond the log's {size} events")]
    Beyond {
        /// What was asked for.
        position: u64,
        /// What there is.
        size: u64,
    },
    /// The disk or folder failed.
    #[error("the log could not be read: {0}")]
    Io(String),
}

/// Why a log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is none.
    #[error("there is no log in {}", .0.display())]
    Missing(PathBuf),
    /// There is one where a new one was to be made.
    #[error("there is a log in {} already", .0.display())]
    Exists(PathBuf),
    /// Another process has it open.
    #[error("the log in {} is open in another process", .0.display())]
    Locked(PathBuf),
    /// Written by a newer version.
    #[error("the log in {} has format {found}; this build reads up to {supported}", folder.display())]
    NewerFormat {
        /// Where.
        folder: PathBuf,
        /// Its version.
        found: String,
        /// Ours.
        supported: u32,
    },
    /// The log holds less than it once acknowledged.
    #[error("the log was truncated: it holds {} events, and {} were acknowledged", found.size, recorded.size)]
    Truncated {
        /// What is there.
        found: Head,
        /// What was recorded.
        recorded: Head,
    },
    /// The log's events at the recorded size have another root, or are of another log.
    #[error("the log is not the one that was acknowledged: its root at {} events is another", recorded.size)]
    OtherRoot {
        /// What was recorded.
        recorded: Head,
    },
    /// Stored bytes are not what they must be.
    #[error("the log is damaged at position {position}: {what}")]
    Damaged {
        /// The first position that does not hold.
        position: u64,
        /// What is wrong.
        what: String,
    },
    /// The store's files are damaged so that no position can be named.
    #[error("the files of the log in {} are damaged: {what}", folder.display())]
    Unreadable {
        /// Where.
        folder: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// What was acknowledged is not on record: the file `head` is missing or has no valid slot.
    #[error(
        "the log in {} has lost its recorded head: the file `head` is missing or damaged, and nobody can tell whether the log \
         was cut; bring that file or a copy of the whole store back, or import an export",
        .0.display()
    )]
    HeadLost(PathBuf),
    /// The disk is full, or the quota is used up.
    #[error("the log in {} could not be opened: {what}", folder.display())]
    Full {
        /// Where.
        folder: PathBuf,
        /// Which of both.
        what: String,
    },
    /// The filesystem is read-only, and sled writes on opening.
    #[error("the log in {} could not be opened: the filesystem is read-only", .0.display())]
    ReadOnly(PathBuf),
    /// The disk or folder failed.
    #[error("the log in {} could not be opened: {what}", folder.display())]
    Io {
        /// Where.
        folder: PathBuf,
        /// How.
        what: String,
    },
}
