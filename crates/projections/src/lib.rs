//! What is shown: folds of the log, and the queries on them. Nothing here is ever decided from.

pub mod query;
pub mod view;

mod fill;

pub use query::Query;
pub use view::View;
