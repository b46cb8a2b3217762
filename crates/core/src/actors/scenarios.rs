//! The rules of membership, one sentence each: given who is known, when something is asked, then these events or this
//! refusal.

use super::{
    Actors,
    commands::CreateWorkspace,
    create,
    events::{
        ActorKind, ActorKindChanged, ActorRegistered, ClockAccepted, Membership, MembershipSet, WorkspaceCreated,
    },
};
use crate::{
    event::{Event, Recorded},
    id::EventId,
    limits,
    name::ActorName,
    refusal::Refusal,
    time::Timestamp,
};

type Decision = Result<Vec<Event>, Refusal>;

/// Given these events, when this is asked, then these events or the refusal of this code.
#[track_caller]
fn check(given: &[Event], ask: impl Fn(&Actors) -> Decision, expected: Result<Vec<Event>, &str>) {
    assert_eq!(ask(&folded(given)).map_err(|refusal| refusal.code()), expected);
}

fn folded(given: &[Event]) -> Actors {
    let mut actors = Actors::default();
    for (position, event) in (0..).zip(given) {
        let id = EventId::from_bytes([1; 16]);
        let (time, actor, event) = (Timestamp::default(), ActorName::system(), event.clone());
        let recorded =
            Recorded { position, id, time, actor, correlation: id, causation: None, idempotency: None, event };
        actors.evolve(&recorded);
    }
    actors
}

// --- words for histories and commands

const RESERVED: [&str; 4] = ["supervisor", "conductor", "all", "system"];

fn name(text: &str) -> ActorName {
    ActorName::parse(text).unwrap()
}

fn created() -> Event {
    WorkspaceCreated { organizer: name("olga") }.into()
}

fn registered(actor: &str, kind: ActorKind) -> Event {
    ActorRegistered { name: name(actor), kind }.into()
}

fn agent(actor: &str) -> Event {
    registered(actor, ActorKind::Agent)
}

fn human(actor: &str) -> Event {
    registered(actor, ActorKind::Human)
}

fn changed(actor: &str, kind: ActorKind) -> Event {
    ActorKindChanged { name: name(actor), kind }.into()
}

fn set(membership: Membership) -> Event {
    MembershipSet { membership }.into()
}

fn acts(actor: &str) -> impl Fn(&Actors) -> Decision {
    let actor = name(actor);
    move |actors| Ok(actors.acting(&actor)?.into_iter().map(Event::from).collect())
}

fn mentions(names: &[&str], create: bool) -> impl Fn(&Actors) -> Decision {
    let names: Vec<ActorName> = names.iter().map(|text| name(text)).collect();
    move |actors| Ok(actors.mentioned(&names, create)?.into_iter().map(Event::from).collect())
}

fn adds(actor: &str, added: &str, kind: ActorKind) -> impl Fn(&Actors) -> Decision {
    let (actor, added) = (name(actor), name(added));
    move |actors| actors.add(&actor, &added, kind, false)
}

fn sets(actor: &str, membership: Membership) -> impl Fn(&Actors) -> Decision {
    let actor = name(actor);
    move |actors| actors.set_membership(&actor, membership)
}

fn accepts(actor: &str, reason: &str) -> impl Fn(&Actors) -> Decision {
    let (actor, reason) = (name(actor), reason.to_owned());
    move |actors| actors.accept_clock(&actor, Timestamp::MAX, Timestamp::default(), &reason)
}

fn takes(actor: &str, mailbox: &str) -> impl Fn(&Actors) -> Decision {
    let (actor, mailbox) = (name(actor), name(mailbox));
    move |actors| actors.may_take_from(&actor, &mailbox).map(|()| Vec::new())
}

// --- the workspace

#[test]
fn a_workspace_is_created_once_by_a_name_of_its_organizers_own() {
    let creates = |size, organizer: &str| {
        create(size, &CreateWorkspace { organizer: name(organizer) }, &name(organizer))
            .map_err(|refusal| refusal.code())
    };
    assert_eq!(creates(0, "olga"), Ok(vec![created()]));
    assert_eq!(creates(1, "olga"), Err("bad_request"));
    let for_another = create(0, &CreateWorkspace { organizer: name("olga") }, &name("eve"));
    assert_eq!(for_another.map_err(|refusal| refusal.code()), Err("not_you"), "nobody creates another's workspace");
    for reserved in RESERVED {
        assert_eq!(creates(0, reserved), Err("reserved_name"));
    }
}

