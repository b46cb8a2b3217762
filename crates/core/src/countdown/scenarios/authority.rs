//! Who may do what, and what an end ends.

use super::*;

// --- who, and the end

#[test]
fn only_the_organizer_holds_resumes_reschedules_and_scrubs() {
    let given = [counting(1, &["ann"])];
    check(&given, (1, hold("ann")), Err("not_organizer"));
    check(&given, (1, resume("ann")), Err("not_organizer"));
    check(&given, (1, reschedule("ann", TimeSpec::In(minutes(5)))), Err("not_organizer"));
    check(&given, (1, scrub("ann")), Err("not_organizer"));
    check(&given, (1, scrub("olga")), Ok(vec![scrubbed(ScrubCause::Organizer)]));
    check(&[held(1, &["ann"])], (1, scrub("olga")), Ok(vec![scrubbed(ScrubCause::Organizer)]));
    let on_hold = [counting(1, &["ann"]), (1, hold_started(121))];
    check(&on_hold, (2, scrub("olga")), Ok(vec![scrubbed(ScrubCause::Organizer)]));
}

#[test]
fn after_the_end_everything_is_refused_saying_which_end() {
    let ends =
        [(fired(1), "already_fired"), (missed(0), "already_missed"), (scrubbed(ScrubCause::NoGo), "already_scrubbed")];
    for (end, code) in ends {
        let given = [counting(1, &["ann"]), (10, end)];
        for ask in [
            confirm("ann"),
            decline("ann"),
            defer("ann", minutes(1)),
            hold("olga"),
            resume("olga"),
            reschedule("olga", TimeSpec::In(minutes(90))),
            scrub("olga"),
            join("olga"),
        ] {
            check(&given, (11, ask), Err(code));
        }
        check(&given, (61, time()), Ok(vec![]));
        check(&given, (11, release(minutes(1))), Ok(vec![]));
    }
}

#[test]
fn a_reason_is_kept_and_has_a_limit() {
    let countdown = folded(&[counting(1, &["ann", "bob"])]);
    let long = "x".repeat(limits::REASON_BYTES_MAX + 1);
    let (ann, olga) = (name("ann"), name("olga"));
    let refused = [
        decide::decline(&countdown, &ann, Some(&long), at(1)),
        decide::defer(&countdown, &ann, minutes(1), Some(&long), at(1)),
        decide::hold(&countdown, &olga, Some(&long), at(1)),
        decide::scrub(&countdown, &olga, Some(&long), at(1)),
    ];
    for decision in refused {
        assert_eq!(decision.map_err(|refusal| refusal.code()), Err("over_limit"));
    }
    let scrubbed =
        CountdownScrubbed { countdown: id(), cause: ScrubCause::Organizer, reason: Some(long[1..].to_owned()) };
    assert_eq!(decide::scrub(&countdown, &olga, Some(&long[1..]), at(1)), Ok(vec![scrubbed.into()]));
}

// --- all of them

#[test]
fn what_is_due_comes_in_order_of_time_then_id() {
    let mut countdowns = Countdowns::default();
    for (position, fire_at) in [(0, 30), (1, 20), (2, 20), (3, 40)] {
        let event = CountdownScheduled { fire_at: Some(at(fire_at)), ..scheduled(0, &[]) };
        countdowns.evolve(&recorded(position, at(0), event.into()));
    }
    let nth = |n| CountdownId::from_bytes([n; 16]);
    assert_eq!(countdowns.next_due(), Some((at(20), nth(2))));
    assert_eq!(countdowns.due(at(19)).count(), 0);
    let due: Vec<_> = countdowns.due(at(30)).collect();
    assert_eq!(due, [(at(20), nth(2)), (at(20), nth(3)), (at(30), nth(1))]);
    countdowns.evolve(&recorded(4, at(20), CountdownFired { countdown: nth(2), confirmed: 0 }.into()));
    assert_eq!(countdowns.next_due(), Some((at(20), nth(3))));
}

#[test]
fn a_name_means_the_one_that_lives_and_in_a_campaign_its_own() {
    let mut countdowns = Countdowns::default();
    countdowns.evolve(&recorded(0, at(0), scheduled(0, &[]).into()));
    countdowns.evolve(&recorded(1, at(0), held(0, &[]).1));
    let (free, member) = (CountdownId::from_bytes([1; 16]), CountdownId::from_bytes([2; 16]));
    assert_eq!(countdowns.find("review", None).unwrap_err().code(), "ambiguous");
    assert_eq!(countdowns.find("review", Some(campaign())), Ok(member));
    assert_eq!(countdowns.find(&free.short(), Some(campaign())), Ok(free));
    countdowns.evolve(&recorded(2, at(60), CountdownFired { countdown: free, confirmed: 0 }.into()));
    assert_eq!(countdowns.find("review", None), Ok(member));
    assert!(matches!(countdowns.get(free).unwrap().phase, Phase::Fired { .. }));
    assert_eq!(countdowns.find("retro", None).unwrap_err().to_string(), r#"there is no countdown "retro""#);
}
