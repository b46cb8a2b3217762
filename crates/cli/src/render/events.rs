//! Events: each kind in one sentence, in the log and in the answer to the command that wrote it.

use std::collections::BTreeMap;

use convoke::api::{Answer, EventView, Reply};
use convoke_core::{
    campaign::events::FailurePolicy,
    event::Event,
    id::{CountdownId, EventId, MessageId},
    mailbox::Token,
};
use convoke_projections::query::LIMIT_MAX;
use serde::Serialize;

use super::{
    Cell, Page, Show, Table,
    actors::{kind, membership},
    countdowns::{plan, scrub_cause, why},
    mail::{dead_reason, priority, show_taken},
};

/// Lines of an answer at most: what a cascade does besides is counted.
const ROWS_MAX: usize = 20;

impl Show for Answer {
    fn show(&self, page: &mut Page) {
        if self.repeated {
            page.tell_again();
            page.line("repeated: the answer of an earlier call with the same key, nothing is done twice");
        }
        if let Some(last) = self.events.last()
            && !page.is_told_again()
        {
            page.as_at(last.time);
        }
        let mut table = Table::new();
        let mut registered = Vec::new();
        let mut acked = Vec::new();
        let mut rows = 0;
        let mut rest: Option<(u64, BTreeMap<String, u64>)> = None;
        for view in &self.events {
            match decode(view) {
                // What `recv` took is shown as messages.
                Some(Event::MessageTaken(_)) if !self.messages.is_empty() => {}
                Some(Event::MessageAcked(event)) if !self.messages.is_empty() => acked.push(event.message),
                Some(Event::ActorRegistered(new)) if self.events.len() > 1 => registered.push(new.name.to_string()),
                _ if rows == ROWS_MAX => {
                    let (_, kinds) = rest.get_or_insert_with(|| (view.position, BTreeMap::new()));
                    *kinds.entry(word(&view.kind)).or_default() += 1;
                }
                event => {
                    rows += 1;
                    let (subject, sentence) = told(view, event.as_ref(), page);
                    table.row([Cell::id(subject), Cell::text(word(&view.kind)), Cell::whole(sentence)]);
                }
            }
        }
        page.table(table);
        if let Some((first, kinds)) = rest {
            let many: Vec<_> = kinds.iter().map(|(word, count)| format!("{count} {word}")).collect();
            let sum = kinds.values().sum();
            let events = if sum == 1 { "event" } else { "events" };
            page.more(sum, &format!("{events} ({})", many.join(", ")), &format!("convoke log --from {first}"));
        }
        if !registered.is_empty() {
            page.line(format!("new: {}", registered.join(", ")));
        }
        for message in &self.messages {
            show_taken(message, acked.contains(&message.message), page);
        }
        if self.events.is_empty() && self.messages.is_empty() {
            page.line("nothing new: it was so already");
        }
    }
}

/// The kind without its family: `fired` of `countdown.fired`.
fn word(kind: &str) -> String {
    kind.split_once('.').map_or(kind, |(_, word)| word).replace('_', " ")
}

fn decode(view: &EventView) -> Option<Event> {
    Event::decode(&view.kind, view.schema, view.payload.get().as_bytes()).ok()
}

