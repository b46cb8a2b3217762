//! Under construction.

/// How far a view was read from the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Search {
    /// Nothing more to read.
    #[default]
    Done,
}
