//! Given these events, this is the answer.

use convoke_core::{
    actors::events::{ActorKind, ActorKindChanged, ClockAccepted},
    campaign::events::CampaignCancelled,
    countdown::events::{
        CountdownConfirmed, CountdownDeclined, CountdownDeferred, CountdownFired, CountdownHoldStarted,
        CountdownMissed, CountdownReleased, CountdownRescheduled, CountdownResumed, CountdownScrubbed, Plan,
        ScrubCause,
    },
    id::{IdReference, MessageId},
    mailbox::events::{
        DeadReason, MessageAcked, MessageDeadLettered, MessageLeaseExpired, MessageLeaseExtended, MessageNacked,
        MessageRedriven, MessageSent,
    },
    priority::Priority,
    refusal::Refusal,
    time::Span,
};
use convoke_projections::{
    Query, View, Views,
    query::{
        ActorQuery, ActorsQuery, CampaignsQuery, CountdownFilter, CountdownsQuery, DeadLettersQuery, InboxQuery,
        Reference, StatusQuery, ThreadQuery,
    },
    view::{
        AnswerState, CampaignState, CampaignView, CountdownState, CountdownView, DeliveryState, InboxView, MailCounts,
        StatusView, ThreadView,
    },
};

use crate::history::{History, MINUTE, actor, message, minute};

fn reference(text: impl ToString) -> Reference {
    Reference { reference: text.to_string() }
}

fn countdown(history: &History, text: impl ToString) -> CountdownView {
    match history.ask(&Query::Countdown(reference(text))) {
        Ok(View::Countdown(view)) => *view,
        other => panic!("not a countdown: {other:?}"),
    }
}

fn campaign(history: &History, text: impl ToString) -> CampaignView {
    match history.ask(&Query::Campaign(reference(text))) {
        Ok(View::Campaign(view)) => *view,
        other => panic!("not a campaign: {other:?}"),
    }
}

fn names(history: &History, query: CountdownsQuery) -> (Vec<String>, u64) {
    match history.ask(&Query::Countdowns(query)) {
        Ok(View::Countdowns(view)) => (view.countdowns.iter().map(|line| line.name.to_string()).collect(), view.more),
        other => panic!("not countdowns: {other:?}"),
    }
}

fn inbox(history: &History, mailbox: &str) -> InboxView {
    match history.ask(&Query::Inbox(InboxQuery { mailbox: actor(mailbox), limit: None })) {
        Ok(View::Inbox(view)) => view,
        other => panic!("not an inbox: {other:?}"),
    }
}

fn thread(history: &History, message: impl ToString, limit: Option<u32>) -> Result<ThreadView, Refusal> {
    match history.ask(&Query::Thread(ThreadQuery { message: message.to_string(), limit }))? {
        View::Thread(view) => Ok(view),
        other => panic!("not a thread: {other:?}"),
    }
}

fn status(history: &History, query: StatusQuery) -> StatusView {
    match history.ask(&Query::Status(query)) {
        Ok(View::Status(view)) => *view,
        other => panic!("not a status: {other:?}"),
    }
}

fn history_of(history: &History, text: impl ToString) -> Result<Vec<u64>, Refusal> {
    match history.ask(&Query::History(reference(text)))? {
        View::History(view) => Ok(view.positions),
        other => panic!("not a history: {other:?}"),
    }
}

// --- countdowns

#[test]
fn a_countdown_shows_who_answered_what_when_and_who_fired_it() {
    let mut history = History::new();
    let id = history.schedule("review", None);
    history.pass(1);
    history.append("bob", CountdownConfirmed { countdown: id, attendee: actor("bob") });
    history.pass(1);
    let fire_at = minute(20);
    let deferred = CountdownDeferred {
        countdown: id,
        attendee: actor("cid"),
        by_ms: MINUTE,
        fire_at,
        reason: Some("tests".into()),
    };
    history.append("cid", deferred);

    let view = countdown(&history, id);
    assert_eq!(view.line.state, CountdownState::Counting);
    assert_eq!((view.line.confirmed, view.line.quorum, view.line.attendees), (1, 2, 2));
    assert_eq!(view.line.fire_at, Some(fire_at));
    assert_eq!(view.slipped_ms, MINUTE);
    assert_eq!(view.payload, Some(serde_json::json!({"for": "review"})), "read from the log");
    let [bob, cid] = view.answers.as_slice() else { panic!("{:?}", view.answers) };
    assert_eq!((bob.answer, bob.at), (AnswerState::Confirmed, Some(minute(1))));
    assert_eq!(
        (cid.answer, cid.at, cid.deferrals, cid.deferred_ms),
        (AnswerState::Pending, Some(minute(2)), 1, MINUTE)
    );
    assert_eq!(cid.reason.as_deref(), Some("tests"));

    history.append("cid", CountdownConfirmed { countdown: id, attendee: actor("cid") });
    history.append("cid", CountdownFired { countdown: id, confirmed: 2 });
    let view = countdown(&history, id.short());
    assert_eq!(view.line.state, CountdownState::Fired);
    assert_eq!(view.line.ended_at, Some(minute(2)));
    let end = view.end.unwrap();
    assert_eq!((end.by, end.position), (actor("cid"), 7));
}

