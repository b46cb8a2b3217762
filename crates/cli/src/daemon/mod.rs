//! The daemon: one process that owns a workspace's log, its timers and its subscriptions.
//!
//! Whoever takes the lock on `.convoke/daemon.lock` starts it and hands it the locked descriptor, which it keeps for life; so
//! at most one process has the log open, and the lock cannot outlive it. Clients find it by its socket.

mod bulk;
mod connect;
mod http;
mod journal;
mod lock;
mod routes;
mod run;
mod socket;

pub(crate) use bulk::{Source, bulk};
pub(crate) use connect::{Patience, connect, connect_if_running, wait_for_end};
pub(crate) use http::{Body, next_chunk};
pub(crate) use journal::{LOG_FILE, last_lines};
pub(crate) use lock::{Lock, held};
pub(crate) use routes::{DaemonInfo, StopReply};
pub(crate) use run::run;

/// Names the version at both ends of the socket.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The lock's file.
pub(crate) const LOCK_FILE: &str = "daemon.lock";
/// The socket's file.
pub(crate) const SOCKET_FILE: &str = "daemon.sock";
/// The file that says which process the daemon is.
pub(crate) const PID_FILE: &str = "daemon.pid";