#[test]
fn the_organizer_is_registered_as_a_human_by_the_workspace_itself() {
    let actors = folded(&[created()]);
    assert_eq!(actors.organizer(), Some(&name("olga")));
    assert_eq!(actors.get(&name("olga")).map(|member| (member.kind, member.since)), Some((ActorKind::Human, 0)));
    check(&[created()], acts("olga"), Ok(vec![]));
}

// --- who acts

#[test]
fn a_new_name_that_acts_is_registered_as_an_agent() {
    check(&[created()], acts("ann"), Ok(vec![agent("ann")]));
    check(&[created(), human("ann")], acts("ann"), Ok(vec![]));
}

#[test]
fn who_acts_is_never_taken_for_a_misspelling() {
    check(&[created(), agent("alice")], acts("allice"), Ok(vec![agent("allice")]));
    check(&[created(), agent("alice")], adds("allice", "allice", ActorKind::Human), Ok(vec![human("allice")]));
}

#[test]
fn nobody_acts_under_a_reserved_name() {
    for reserved in RESERVED {
        check(&[created()], acts(reserved), Err("reserved_name"));
    }
}

#[test]
fn while_membership_is_closed_only_members_act_and_are_mentioned() {
    let given = [created(), agent("ann"), set(Membership::Closed)];
    check(&given, acts("ann"), Ok(vec![]));
    check(&given, acts("bob"), Err("not_a_member"));
    check(&given, mentions(&["ann", "olga", "supervisor"], true), Ok(vec![]));
    check(&given, mentions(&["ann", "bob"], true), Err("not_a_member"));
    check(&[created(), set(Membership::Closed), set(Membership::Open)], acts("bob"), Ok(vec![agent("bob")]));
}

// --- who is mentioned

#[test]
fn new_names_are_registered_as_agents_once_each_in_their_order() {
    let given = [created(), agent("ann")];
    check(&given, mentions(&["cy", "ann", "bob", "cy"], false), Ok(vec![agent("cy"), agent("bob")]));
}

#[test]
fn a_likely_misspelling_is_refused_unless_it_is_said_to_be_new() {
    let given = [created(), agent("alice")];
    check(&given, mentions(&["allice"], false), Err("did_you_mean"));
    check(&given, mentions(&["allice"], true), Ok(vec![agent("allice")]));
    check(&given, adds("olga", "alcie", ActorKind::Human), Err("did_you_mean"));
    for cry_for_help in ["supervisr", "condcutor"] {
        check(&given, mentions(&[cry_for_help], false), Err("did_you_mean"));
    }
    let refusal = folded(&given).mentioned(&[name("allice")], false).unwrap_err();
    assert_eq!(refusal, Refusal::DidYouMean { given: name("allice"), known: name("alice") });
}

#[test]
fn names_given_together_are_not_taken_for_misspellings_of_one_another() {
    check(&[created()], mentions(&["alice", "allice"], false), Ok(vec![agent("alice"), agent("allice")]));
}

#[test]
fn supervisor_and_all_are_mailboxes_and_system_is_none() {
    check(&[created()], mentions(&["supervisor", "conductor", "all"], false), Ok(vec![]));
    check(&[created()], mentions(&["system"], true), Err("reserved_name"));
}

#[test]
fn all_are_the_registered_humans_and_agents_without_the_sender() {
    let given = [created(), agent("ann"), human("bob"), registered("robot", ActorKind::System)];
    assert_eq!(folded(&given).everybody_but(&name("ann")), [name("bob"), name("olga")]);
    assert_eq!(folded(&given).everybody_but(&name("nobody")), [name("ann"), name("bob"), name("olga")]);
    assert_eq!(folded(&[created()]).everybody_but(&name("olga")), []);
}

#[test]
fn the_number_of_actors_is_bounded() {
    let mut given = vec![created()];
    given.extend((2..limits::ACTORS_MAX).map(|n| agent(&format!("a{n}"))));
    check(&given, mentions(&["bob"], true), Ok(vec![agent("bob")]));
    check(&given, mentions(&["bob", "cy"], true), Err("over_limit"));
    given.push(agent("bob"));
    check(&given, acts("cy"), Err("over_limit"));
    check(&given, adds("olga", "cy", ActorKind::Human), Err("over_limit"));
    check(&given, mentions(&["bob"], true), Ok(vec![]));
}