#[test]
fn an_end_is_final_whatever_comes_after_it() {
    let mut history = History::new();
    let id = history.schedule("review", None);
    history.append("system", CountdownMissed { countdown: id, confirmed: 0 });
    let missed = countdown(&history, id);
    history.append("bob", CountdownConfirmed { countdown: id, attendee: actor("bob") });
    history.append("ann", CountdownResumed { countdown: id, fire_at: minute(90) });
    history.append("ann", CountdownScrubbed { countdown: id, cause: ScrubCause::Organizer, reason: None });
    assert_eq!(countdown(&history, id), missed);
    assert_eq!(missed.line.state, CountdownState::Missed);
    assert!(missed.answers.iter().all(|answer| answer.answer == AnswerState::Missed));
}

#[test]
fn a_countdown_on_hold_says_until_when_and_why_and_goes_on() {
    let mut history = History::new();
    let id = history.schedule("review", None);
    let started = CountdownHoldStarted { countdown: id, until: minute(60), reason: Some("freeze".into()) };
    history.append("ann", started);
    let hold = countdown(&history, id).hold.unwrap();
    assert_eq!((hold.until, hold.by, hold.reason.as_deref()), (minute(60), actor("ann"), Some("freeze")));
    assert_eq!(countdown(&history, id).line.hold_until, Some(minute(60)));
    history.append("ann", CountdownResumed { countdown: id, fire_at: minute(15) });
    let view = countdown(&history, id);
    assert_eq!((view.line.state, view.line.fire_at, view.hold), (CountdownState::Counting, Some(minute(15)), None));
}

#[test]
fn a_new_time_clears_answers_and_slip() {
    let mut history = History::new();
    let id = history.schedule("review", None);
    let declined = CountdownDeclined { countdown: id, attendee: actor("cid"), reason: Some("ill".into()) };
    history.append("cid", declined);
    assert_eq!(countdown(&history, id).line.declined, 1);
    let deferred =
        CountdownDeferred { countdown: id, attendee: actor("bob"), by_ms: MINUTE, fire_at: minute(11), reason: None };
    history.append("bob", deferred);
    let plan = Plan::At(minute(100));
    history.append("ann", CountdownRescheduled { countdown: id, plan, fire_at: Some(minute(100)) });
    let view = countdown(&history, id);
    assert_eq!((view.line.declined, view.slipped_ms, view.plan), (0, Span::ZERO, plan));
    assert!(view.answers.iter().all(|answer| answer.at.is_none() && answer.deferrals == 0));
}

