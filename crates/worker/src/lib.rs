//! Lands changes: claims them, builds and checks them in lanes, and lands what passed.

pub mod receipts;
pub mod request;
pub mod train;
