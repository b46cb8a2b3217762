//! The rules, one sentence each.