#[test]
fn countdowns_are_listed_by_what_happens_next_and_page_by_page() {
    let mut history = History::new();
    let campaign = history.campaign("release");
    let gone = history.schedule("gone", None);
    let first = history.schedule("first", None);
    history.schedule("held", Some(campaign));
    let frozen = history.schedule("frozen", None);
    let late = history.schedule("late", None);
    history.append("ann", CountdownHoldStarted { countdown: frozen, until: minute(20), reason: None });
    let plan = Plan::At(minute(30));
    history.append("ann", CountdownRescheduled { countdown: late, plan, fire_at: Some(minute(30)) });
    history.append("ann", CountdownScrubbed { countdown: gone, cause: ScrubCause::Organizer, reason: None });
    history.pass(1);
    let last = history.schedule("last gone", None);
    history.append("ann", CountdownScrubbed { countdown: last, cause: ScrubCause::Organizer, reason: None });

    let all = ["first", "frozen", "late", "held", "last gone", "gone"];
    assert_eq!(names(&history, CountdownsQuery::default()), (all.map(String::from).to_vec(), 0));
    let page = CountdownsQuery { after: Some(first.to_string()), limit: Some(2), ..Default::default() };
    assert_eq!(names(&history, page), (vec!["frozen".into(), "late".into()], 3));
    let ended = CountdownsQuery { state: Some(CountdownFilter::Ended), ..Default::default() };
    assert_eq!(names(&history, ended).0, ["last gone", "gone"]);
    let held = CountdownsQuery { campaign: Some("release".into()), ..Default::default() };
    assert_eq!(names(&history, held).0, ["held"]);
    let nobodys = CountdownsQuery { actor: Some(actor("dan")), ..Default::default() };
    assert_eq!(names(&history, nobodys), (vec![], 0));
}

// --- references

#[test]
fn a_name_means_the_live_one_and_is_ambiguous_among_equals() {
    let mut history = History::new();
    let old = history.schedule("standup", None);
    history.append("system", CountdownMissed { countdown: old, confirmed: 0 });
    assert_eq!(countdown(&history, "standup").line.id, old);
    let older = history.schedule("standup", None);
    history.append("system", CountdownMissed { countdown: older, confirmed: 0 });
    let ambiguous = history.ask(&Query::Countdown(reference("standup"))).unwrap_err();
    assert_eq!(ambiguous.code(), "ambiguous");
    assert!(ambiguous.to_string().contains(&old.short()), "{ambiguous}");
    let live = history.schedule("standup", None);
    assert_eq!(countdown(&history, "standup").line.id, live);
    assert_eq!(countdown(&history, old.short()).line.id, old);
}

#[test]
fn what_is_not_there_is_not_found() {
    let history = History::new();
    for query in [
        Query::Countdown(reference("x")),
        Query::Countdown(reference("00000000")),
        Query::Campaign(reference("x")),
        Query::Order(reference("x")),
        Query::Graph(reference("x")),
        Query::History(reference("x")),
        Query::History(reference("0123456789")),
        Query::Thread(ThreadQuery { message: "not an id".into(), limit: None }),
        Query::Thread(ThreadQuery { message: "0123456789".into(), limit: None }),
        Query::Actor(ActorQuery { name: actor("dan") }),
        Query::Countdowns(CountdownsQuery { campaign: Some("x".into()), ..Default::default() }),
        Query::Countdowns(CountdownsQuery { after: Some("x".into()), ..Default::default() }),
        Query::Campaigns(CampaignsQuery { after: Some("x".into()), ..Default::default() }),
    ] {
        assert_eq!(history.ask(&query).unwrap_err().code(), "not_found", "{query:?}");
    }
}

// --- campaigns

#[test]
fn a_campaign_shows_its_progress_and_why_it_was_cancelled() {
    let mut history = History::new();
    let id = history.campaign("release");
    let build = history.schedule("build", Some(id));
    let ship = history.schedule("ship", Some(id));
    history.link(id, build, ship);
    assert_eq!(campaign(&history, "release").line.state, CampaignState::Planned);
    history.start(id);
    history.append("ann", CountdownReleased { countdown: build, fire_at: minute(5) });
    let view = campaign(&history, "release");
    assert_eq!((view.line.state, view.line.next_at), (CampaignState::Running, Some(minute(5))));
    assert_eq!((view.line.progress.held, view.line.progress.counting), (1, 1));
    assert_eq!(view.countdowns[1].before, [build]);
    assert_eq!(countdown(&history, ship).before[0].id, build);
    assert_eq!(countdown(&history, build).after[0].id, ship);
    let cause = ScrubCause::CampaignCancelled;
    for countdown in [build, ship] {
        history.append("ann", CountdownScrubbed { countdown, cause: cause.clone(), reason: None });
    }
    history.append("ann", CampaignCancelled { campaign: id, reason: Some("no budget".into()) });
    let view = campaign(&history, id);
    assert_eq!((view.line.state, view.reason.as_deref()), (CampaignState::Cancelled, Some("no budget")));
    assert_eq!((view.line.progress.scrubbed, view.line.next_at), (2, None));
}

