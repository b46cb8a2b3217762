//! What a view needs of the log: texts of messages, payloads of countdowns, and the events of a thread or a history.
//!
//! The fold keeps positions, not texts. A view names the positions that it needs; they are read and handed in; and so on until it needs
//! nothing more. A position that cannot be read (its payload was erased) is not asked for again.

use std::collections::{BTreeSet, HashMap};

use convoke_core::{
    event::{Event, Recorded},
    id::{EventId, IdReference, MessageId},
    mailbox::events::MessageSent,
    name::ActorName,
    refusal::Refusal,
    time::Timestamp,
};

use crate::{
    about,
    queue_answer::fill_change,
    resolve::nothing,
    view::{DeliveryLine, HistoryView, MessageView, RecipientView, ThreadView, View},
    views::Views,
};

/// How far a thread or a history was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Search {
    /// Nothing more to read.
    #[default]
    Done,
    /// For the message that was asked for, which says where its thread begins.
    Root { reference: String, limit: u32, positions: Vec<u64> },
    /// For the messages of the thread.
    Messages { limit: u32, positions: Vec<u64> },
    /// For what the events are about.
    History { reference: String, id: Wanted, positions: Vec<u64> },
}

/// The id of a thing, or the end of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted(IdReference);

impl From<IdReference> for Wanted {
    fn from(id: IdReference) -> Self {
        Self(id)
    }
}

impl Search {
    fn positions(&self) -> Vec<u64> {
        match self {
            Self::Done => Vec::new(),
            Self::Root { positions, .. } | Self::Messages { positions, .. } | Self::History { positions, .. } => {
                positions.clone()
            }
        }
    }
}

impl View {
    /// The positions of the events that must be read before the view is whole, in order, each once. Hand them to [`Views::fill`] and ask
    /// again; at most two rounds are needed.
    #[must_use]
    pub fn positions_needed(&self) -> Vec<u64> {
        let unread = |messages: &[DeliveryLine]| {
            let unread = messages.iter().filter(|line| !line.filled).map(|line| line.position);
            unread.collect::<BTreeSet<u64>>().into_iter().collect()
        };
        match self {
            Self::Countdown(view) => view.payload_at.into_iter().collect(),
            Self::Inbox(view) => unread(&view.messages),
            Self::DeadLetters(view) => unread(&view.messages),
            Self::Thread(view) => view.search.positions(),
            Self::History(view) => view.search.positions(),
            Self::Change(view) => view.needed.clone(),
            Self::Status(_)
            | Self::Countdowns(_)
            | Self::Campaigns(_)
            | Self::Campaign(_)
            | Self::Order(_)
            | Self::Graph(_)
            | Self::Actors(_)
            | Self::Actor(_)
            | Self::Changes(_)
            | Self::QueueMetrics(_) => Vec::new(),
        }
    }
}

impl Views {
    /// Puts the events at [`View::positions_needed`], as far as they could be read, into a view that this fold answered with.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] or [`Refusal::Ambiguous`] if a short id turns out to mean nothing, or several things.
    pub fn fill(&self, view: &mut View, events: &[Recorded]) -> Result<(), Refusal> {
        match view {
            View::Countdown(view) => {
                let scheduled = events.iter().find(|event| Some(event.position) == view.payload_at);
                if let Some(Event::CountdownScheduled(scheduled)) = scheduled.map(|recorded| &recorded.event) {
                    view.payload = scheduled.payload.clone();
                }
                view.payload_at = None;
            }
            View::Inbox(view) => fill_lines(&mut view.messages, events),
            View::DeadLetters(view) => fill_lines(&mut view.messages, events),
            View::Thread(view) => self.fill_thread(view, events)?,
            View::History(view) => fill_history(view, events)?,
            View::Change(view) => fill_change(view, events),
            View::Status(_)
            | View::Countdowns(_)
            | View::Campaigns(_)
            | View::Campaign(_)
            | View::Order(_)
            | View::Graph(_)
            | View::Actors(_)
            | View::Actor(_)
            | View::Changes(_)
            | View::QueueMetrics(_) => {}
        }
        Ok(())
    }

