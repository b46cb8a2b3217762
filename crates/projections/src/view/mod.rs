//! What is shown: plain data with one JSON form, rendered by the command line, HTTP and whoever embeds the engine.
//!
//! Ids are given whole, and short as people type them. Times are RFC 3339, durations milliseconds. Lists are in a stable order; one that
//! was cut says in `more` how many items it leaves out. Texts of messages and payloads of countdowns are not kept by the fold:
//! [`View::positions_needed`] names the events to read from the log, and [`Views::fill`](crate::Views::fill) puts them in.

use serde::{Deserialize, Serialize};

mod campaigns;
mod changes;
mod countdowns;
mod mail;
mod overview;

pub use campaigns::{
    CampaignLine, CampaignState, CampaignView, CampaignsView, CountdownCounts, GraphEdge, GraphNode, GraphView,
    MemberView, OrderView,
};
pub use changes::{CauseView, ChangeLine, ChangeState, ChangeView, ChangesView, Quantiles, QueueMetricsView};
pub use countdowns::{
    AnswerState, AttendeeView, CampaignRef, CountdownLine, CountdownRef, CountdownState, CountdownView, CountdownsView,
    EndView, HoldView,
};
pub use mail::{
    DeadLettersView, DeliveryLine, DeliveryState, HistoryView, InboxView, MailCounts, MessageView, RecipientView,
    ThreadView,
};
pub use overview::{ActorCounts, ActorLine, ActorView, ActorsView, LeaseLine, MailboxLine, StatusView};

/// The answer to a [`Query`](crate::query::Query), under the same name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// One screenful.
    Status(Box<StatusView>),
    /// Some countdowns.
    Countdowns(CountdownsView),
    /// One countdown.
    Countdown(Box<CountdownView>),
    /// Some campaigns.
    Campaigns(CampaignsView),
    /// One campaign.
    Campaign(Box<CampaignView>),
    /// Its levels.
    Order(OrderView),
    /// Its graph.
    Graph(GraphView),
    /// A mailbox.
    Inbox(InboxView),
    /// Messages that were given up.
    DeadLetters(DeadLettersView),
    /// Some actors.
    Actors(ActorsView),
    /// One actor.
    Actor(Box<ActorView>),
    /// A thread.
    Thread(ThreadView),
    /// Where the events about one thing are.
    History(HistoryView),
    /// Some changes.
    Changes(ChangesView),
    /// One change.
    Change(Box<ChangeView>),
    /// How the queue does.
    QueueMetrics(QueueMetricsView),
}

/// A list that was cut: how many items it leaves out; absent in JSON if none.
pub type More = u64;

fn none(more: &More) -> bool {
    *more == 0
}