#[test]
fn a_circle_that_no_decision_made_still_has_an_order() {
    let mut history = History::new();
    let id = history.campaign("release");
    let [a, b, c] = ["a", "b", "c"].map(|name| history.schedule(name, Some(id)));
    history.link(id, b, c);
    history.link(id, c, b);
    history.link(id, a, b);
    let Ok(View::Order(order)) = history.ask(&Query::Order(reference("release"))) else { panic!() };
    let levels: Vec<Vec<_>> = order.levels.iter().map(|level| level.iter().map(|one| one.id).collect()).collect();
    assert_eq!(levels, [vec![a], vec![b, c]]);
}

// --- mailboxes

#[test]
fn an_inbox_is_in_the_order_of_taking_and_its_texts_come_from_the_log() {
    let mut history = History::new();
    let normal = history.send("ann", &["bob"], "one");
    let urgent = MessageSent { priority: Priority::Critical, ..message("ann", &["bob"], "two") };
    let urgent = MessageId::from(history.append("ann", urgent));
    history.take(normal, "bob", 1, MINUTE);

    let without = history.views.answer(&Query::Inbox(InboxQuery { mailbox: actor("bob"), limit: None }), minute(0));
    let Ok(View::Inbox(without)) = without else { panic!() };
    assert!(without.messages.iter().all(|line| line.body.is_none()));

    let view = inbox(&history, "bob");
    assert_eq!(view.counts, MailCounts { ready: 1, taken: 1, ..Default::default() });
    let [first, second] = view.messages.as_slice() else { panic!("{view:?}") };
    assert_eq!((first.message, first.body.as_deref(), &first.state), (urgent, Some("two"), &DeliveryState::Ready));
    assert_eq!((second.message, second.subject.as_deref(), second.deliveries), (normal, Some("about one"), 1));
    let DeliveryState::Taken { holder, fence, until, .. } = &second.state else { panic!("{second:?}") };
    assert_eq!((holder, *fence, *until), (&actor("bob"), 1, minute(1)));
}

#[test]
fn whatever_its_holder_does_extends_a_lease() {
    let mut history = History::new();
    let message = history.send("ann", &["bob"], "one");
    history.take(message, "bob", 1, Span::from_ms_capped(600_000));
    let until = |history: &History| match &inbox(history, "bob").messages[0].state {
        DeliveryState::Taken { until, .. } => *until,
        other => panic!("{other:?}"),
    };
    assert_eq!(until(&history), minute(10));
    history.pass(4);
    history.send("cid", &["ann"], "somebody else's");
    assert_eq!(until(&history), minute(10));
    history.send("bob", &["ann"], "still at it");
    assert_eq!(until(&history), minute(14));
    let extended = MessageLeaseExtended { message, mailbox: actor("bob"), fence: 1, until: minute(60) };
    history.append("bob", extended);
    assert_eq!(until(&history), minute(60));
    assert_eq!(status(&history, StatusQuery::default()).leases[0].until, minute(60));
    history.pass(6);
    history.send("bob", &["ann"], "still at it");
    assert_eq!(until(&history), minute(66), "it is longer from now on");
}

#[test]
fn accepting_a_clock_extends_no_lease() {
    let mut history = History::new();
    let message = history.send("bob", &["ann"], "one");
    history.take(message, "ann", 1, MINUTE);
    let until = |history: &History| match &inbox(history, "ann").messages[0].state {
        DeliveryState::Taken { until, .. } => *until,
        other => panic!("not taken: {other:?}"),
    };
    let before = until(&history);
    history.pass(30);
    let (wall, engine, reason) = (history.now(), minute(0), "it slept".to_owned());
    history.append("ann", ClockAccepted { wall, engine, reason });
    assert_eq!(until(&history), before);
}

#[test]
fn a_message_handed_back_waits_and_is_ready_again_when_its_pause_is_over() {
    let mut history = History::new();
    let message = history.send("ann", &["bob"], "one");
    history.take(message, "bob", 1, MINUTE);
    let reason = Some("busy".to_owned());
    history.append("bob", MessageNacked { message, mailbox: actor("bob"), fence: 1, again_at: minute(2), reason });
    let view = inbox(&history, "bob");
    assert_eq!(view.messages[0].state, DeliveryState::Paused { until: minute(2) });
    assert_eq!(view.messages[0].nack_reason.as_deref(), Some("busy"));
    assert_eq!(view.counts.paused, 1);
    history.pass(2);
    let view = inbox(&history, "bob");
    assert_eq!((&view.messages[0].state, view.counts.ready), (&DeliveryState::Ready, 1));
}