/// Whom or what an event is about, and the rest of it in words.
fn told(view: &EventView, event: Option<&Event>, page: &Page) -> (String, String) {
    let Some(event) = event else {
        let what = if view.payload.get() == "null" { "erased" } else { view.payload.get() };
        return (page.id(view.id), what.to_owned());
    };
    let about = |id: CountdownId| page.id(id);
    let message = |id: MessageId| page.id(id);
    let token = |id: MessageId, fence: u32| Token::new(id, fence).to_string();
    match event {
        Event::WorkspaceCreated(event) => (page.id(view.id), format!("organized by {}", event.organizer)),
        Event::MembershipSet(event) => (page.id(view.id), membership(event.membership).to_owned()),
        Event::ClockAccepted(event) => {
            (page.id(view.id), format!("from {} to {}: {}", event.engine, event.wall, event.reason))
        }
        Event::ActorRegistered(event) => (event.name.to_string(), kind(event.kind).to_owned()),
        Event::ActorKindChanged(event) => (event.name.to_string(), format!("now {}", kind(event.kind))),
        Event::CountdownScheduled(event) => {
            let when = match event.fire_at {
                Some(fire_at) => format!("T-0 {}", page.when_from(fire_at, view.time)),
                None => format!("held, {}", plan(event.plan, event.lead_ms, page)),
            };
            let names: Vec<_> = event.attendees.iter().map(ToString::to_string).collect();
            let quorum = match (event.quorum, names.len()) {
                (0, 0) => "a timer".to_owned(),
                (0, _) => format!("a timer, told to {}", names.join(", ")),
                (quorum, attendees) => format!("quorum {quorum} of {attendees} ({})", names.join(", ")),
            };
            (page.id(view.id), format!("{}: {when}, {quorum}", event.name))
        }
        Event::CountdownJoined(event) => (about(event.countdown), format!("campaign {}", page.id(event.campaign))),
        Event::CountdownReleased(event) => {
            (about(event.countdown), format!("T-0 {}", page.when_from(event.fire_at, view.time)))
        }
        Event::CountdownConfirmed(event) => (about(event.countdown), format!("go from {}", event.attendee)),
        Event::CountdownDeclined(event) => {
            (about(event.countdown), format!("no-go from {}{}", event.attendee, why(event.reason.as_ref())))
        }
        Event::CountdownDeferred(event) => (
            about(event.countdown),
            format!(
                "by {} for {}, T-0 {}{}",
                event.by_ms,
                event.attendee,
                page.when_from(event.fire_at, view.time),
                why(event.reason.as_ref())
            ),
        ),
        Event::CountdownHoldStarted(event) => (
            about(event.countdown),
            format!("scrubbed {} unless resumed{}", page.when_from(event.until, view.time), why(event.reason.as_ref())),
        ),
        Event::CountdownResumed(event) => {
            (about(event.countdown), format!("T-0 {}", page.when_from(event.fire_at, view.time)))
        }
        Event::CountdownRescheduled(event) => {
            let when = event.fire_at.map_or_else(
                || plan(event.plan, convoke_core::time::Span::ZERO, page),
                |fire_at| format!("T-0 {}", page.when_from(fire_at, view.time)),
            );
            (about(event.countdown), format!("{when}; the answers are cleared"))
        }
        Event::CountdownFired(event) => (about(event.countdown), format!("go: {} confirmed", event.confirmed)),
        Event::CountdownMissed(event) => (about(event.countdown), format!("no quorum: {} confirmed", event.confirmed)),
        Event::CountdownScrubbed(event) => {
            (about(event.countdown), format!("{}{}", scrub_cause(&event.cause), why(event.reason.as_ref())))
        }
        Event::CampaignCreated(event) => {
            let policy = match event.policy {
                FailurePolicy::Block => "a failure blocks what depends on it",
                FailurePolicy::Continue => "goes on after a failure",
            };
            (page.id(view.id), format!("{}: {policy}", event.name))
        }
        Event::CampaignLinked(event) => {
            (page.id(event.campaign), format!("{} waits for {}", about(event.after), about(event.before)))
        }
        Event::CampaignUnlinked(event) => {
            (page.id(event.campaign), format!("{} no longer waits for {}", about(event.after), about(event.before)))
        }
        Event::CampaignStarted(event) => (page.id(event.campaign), String::new()),
        Event::CampaignCompleted(event) => (page.id(event.campaign), "every countdown fired".to_owned()),
        Event::CampaignFailed(event) => (page.id(event.campaign), "not every countdown fired".to_owned()),
        Event::CampaignCancelled(event) => (page.id(event.campaign), event.reason.clone().unwrap_or_default()),
        Event::MessageSent(event) => {
            let to: Vec<_> = event.to.iter().map(ToString::to_string).collect();
            let urgency = priority(event.priority);
            let space = if urgency.is_empty() { "" } else { " " };
            let gist = event.subject.as_deref().unwrap_or_else(|| event.body.lines().next().unwrap_or(""));
            let gist = if gist.is_empty() { String::new() } else { format!(": {}", convoke_core::name::shorten(gist)) };
            (page.id(view.id), format!("{urgency}{space}{} from {} to {}{gist}", event.kind, event.from, to.join(", ")))
        }
        Event::MessageTaken(event) => (
            message(event.message),
            format!(
                "by {}, token {}, {}",
                event.holder,
                token(event.message, event.fence),
                page.lease_end_from(event.until, view.time)
            ),
        ),
        Event::MessageAcked(event) => (message(event.message), format!("in the mailbox of {}", event.mailbox)),
        Event::MessageNacked(event) => (
            message(event.message),
            format!("can be taken again {}{}", page.when_from(event.again_at, view.time), why(event.reason.as_ref())),
        ),
        Event::MessageLeaseExtended(event) => (message(event.message), page.lease_end_from(event.until, view.time)),
        Event::MessageLeaseExpired(event) => {
            (message(event.message), format!("{} was silent; back in the mailbox of {}", event.holder, event.mailbox))
        }
        Event::MessageDeadLettered(event) => {
            (message(event.message), format!("in the mailbox of {}: {}", event.mailbox, dead_reason(event.reason)))
        }
        Event::MessageRedriven(event) => (message(event.message), format!("sent again as {}", page.id(event.again))),
        Event::ChangeSubmitted(_)
        | Event::ChangeRejected(_)
        | Event::ChangeApproved(_)
        | Event::ChangeDisapproved(_)
        | Event::ChangeLeased(_)
        | Event::ChangeLeaseExtended(_)
        | Event::ChangeLeaseExpired(_)
        | Event::ChangeReturned(_)
        | Event::ChangeLandingStarted(_)
        | Event::ChangeLanded(_)
        | Event::ChangeConflicted(_)
        | Event::ChangeFailed(_)
        | Event::ChangeDied(_)
        | Event::ChangeCancelled(_)
        | Event::ChangeSuperseded(_)
        | Event::QueuePaused(_)
        | Event::QueueResumed(_) => super::queue::told(view, event, page),
    }
}

