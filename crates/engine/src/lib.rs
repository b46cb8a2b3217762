//! Convoke as a library: one writer on one log, time, subscriptions, and the questions that can be asked.
//!
//! An [`Engine`] owns the log in a folder. What is asked of it is a [`Request`](core::command::Request); it answers when
//! the answer is durable. What becomes due while it is open fires by itself.
//!
//! ```
//! use convoke::{
//!     Engine, Settings,
//!     core::{
//!         command::{Command, ConfirmCountdown, Request, ScheduleCountdown, Tick},
//!         name::ActorName,
//!         time::TimeSpec,
//!     },
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let olga = ActorName::parse("olga")?;
//! let engine = Engine::create(folder, olga.clone(), Settings::default()).await?;
//!
//! // Subscribe: every event from here on, as soon as it is durable.
//! let mut follow = engine.follow(engine.head().size);
//!
//! let request = |actor: &str, command| -> Result<Request, Box<dyn std::error::Error>> {
//!     Ok(Request { actor: ActorName::parse(actor)?, key: None, expect_head: None, command })
//! };
//! let mut review = ScheduleCountdown::new("review", TimeSpec::parse("+5m")?);
//! review.attendees = vec![ActorName::parse("alice")?];
//! engine.command(request("olga", Command::ScheduleCountdown(review))?).await?;
//!
//! let confirm = ConfirmCountdown { countdown: "review".to_owned(), attendee: None };
//! let answer = engine.command(request("alice", Command::ConfirmCountdown(confirm))?).await?;
//! assert_eq!(answer.events[1].kind, "countdown.fired");
//!
//! // Nothing is due, so this writes nothing.
//! engine.command(request("olga", Command::Tick(Tick {}))?).await?;
//!
//! while follow.next().await?.kind != "countdown.fired" {}
//! engine.close().await;
//! # Ok(()) })
//! # }
//! ```

pub mod api;
mod audit;
mod copy;
mod engine;
mod events;
mod fault;
mod fold;
mod follow;
mod machine;
mod offload;
mod questions;
mod render;
mod sequencer;
mod snapshots;
mod traces;
mod transfer;
mod verify;
mod waiting;
mod writer;

pub use convoke_core as core;
pub use convoke_projections as projections;
pub use engine::{Brief, Engine, Pending, Settings};
pub use events::read_events;
pub use follow::Follow;
pub use machine::{Clock, MachineClock, RandomIds};
pub use offload::Offload;
pub use sequencer::{Batch, Decided, OpenBatch, Outcome, Sequencer, TimedIds};
pub use transfer::import;
pub use verify::{Progress, verify_closed, verify_export};