#[test]
fn a_lease_that_ran_out_puts_the_message_back_and_an_ack_takes_it_away() {
    let mut history = History::new();
    let message = history.send("ann", &["bob", "cid"], "one");
    history.take(message, "bob", 1, MINUTE);
    let (mailbox, holder) = (actor("bob"), actor("bob"));
    history.append("system", MessageLeaseExpired { message, mailbox: mailbox.clone(), fence: 1, holder });
    assert_eq!(inbox(&history, "bob").counts.ready, 1);
    history.take(message, "bob", 2, MINUTE);
    history.append("bob", MessageAcked { message, mailbox, fence: 2 });
    let view = inbox(&history, "bob");
    assert_eq!((view.messages.len(), view.counts.acked), (0, 1));
    assert_eq!(inbox(&history, "cid").counts, MailCounts { ready: 1, ..Default::default() });
}

#[test]
fn of_an_acknowledged_message_only_its_places_in_the_log_are_kept() {
    // The message's own; the taking and the acknowledgement, each with its message.
    const ENTRIES: usize = 5;
    let mut history = History::new();
    let mut saved_bytes = |rounds: usize| {
        for _ in 0..rounds {
            let message = history.send("ann", &["bob"], "one");
            history.take(message, "bob", 1, MINUTE);
            history.append("bob", MessageAcked { message, mailbox: actor("bob"), fence: 1 });
        }
        let mut saved = Vec::new();
        history.views.save(&mut saved).unwrap();
        saved.len()
    };
    let few = saved_bytes(30);
    let many = saved_bytes(10);
    assert_eq!(many - few, 10 * 8 * ENTRIES);
}

#[test]
fn all_means_the_people_and_agents_registered_before_without_the_sender() {
    let mut history = History::new();
    history.append("ann", ActorKindChanged { name: actor("cid"), kind: ActorKind::System });
    history.send("bob", &["all"], "hello");
    assert_eq!(inbox(&history, "ann").counts.ready, 1);
    for name in ["bob", "cid"] {
        assert_eq!(inbox(&history, name).counts, MailCounts::default(), "{name}");
    }
    history.send("bob", &["conductor"], "hello");
    assert_eq!(inbox(&history, "supervisor").counts.ready, 1);
    assert_eq!(inbox(&history, "conductor").counts.ready, 1, "the same mailbox");
}

#[test]
fn dead_letters_are_listed_until_they_are_sent_once_more() {
    let mut history = History::new();
    let message_id = history.send("ann", &["bob"], "one");
    history.take(message_id, "bob", 1, MINUTE);
    let mailbox = actor("bob");
    let dead = MessageDeadLettered { message: message_id, mailbox: mailbox.clone(), reason: DeadReason::Nacked };
    history.append("bob", dead);
    let dead = |history: &History, redriven| match history
        .ask(&Query::DeadLetters(DeadLettersQuery { redriven, ..Default::default() }))
    {
        Ok(View::DeadLetters(view)) => view.messages,
        other => panic!("{other:?}"),
    };
    assert_eq!(inbox(&history, "bob").messages.len(), 0);
    assert_eq!(inbox(&history, "bob").counts.dead, 1);
    assert_eq!(dead(&history, false)[0].body.as_deref(), Some("one"));
    let again = MessageSent { redrive_of: Some(message_id), ..message("ann", &["bob"], "one") };
    let again = history.append("bob", again).into();
    history.append("bob", MessageRedriven { message: message_id, mailbox, again });
    assert_eq!(dead(&history, false), []);
    assert!(matches!(dead(&history, true)[0].state, DeliveryState::Dead { redriven: Some(id), .. } if id == again));
    assert_eq!(inbox(&history, "bob").counts, MailCounts { ready: 1, ..Default::default() });
}

// --- threads and histories