    fn fill_thread(&self, view: &mut ThreadView, events: &[Recorded]) -> Result<(), Refusal> {
        match std::mem::take(&mut view.search) {
            Search::Done | Search::History { .. } => {}
            Search::Root { reference, limit, .. } => {
                let root = root_of(&reference, events)?;
                view.root = Some(root);
                let positions = self.positions(&IdReference::Full(EventId::from(root).to_bytes()));
                view.search = Search::Messages { limit, positions };
            }
            Search::Messages { limit, .. } => {
                let mut messages: Vec<(&Recorded, &MessageSent)> = sent(events)
                    .filter(|(recorded, sent)| {
                        view.root.is_some() && [Some(recorded.id.into()), sent.thread].contains(&view.root)
                    })
                    .collect();
                messages.sort_by_key(|(recorded, _)| recorded.position);
                let cut = messages.len().saturating_sub(limit as usize);
                view.more = cut as u64;
                let shown = messages.into_iter().skip(cut);
                view.messages = shown.map(|(recorded, sent)| self.message(recorded, sent, view.now)).collect();
            }
        }
        Ok(())
    }

    fn message(&self, recorded: &Recorded, sent: &MessageSent, now: Timestamp) -> MessageView {
        let message = MessageId::from(recorded.id);
        let recipients: BTreeSet<ActorName> = match sent.to.as_slice() {
            [name] if name.as_str() == ActorName::ALL => {
                self.state.actors.everybody_but(&sent.from, recorded.position).cloned().collect()
            }
            names => names.iter().map(|name| name.clone().mailbox()).collect(),
        };
        let recipient = |mailbox: ActorName| RecipientView {
            state: self.state.mail.state_of(message, &mailbox, &self.state.actors, now),
            mailbox,
        };
        MessageView {
            message,
            short: message.short(),
            position: recorded.position,
            from: sent.from.clone(),
            to: sent.to.clone(),
            kind: sent.kind.clone(),
            priority: sent.priority,
            sent_at: recorded.time,
            subject: sent.subject.clone(),
            body: sent.body.clone(),
            data: sent.data.clone(),
            in_reply_to: sent.in_reply_to,
            references: sent.references.clone(),
            redrive_of: sent.redrive_of,
            recipients: recipients.into_iter().map(recipient).collect(),
        }
    }
}

fn sent(events: &[Recorded]) -> impl Iterator<Item = (&Recorded, &MessageSent)> {
    events.iter().filter_map(|recorded| match &recorded.event {
        Event::MessageSent(sent) => Some((recorded, sent)),
        _ => None,
    })
}

/// The first message of the thread of the one message that is meant.
fn root_of(reference: &str, events: &[Recorded]) -> Result<MessageId, Refusal> {
    let id = IdReference::parse(reference);
    let meant: Vec<(&Recorded, &MessageSent)> =
        sent(events).filter(|(recorded, _)| id.is_some_and(|id| id.matches(recorded.id))).collect();
    match meant.as_slice() {
        [] => Err(nothing("message", reference)),
        [(recorded, sent)] => Ok(sent.thread.unwrap_or_else(|| recorded.id.into())),
        several => Err(ambiguous("message", reference, several.iter().map(|(recorded, _)| recorded.id))),
    }
}

fn fill_history(view: &mut HistoryView, events: &[Recorded]) -> Result<(), Refusal> {
    let Search::History { reference, id: Wanted(id), .. } = std::mem::take(&mut view.search) else { return Ok(()) };
    let things: BTreeSet<EventId> = events.iter().flat_map(about::about).filter(|thing| id.matches(*thing)).collect();
    let mut things = things.into_iter();
    let thing = match (things.next(), things.next()) {
        (None, _) => return Err(nothing("thing", &reference)),
        (Some(thing), None) => thing,
        (Some(first), Some(second)) => {
            return Err(ambiguous("thing", &reference, [first, second].into_iter().chain(things)));
        }
    };
    view.id = Some(thing);
    let about_it = events.iter().filter(|recorded| about::is_about(recorded, thing));
    view.positions = about_it.map(|recorded| recorded.position).collect::<BTreeSet<u64>>().into_iter().collect();
    Ok(())
}

fn fill_lines(lines: &mut [DeliveryLine], events: &[Recorded]) {
    let by_position: HashMap<u64, &MessageSent> =
        sent(events).map(|(recorded, sent)| (recorded.position, sent)).collect();
    for line in lines {
        line.filled = true;
        if let Some(sent) = by_position.get(&line.position) {
            line.subject = sent.subject.clone();
            line.body = Some(sent.body.clone());
            line.in_reply_to = sent.in_reply_to;
        }
    }
}

fn ambiguous(what: &'static str, reference: &str, candidates: impl Iterator<Item = EventId>) -> Refusal {
    // Their short forms are what was given, so only the whole ids tell them apart.
    Refusal::Ambiguous {
        what,
        reference: reference.to_owned(),
        candidates: candidates.map(|id| id.to_string()).collect(),
    }
}
