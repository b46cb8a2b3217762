//! The rules of a campaign, one sentence each: given its countdowns, its links and how far each got, when something is
//! asked, then these events or this refusal. Countdowns are called `a`, `b`, `c` …; olga organizes.

use serde_json::json;

use super::{
    Campaign, Campaigns, Outcome, Phase, blocked, conclude, decide,
    events::{
        CampaignCancelled, CampaignCompleted, CampaignCreated, CampaignFailed, CampaignLinked, CampaignStarted,
        CampaignUnlinked, FailurePolicy,
    },
    levels, releasable,
};
use crate::{
    event::{Event, Recorded},
    id::{CampaignId, CountdownId, EventId},
    limits,
    name::{ActorName, Name},
    refusal::Refusal,
    time::{Span, Timestamp},
};

type Decision = Result<Vec<Event>, Refusal>;
type Ask = Box<dyn Fn(&Campaign) -> Decision>;

/// One thing that happened to the campaign or to a countdown in it.
#[expect(clippy::large_enum_variant, reason = "a test has a handful of them")]
enum Given {
    Event(Event),
    Added(char),
    Released(char),
    Ended(char, bool),
}

use Given::{Added, Ended, Released};

/// Given this history, when this is asked, then these events or the refusal of this code.
fn check(given: &[Given], ask: Ask, expected: Result<Vec<Event>, &str>) {
    assert_eq!(ask(&folded(FailurePolicy::Block, given)).map_err(|refusal| refusal.code()), expected);
}

fn folded(policy: FailurePolicy, given: &[Given]) -> Campaign {
    let mut campaigns = Campaigns::default();
    let created =
        CampaignCreated { name: name("launch"), organizer: actor("olga"), policy, notice_ms: Span::from_ms_capped(1) };
    campaigns.evolve(&recorded(created.into()));
    for given in given {
        match given {
            Given::Event(event) => campaigns.evolve(&recorded(event.clone())),
            Added(countdown) => campaigns.member_added(campaign(), id(*countdown), name(&countdown.to_string())),
            Released(countdown) => campaigns.member_released(id(*countdown)),
            Ended(countdown, well) => campaigns.member_ended(id(*countdown), *well),
        }
    }
    campaigns.get(campaign()).expect("it was created").clone()
}

fn recorded(event: Event) -> Recorded {
    let (id, actor, time) = (EventId::from(campaign()), actor("olga"), Timestamp::default());
    Recorded { position: 0, id, time, actor, correlation: id, causation: None, idempotency: None, event }
}

fn campaign() -> CampaignId {
    CampaignId::from_bytes([99; 16])
}