#[test]
fn a_thread_is_found_from_any_of_its_messages_even_when_all_are_acknowledged() {
    let mut history = History::new();
    let question = history.send("ann", &["bob", "cid"], "question");
    let answer = history.reply("bob", "ann", "answer", question, question);
    let thanks = history.reply("ann", "bob", "thanks", answer, question);
    history.send("ann", &["bob"], "something else");
    for (message, mailbox) in [(question, "bob"), (answer, "ann"), (thanks, "bob")] {
        history.take(message, mailbox, 1, MINUTE);
        history.append(mailbox, MessageAcked { message, mailbox: actor(mailbox), fence: 1 });
    }
    for start in [question, answer, thanks] {
        let view = thread(&history, start.short(), None).unwrap();
        let bodies: Vec<&str> = view.messages.iter().map(|message| message.body.as_str()).collect();
        assert_eq!(bodies, ["question", "answer", "thanks"]);
        let recipients = &view.messages[0].recipients;
        assert_eq!((recipients[0].mailbox.as_str(), &recipients[0].state), ("bob", &DeliveryState::Acked));
        assert_eq!((recipients[1].mailbox.as_str(), &recipients[1].state), ("cid", &DeliveryState::Ready));
    }
    let view = thread(&history, question, Some(1)).unwrap();
    assert_eq!((view.messages[0].body.as_str(), view.more), ("thanks", 2));
}

#[test]
fn no_more_texts_come_at_once_than_a_daemon_can_answer_many_with() {
    let mut history = History::new();
    let question = history.send("ann", &["bob"], "question");
    for _ in 1..250 {
        history.reply("ann", "bob", "another", question, question);
    }
    let query = InboxQuery { mailbox: actor("bob"), limit: Some(10_000) };
    let Ok(View::Inbox(inbox)) = history.ask(&Query::Inbox(query)) else { panic!("no inbox") };
    assert_eq!((inbox.messages.len(), inbox.more), (200, 50));
    let view = thread(&history, question, Some(10_000)).unwrap();
    assert_eq!((view.messages.len(), view.more), (200, 50));
    for position in 0..250 {
        let message = MessageId::from(history.events[position + 3].id);
        history.append("system", MessageDeadLettered { message, mailbox: actor("bob"), reason: DeadReason::Nacked });
    }
    let query = DeadLettersQuery { limit: Some(10_000), ..DeadLettersQuery::default() };
    let Ok(View::DeadLetters(dead)) = history.ask(&Query::DeadLetters(query)) else { panic!("no dead letters") };
    assert_eq!((dead.messages.len(), dead.more), (200, 50));
}

#[test]
fn an_id_of_something_else_is_no_message() {
    let mut history = History::new();
    let countdown = history.schedule("review", None);
    assert_eq!(thread(&history, countdown, None).unwrap_err().code(), "not_found");
}

#[test]
fn a_history_holds_every_event_about_the_thing_and_no_other() {
    let mut history = History::new();
    let campaign = history.campaign("release");
    let build = history.schedule("build", Some(campaign));
    history.schedule("other", Some(campaign));
    let ship = history.schedule("ship", Some(campaign));
    history.link(campaign, build, ship);
    history.append("bob", CountdownConfirmed { countdown: build, attendee: actor("bob") });
    assert_eq!(history_of(&history, "build").unwrap(), [4, 7, 8]);
    assert_eq!(history_of(&history, build.short()).unwrap(), [4, 7, 8]);
    assert_eq!(history_of(&history, "release").unwrap(), [3, 4, 5, 6, 7]);
    let message = history.send("ann", &["bob"], "hello");
    history.take(message, "bob", 1, MINUTE);
    assert_eq!(history_of(&history, message).unwrap(), [9, 10]);
    assert_eq!(history_of(&history, history.events[10].id).unwrap(), [10], "an event has a history too");
    history.schedule("release", None);
    assert_eq!(history_of(&history, "release").unwrap_err().code(), "ambiguous");
}

#[test]
fn a_name_shared_by_many_things_of_one_kind_has_no_history() {
    let mut history = History::new();
    history.schedule("standup", None);
    history.schedule("standup", None);
    history.campaign("standup");
    assert_eq!(history_of(&history, "standup").unwrap_err().code(), "ambiguous");
}

#[test]
fn an_event_that_cannot_be_read_leaves_its_texts_out_and_is_not_asked_for_again() {
    let mut history = History::new();
    history.send("ann", &["bob"], "erased");
    let mut view =
        history.views.answer(&Query::Inbox(InboxQuery { mailbox: actor("bob"), limit: None }), minute(0)).unwrap();
    history.views.fill(&mut view, &[]).unwrap();
    assert!(view.positions_needed().is_empty());
    let View::Inbox(view) = view else { panic!() };
    assert_eq!((view.messages.len(), view.messages[0].body.as_deref()), (1, None));
}

