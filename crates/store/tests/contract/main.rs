//! The contract of a log, on each backend: promise by promise, and through crashes at every point of an append.

mod backends;
mod conformance;
mod crash_points;