fn id(countdown: char) -> CountdownId {
    CountdownId::from_bytes([countdown as u8; 16])
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn actor(text: &str) -> ActorName {
    ActorName::parse(text).unwrap()
}

fn linked(before: char, after: char) -> Event {
    CampaignLinked { campaign: campaign(), before: id(before), after: id(after) }.into()
}

fn unlinked(before: char, after: char) -> Event {
    CampaignUnlinked { campaign: campaign(), before: id(before), after: id(after) }.into()
}

fn started() -> Event {
    CampaignStarted { campaign: campaign() }.into()
}

fn cancelled() -> Event {
    CampaignCancelled { campaign: campaign(), reason: None }.into()
}

fn link_as(who: &str, before: char, after: char) -> Ask {
    let who = actor(who);
    Box::new(move |campaign| {
        let (first, second) = (name(&before.to_string()), name(&after.to_string()));
        decide::link(campaign, (id(before), &first), (id(after), &second), &who)
    })
}

fn link(before: char, after: char) -> Ask {
    link_as("olga", before, after)
}

fn unlink_as(who: &str, before: char, after: char) -> Ask {
    let who = actor(who);
    Box::new(move |campaign| {
        let (first, second) = (name(&before.to_string()), name(&after.to_string()));
        decide::unlink(campaign, (id(before), &first), (id(after), &second), &who)
    })
}

fn unlink(before: char, after: char) -> Ask {
    unlink_as("olga", before, after)
}

fn start(who: &str) -> Ask {
    let who = actor(who);
    Box::new(move |campaign| decide::start(campaign, &who))
}

fn cancel(who: &str) -> Ask {
    let who = actor(who);
    Box::new(move |campaign| decide::cancel(campaign, &who, None))
}

fn admit(who: &str) -> Ask {
    let who = actor(who);
    Box::new(move |campaign| decide::admit(campaign, &who).map(|()| Vec::new()))
}

fn admit_existing(countdown: char) -> Ask {
    Box::new(move |campaign| decide::admit_existing(campaign, id(countdown), &actor("olga")).map(|()| Vec::new()))
}

/// Added, with these links: `"ab bc"` is a before b before c.
fn planned(countdowns: &str, links: &str) -> Vec<Given> {
    let added = countdowns.chars().map(Added);
    let links = links.split_whitespace().map(|link| {
        let mut ends = link.chars();
        Given::Event(linked(ends.next().unwrap(), ends.next().unwrap()))
    });
    added.chain(links).collect()
}

fn running(countdowns: &str, links: &str, then: Vec<Given>) -> Vec<Given> {
    let mut given = planned(countdowns, links);
    given.push(Given::Event(started()));
    given.extend(then);
    given
}

fn names(campaign: &Campaign, ids: &[CountdownId]) -> String {
    ids.iter().map(|id| campaign.members[id].name.as_str()).collect()
}

// --- links

#[test]
fn a_link_between_two_of_its_countdowns_is_made() {
    check(&planned("ab", ""), link('a', 'b'), Ok(vec![linked('a', 'b')]));
}

#[test]
fn a_repeated_link_succeeds_and_writes_nothing() {
    check(&planned("ab", "ab"), link('a', 'b'), Ok(vec![]));
    check(&running("ab", "ab", vec![Released('a'), Ended('a', true), Released('b')]), link('a', 'b'), Ok(vec![]));
}

#[test]
fn a_link_to_itself_or_out_of_the_campaign_is_refused() {
    check(&planned("ab", ""), link('a', 'a'), Err("self_link"));
    check(&planned("ab", ""), link('a', 'x'), Err("other_campaign"));
    check(&planned("ab", ""), link('x', 'a'), Err("other_campaign"));
    check(&planned("ab", ""), unlink('x', 'a'), Err("other_campaign"));
    check(&planned("ab", ""), unlink('a', 'x'), Err("other_campaign"));
}

#[test]
fn a_link_that_would_close_a_cycle_is_refused_naming_the_cycle() {
    check(&planned("ab", "ab"), link('b', 'a'), Err("cycle"));
    let campaign = folded(FailurePolicy::Block, &planned("abcdx", "ab bc cd ax xd bd"));
    let refusal = link('d', 'a')(&campaign).unwrap_err();
    let path = ["d", "a", "b", "d"].map(str::to_owned).to_vec();
    assert_eq!(refusal, Refusal::Cycle { path });
    assert_eq!(refusal.to_string(), "the link would close a cycle: d -> a -> b -> d");
    assert_eq!(link('a', 'd')(&campaign), Ok(vec![linked('a', 'd')]));
}

#[test]
fn a_link_that_no_decision_makes_is_ignored() {
    let campaign = folded(FailurePolicy::Block, &planned("ab", "aa ax xb"));
    assert_eq!(campaign.links(), 0);
    assert!(campaign.members.values().all(|member| member.before.is_empty() && member.after.is_empty()));
}

#[test]
fn a_long_cycle_is_shown_by_its_ends() {
    let members: String = ('a'..='z').collect();
    let links: Vec<String> = ('a'..='y').zip('b'..='z').map(|(before, after)| format!("{before}{after}")).collect();
    let refusal = link('z', 'a')(&folded(FailurePolicy::Block, &planned(&members, &links.join(" ")))).unwrap_err();
    let sentence = "the link would close a cycle: z -> a -> b -> c -> d -> e -> f -> g -> h -> … 17 more … -> z";
    assert_eq!(refusal.to_string(), sentence);
    let whole = link('i', 'a')(&folded(FailurePolicy::Block, &planned(&members, &links.join(" ")))).unwrap_err();
    let sentence = "the link would close a cycle: i -> a -> b -> c -> d -> e -> f -> g -> h -> i";
    assert_eq!(whole.to_string(), sentence, "one that can be shown is shown");
}

#[test]
fn after_the_start_only_a_held_countdown_gets_a_predecessor() {
    let given = running("abc", "ab", vec![Released('a'), Released('c')]);
    check(&given, link('c', 'b'), Ok(vec![linked('c', 'b')]));
    check(&given, link('a', 'c'), Err("not_held"));
    check(&given, link('b', 'a'), Err("not_held"));
}

#[test]
fn a_link_that_is_not_there_cannot_be_taken_away() {
    check(&planned("ab", "ab"), unlink('a', 'b'), Ok(vec![unlinked('a', 'b')]));
    check(&planned("ab", "ab"), unlink('b', 'a'), Err("no_such_link"));
}

#[test]
fn only_the_organizer_changes_starts_and_cancels_it() {
    let given = planned("ab", "ab");
    check(&given, link_as("ann", 'a', 'b'), Err("not_organizer"));
    check(&given, unlink_as("ann", 'a', 'b'), Err("not_organizer"));
    check(&given, start("ann"), Err("not_organizer"));
    check(&given, cancel("ann"), Err("not_organizer"));
    check(&given, admit("ann"), Err("not_organizer"));
    check(&given, admit("olga"), Ok(vec![]));
}

#[test]
fn an_ended_campaign_accepts_nothing() {
    for end in
        [cancelled(), CampaignCompleted { campaign: campaign() }.into(), CampaignFailed { campaign: campaign() }.into()]
    {
        let asks =
            [link('a', 'c'), unlink('a', 'b'), start("olga"), cancel("olga"), admit("olga"), admit_existing('x')];
        for ask in asks {
            let mut given = running("abc", "ab", vec![]);
            given.push(Given::Event(end.clone()));
            check(&given, ask, Err("campaign_ended"));
        }
    }
}

// --- start, admission, limits

#[test]
fn a_campaign_is_created_with_a_notice_of_a_minute_and_blocks_on_failure() {
    let command = serde_json::from_value(json!({"name": "launch"})).unwrap();
    let (policy, notice_ms) = (FailurePolicy::Block, Span::from_ms_capped(60_000));
    let created = CampaignCreated { name: name("launch"), organizer: actor("olga"), policy, notice_ms };
    assert_eq!(decide::create(&command, &actor("olga")), Ok(vec![created.into()]));
    let command = serde_json::from_value(json!({"name": ""})).unwrap();
    assert_eq!(decide::create(&command, &actor("olga")).unwrap_err().code(), "bad_name");
}

#[test]
fn a_campaign_with_countdowns_starts_once() {
    check(&planned("a", ""), start("olga"), Ok(vec![started()]));
    check(&[], start("olga"), Err("empty_campaign"));
    check(&running("a", "", vec![]), start("olga"), Ok(vec![]));
}

#[test]
fn new_countdowns_are_admitted_while_it_runs_but_existing_ones_only_before() {
    check(&running("a", "", vec![]), admit("olga"), Ok(vec![]));
    check(&planned("a", ""), admit_existing('x'), Ok(vec![]));
    check(&running("a", "", vec![]), admit_existing('x'), Err("already_started"));
    check(&running("a", "", vec![]), admit_existing('a'), Ok(vec![]));
}

#[test]
fn its_countdowns_and_links_are_bounded() {
    let mut campaigns = Campaigns::default();
    let (policy, notice_ms) = (FailurePolicy::Block, Span::ZERO);
    let created = CampaignCreated { name: name("launch"), organizer: actor("olga"), policy, notice_ms };
    campaigns.evolve(&recorded(created.into()));
    let nth = |n: usize| CountdownId::from_bytes((n as u128).to_be_bytes());
    for n in 0..limits::CAMPAIGN_MEMBERS_MAX {
        assert_eq!(decide::admit(campaigns.get(campaign()).unwrap(), &actor("olga")), Ok(()));
        campaigns.member_added(campaign(), nth(n), name("step"));
    }
    let full = campaigns.get(campaign()).unwrap();
    assert_eq!(decide::admit(full, &actor("olga")).unwrap_err().code(), "over_limit");
    let links = (0..200).flat_map(|before| (200..1000).map(move |after| (before, after)));
    for (before, after) in links.take(limits::CAMPAIGN_LINKS_MAX) {
        let linked = CampaignLinked { campaign: campaign(), before: nth(before), after: nth(after) };
        campaigns.evolve(&recorded(linked.into()));
    }
    let full = campaigns.get(campaign()).unwrap();
    assert_eq!(full.links(), limits::CAMPAIGN_LINKS_MAX);
    let step = name("step");
    let refusal = decide::link(full, (nth(998), &step), (nth(999), &step), &actor("olga")).unwrap_err();
    assert_eq!(refusal.code(), "over_limit");
    let mut less = full.clone();
    less.unlinked(nth(0), nth(200));
    assert_eq!(decide::admit_link(&less, (nth(998), &step), 0), Ok(()));
    assert_eq!(decide::admit_link(&less, (nth(998), &step), 1).unwrap_err().code(), "over_limit");
    assert_eq!(levels(full).iter().map(Vec::len).sum::<usize>(), limits::CAMPAIGN_MEMBERS_MAX);
}

#[test]
fn cancelling_ends_it_at_once() {
    check(&planned("a", ""), cancel("olga"), Ok(vec![cancelled()]));
    check(&running("a", "", vec![]), cancel("olga"), Ok(vec![cancelled()]));
    // What is not scrubbed yet is not blocked besides.
    let mut given = planned("ab", "ab");
    given.extend([Given::Event(cancelled()), Ended('a', false)]);
    let campaign = folded(FailurePolicy::Block, &given);
    assert_eq!(campaign.phase, Phase::Ended(Outcome::Cancelled));
    let sentence = cancel("olga")(&folded(
        FailurePolicy::Block,
        &running("a", "", vec![Ended('a', true), Given::Event(CampaignCompleted { campaign: campaign.id }.into())]),
    ));
    assert_eq!(sentence.unwrap_err().to_string(), "campaign \"launch\" has ended: completed");
    assert_eq!((conclude(&campaign), releasable(&campaign), blocked(&campaign)), (None, vec![], vec![]));
    let long = "x".repeat(limits::REASON_BYTES_MAX + 1);
    let planned = folded(FailurePolicy::Block, &[Added('a')]);
    assert_eq!(decide::cancel(&planned, &actor("olga"), Some(&long)).unwrap_err().code(), "over_limit");
}

// --- what the links cause

/// Under this policy, given this history: these may be released, these are blocked, and it ends so.
fn causes(policy: FailurePolicy, given: &[Given], expected: (&str, &[(char, char)], Option<&str>)) {
    let campaign = folded(policy, given);
    let expected_blocked: Vec<_> = expected.1.iter().map(|(held, by)| (id(*held), id(*by))).collect();
    assert_eq!(names(&campaign, &releasable(&campaign)), expected.0);
    assert_eq!(blocked(&campaign), expected_blocked);
    assert_eq!(conclude(&campaign).map(|event| event.kind()), expected.2);
}

#[test]
fn before_the_start_nothing_is_released_and_nothing_concluded() {
    causes(FailurePolicy::Block, &planned("ab", "ab"), ("", &[], None));
    causes(FailurePolicy::Block, &planned("", ""), ("", &[], None));
    let all_ended = [Added('a'), Ended('a', false)];
    causes(FailurePolicy::Block, &all_ended, ("", &[], None));
}

#[test]
fn the_start_releases_what_waits_for_nothing() {
    causes(FailurePolicy::Block, &running("abcd", "ab ac", vec![]), ("ad", &[], None));
}

#[test]
fn a_countdown_goes_when_the_last_before_it_has_ended_well() {
    let one_left = || running("abc", "ac bc", vec![Released('a'), Released('b'), Ended('a', true)]);
    causes(FailurePolicy::Block, &one_left(), ("", &[], None));
    let mut given = one_left();
    given.push(Ended('b', true));
    causes(FailurePolicy::Block, &given, ("c", &[], None));
    given.push(Released('c'));
    causes(FailurePolicy::Block, &given, ("", &[], None));
    given.push(Ended('c', true));
    causes(FailurePolicy::Block, &given, ("", &[], Some("campaign.completed")));
}

#[test]
fn a_failure_blocks_its_successors_and_through_them_all_that_follow() {
    let mut given = running("abcd", "ab bc ad", vec![Released('a'), Ended('a', false)]);
    causes(FailurePolicy::Block, &given, ("", &[('b', 'a'), ('d', 'a')], None));
    given.extend([Ended('b', false), Ended('d', false)]);
    causes(FailurePolicy::Block, &given, ("", &[('c', 'b')], None));
    given.push(Ended('c', false));
    causes(FailurePolicy::Block, &given, ("", &[], Some("campaign.failed")));
}

#[test]
fn a_failure_blocks_before_the_start_too() {
    let mut given = planned("ab", "ab");
    given.push(Ended('a', false));
    causes(FailurePolicy::Block, &given, ("", &[('b', 'a')], None));
}

#[test]
fn under_continue_a_countdown_goes_however_those_before_it_ended() {
    let mut given = running("abc", "ac bc", vec![Released('a'), Released('b'), Ended('a', false)]);
    causes(FailurePolicy::Continue, &given, ("", &[], None));
    given.push(Ended('b', true));
    causes(FailurePolicy::Continue, &given, ("c", &[], None));
    given.extend([Released('c'), Ended('c', true)]);
    causes(FailurePolicy::Continue, &given, ("", &[], Some("campaign.failed")));
}

#[test]
fn a_countdown_that_ended_is_never_let_go_nor_ends_otherwise() {
    let given = running("a", "", vec![Ended('a', false), Released('a'), Ended('a', true)]);
    causes(FailurePolicy::Block, &given, ("", &[], Some("campaign.failed")));
}

#[test]
fn an_unlink_that_removes_the_last_unfinished_predecessor_makes_it_releasable() {
    let mut given = running("abc", "ac bc", vec![Released('a'), Released('b'), Ended('a', true)]);
    given.push(Given::Event(unlinked('b', 'c')));
    causes(FailurePolicy::Block, &given, ("c", &[], None));
}

#[test]
fn a_countdown_added_while_it_runs_may_go_at_once() {
    causes(FailurePolicy::Block, &running("a", "", vec![Released('a'), Added('b')]), ("b", &[], None));
}

#[test]
fn levels_are_what_may_run_together_in_the_order_of_creation() {
    let campaign = folded(FailurePolicy::Block, &planned("gfedcba", "ab bd cd ae de"));
    let levels: Vec<String> = levels(&campaign).iter().map(|level| names(&campaign, level)).collect();
    assert_eq!(levels, ["acfg", "b", "d", "e"]);
    let crossed = folded(FailurePolicy::Block, &planned("abcd", "ad bc"));
    assert_eq!(super::levels(&crossed), [[id('a'), id('b')], [id('c'), id('d')]]);
}

// --- all of them

#[test]
fn a_name_means_the_campaign_that_has_not_ended() {
    let mut campaigns = Campaigns::default();
    let (first, second) = (CampaignId::from_bytes([1; 16]), CampaignId::from_bytes([2; 16]));
    for id in [first, second] {
        let (policy, notice_ms) = (FailurePolicy::Block, Span::ZERO);
        let created = CampaignCreated { name: name("launch"), organizer: actor("olga"), policy, notice_ms };
        campaigns.evolve(&Recorded { id: id.into(), ..recorded(created.into()) });
    }
    assert_eq!(campaigns.find("launch").unwrap_err().code(), "ambiguous");
    campaigns.evolve(&recorded(CampaignCancelled { campaign: first, reason: None }.into()));
    assert_eq!(campaigns.find("launch"), Ok(second));
    assert_eq!(campaigns.find(&first.short()), Ok(first));
    assert_eq!(campaigns.find("lunch").unwrap_err().to_string(), r#"there is no campaign "lunch""#);
}