// --- adding

#[test]
fn anybody_adds_a_name_and_adding_it_again_is_nothing_new() {
    check(&[created()], adds("ann", "bob", ActorKind::Human), Ok(vec![human("bob")]));
    check(&[created()], adds("ann", "ann", ActorKind::Human), Ok(vec![human("ann")]));
    check(&[created(), human("bob")], adds("ann", "bob", ActorKind::Human), Ok(vec![]));
}

#[test]
fn adding_a_known_name_as_another_kind_corrects_its_kind() {
    let given = [created(), agent("bob")];
    check(&given, adds("ann", "bob", ActorKind::Human), Ok(vec![changed("bob", ActorKind::Human)]));
    let given = [created(), agent("bob"), changed("bob", ActorKind::Human)];
    check(&given, adds("ann", "bob", ActorKind::Human), Ok(vec![]));
}

#[test]
fn the_organizer_stays_a_human() {
    check(&[created()], adds("olga", "olga", ActorKind::Agent), Err("not_permitted"));
    check(&[created()], adds("ann", "olga", ActorKind::Agent), Err("not_permitted"));
}

#[test]
fn nobody_is_added_as_system_or_under_a_reserved_name() {
    check(&[created()], adds("olga", "bob", ActorKind::System), Err("bad_request"));
    for reserved in RESERVED {
        check(&[created()], adds("olga", reserved, ActorKind::Agent), Err("reserved_name"));
    }
}

#[test]
fn while_membership_is_closed_only_the_organizer_adds_and_corrects() {
    let given = [created(), agent("ann"), set(Membership::Closed)];
    check(&given, adds("ann", "bob", ActorKind::Agent), Err("not_permitted"));
    check(&given, adds("ann", "ann", ActorKind::Human), Err("not_permitted"));
    check(&given, adds("ann", "ann", ActorKind::Agent), Ok(vec![]));
    check(&given, adds("olga", "bob", ActorKind::Agent), Ok(vec![agent("bob")]));
    check(&given, adds("olga", "ann", ActorKind::Human), Ok(vec![changed("ann", ActorKind::Human)]));
}

// --- what only some may do

#[test]
fn only_the_organizer_opens_and_closes_membership() {
    let given = [created(), human("ann")];
    check(&given, sets("olga", Membership::Closed), Ok(vec![set(Membership::Closed)]));
    check(&given, sets("olga", Membership::Open), Ok(vec![]));
    check(&given, sets("ann", Membership::Closed), Err("not_permitted"));
}

#[test]
fn only_a_human_accepts_a_clock_and_says_why() {
    let given = [created(), human("ann"), agent("bob")];
    let accepted = |reason: &str| {
        let (wall, engine, reason) = (Timestamp::MAX, Timestamp::default(), reason.to_owned());
        Ok(vec![ClockAccepted { wall, engine, reason }.into()])
    };
    check(&given, accepts("olga", "summer time"), accepted("summer time"));
    check(&given, accepts("ann", " it was off "), accepted("it was off"));
    check(&given, accepts("bob", "summer time"), Err("not_permitted"));
    check(&given, accepts("nobody", "summer time"), Err("not_permitted"));
    check(&given, accepts("ann", " "), Err("bad_request"));
    check(&given, accepts("ann", &"x".repeat(1_001)), Err("over_limit"));
}

#[test]
fn messages_are_taken_from_ones_own_mailbox_and_by_the_organizer_from_the_supervisors() {
    let given = [created(), human("ann")];
    check(&given, takes("ann", "ann"), Ok(vec![]));
    check(&given, takes("olga", "supervisor"), Ok(vec![]));
    check(&given, takes("olga", "conductor"), Ok(vec![]));
    check(&given, takes("ann", "supervisor"), Err("not_your_mailbox"));
    check(&given, takes("olga", "ann"), Err("not_your_mailbox"));
    check(&given, takes("olga", "all"), Err("not_your_mailbox"));
}

// --- the fold

#[test]
fn events_that_make_no_sense_change_nothing() {
    let given = [created(), human("ann")];
    for nonsense in
        [WorkspaceCreated { organizer: name("bob") }.into(), agent("ann"), changed("nobody", ActorKind::Human)]
    {
        assert_eq!(folded(&[&given[..], &[nonsense]].concat()), folded(&given));
    }
}