/// One event of a list or a stream.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct EventItem(pub(crate) EventView);

impl Show for EventItem {
    fn show(&self, page: &mut Page) {
        page.table(event_table([&self.0], page));
    }
}

/// Events as lines: position, when, who, what, about what, in words.
fn event_table<'a>(events: impl IntoIterator<Item = &'a EventView>, page: &Page) -> Table {
    let mut table = Table::new();
    for view in events {
        let (subject, sentence) = told(view, decode(view).as_ref(), page);
        table.row([
            Cell::number(view.position),
            Cell::faint(page.when(view.time)),
            Cell::text(&view.actor),
            Cell::text(&view.kind),
            Cell::id(subject),
            Cell::whole(sentence),
        ]);
    }
    table
}

/// One event, whole.
fn whole_event(view: &EventView, page: &mut Page) {
    let (subject, sentence) = told(view, decode(view).as_ref(), page);
    let mut table = Table::new();
    table.row([Cell::id(subject), Cell::text(&view.kind), Cell::whole(sentence)]);
    page.table(table);
    let mut facts = Table::indented();
    let mut fact = |name: &str, value: String| facts.row([Cell::faint(name), Cell::whole(value)]);
    fact("position", view.position.to_string());
    fact("id", view.id.to_string());
    fact("time", format!("{} ({})", view.time, super::times::relative(view.time, crate::output::wall_clock())));
    fact("actor", view.actor.to_string());
    fact("schema", view.schema.to_string());
    let other = |id: EventId| if id == view.id { None } else { Some(id.to_string()) };
    if let Some(first) = other(view.correlation) {
        fact("written with", first);
    }
    if let Some(cause) = view.causation {
        fact("because of", cause.to_string());
    }
    fact("payload", view.payload.get().to_owned());
    page.table(facts);
}

impl Show for Reply {
    fn show(&self, page: &mut Page) {
        match self {
            Self::State(view) => view.show(page),
            Self::Log { events, more } => {
                let how = match events.first() {
                    Some(first) if events.len() >= LIMIT_MAX as usize => {
                        format!("--as-of {}, as {LIMIT_MAX} at once is the most", first.position)
                    }
                    _ => "--limit N".to_owned(),
                };
                match more {
                    Some(more) => page.more(*more, "earlier", &how),
                    None => page.line(format!("… there may be earlier ones: {how}")),
                }
                page.table(event_table(events, page));
                if events.is_empty() {
                    page.line("no events");
                }
            }
            Self::Event(view) => whole_event(view, page),
            Self::Checkpoint(checkpoint) => checkpoint.show(page),
            Self::Proof(proof) => proof.show(page),
            Self::Extension(proof) => proof.show(page),
            Self::Verified(verified) => verified.show(page),
            Self::Replayed(replayed) => replayed.show(page),
            Self::Health(health) => health.show(page),
        }
    }
}