// --- actors and status

#[test]
fn an_actor_shows_what_waits_for_it() {
    let mut history = History::new();
    let id = history.schedule("review", None);
    let message = history.send("ann", &["bob"], "one");
    history.pass(3);
    history.take(message, "bob", 1, MINUTE);
    let ask = |history: &History| match history.ask(&Query::Actor(ActorQuery { name: actor("bob") })) {
        Ok(View::Actor(view)) => *view,
        other => panic!("{other:?}"),
    };
    let view = ask(&history);
    assert_eq!((view.line.kind, view.line.since, view.line.last_seen), (ActorKind::Agent, minute(0), Some(minute(3))));
    assert_eq!((view.awaiting[0].id, view.leases[0].message, view.mail.taken), (id, message, 1));
    history.append("bob", CountdownConfirmed { countdown: id, attendee: actor("bob") });
    assert_eq!(ask(&history).awaiting, []);

    let all = history.ask(&Query::Actors(ActorsQuery { after: Some(actor("ann")), limit: Some(1) }));
    let Ok(View::Actors(all)) = all else { panic!() };
    assert_eq!((all.actors[0].name.as_str(), all.actors.len(), all.more), ("bob", 1, 1));
}

#[test]
fn a_status_is_one_screenful_and_says_what_it_leaves_out() {
    let mut history = History::new();
    for n in 0..7 {
        history.schedule(&format!("review {n}"), None);
    }
    let campaign = history.campaign("release");
    history.schedule("held", Some(campaign));
    history.start(campaign);
    history.send("ann", &["bob"], "one");
    let view = status(&history, StatusQuery::default());
    assert_eq!((view.size, view.organizer), (history.events.len() as u64, Some(actor("ann"))));
    assert_eq!((view.countdowns.len(), view.more_countdowns), (5, 3));
    assert_eq!((view.countdown_counts.counting, view.countdown_counts.held), (7, 1));
    assert_eq!(view.campaigns[0].id, campaign);
    assert_eq!((view.mail[0].mailbox.as_str(), view.mail[0].counts.ready, view.mail_counts.ready), ("bob", 1, 1));
    assert_eq!((view.actors.human, view.actors.agent), (1, 2));
    let cids = status(&history, StatusQuery { actor: Some(actor("cid")), limit: Some(1) });
    assert_eq!((cids.countdowns.len(), cids.more_countdowns, cids.mail.len()), (1, 7, 0));
    let dans = status(&history, StatusQuery { actor: Some(actor("dan")), limit: None });
    assert_eq!((dans.countdowns.len(), dans.campaigns.len(), dans.countdown_counts.counting), (0, 0, 0));
    assert_eq!((cids.mail_counts.ready, cids.countdown_counts.counting), (0, 7), "the totals are of the same actor");
}

#[test]
fn queries_have_one_json_form() {
    let query = Query::Countdown(reference("k7q2m9xa"));
    let json = r#"{"countdown":{"reference":"k7q2m9xa"}}"#;
    assert_eq!(serde_json::to_string(&query).unwrap(), json);
    assert_eq!(serde_json::from_str::<Query>(json).unwrap(), query);
    assert_eq!(serde_json::from_str::<Query>(r#"{"status":{}}"#).unwrap(), Query::Status(StatusQuery::default()));
    let listed = r#"{"dead_letters":{"mailbox":"bob"}}"#;
    assert!(matches!(serde_json::from_str(listed), Ok(Query::DeadLetters(DeadLettersQuery { mailbox: Some(_), .. }))));
    assert!(serde_json::from_str::<Query>(r#"{"status":{"actors":"bob"}}"#).is_err(), "a misspelt field");
}

#[test]
fn an_empty_log_has_an_empty_status() {
    let view = Views::default().answer(&Query::Status(StatusQuery::default()), minute(0)).unwrap();
    let View::Status(view) = view else { panic!() };
    assert_eq!((view.size, view.organizer, view.countdowns.len()), (0, None, 0));
    assert!(Views::default().positions(&IdReference::Full([0; 16])).is_empty());
}
