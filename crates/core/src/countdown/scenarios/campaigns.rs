//! What its campaign does to a countdown.

use super::*;

#[test]
fn answers_are_accepted_while_held_but_fire_only_on_release() {
    check(&[held(1, &["ann"])], (1, confirm("ann")), Ok(vec![confirmed("ann")]));
    check(&[held(1, &["ann"])], (100, time()), Ok(vec![]));
    let met = [held(1, &["ann"]), (1, confirmed("ann"))];
    check(&met, (10, release(minutes(1))), Ok(vec![released(60), fired(1)]));
    let to_t0 = CountdownScheduled {
        policy: ReleasePolicy::AtT0,
        campaign: Some(campaign()),
        fire_at: None,
        ..scheduled(1, &["ann"])
    };
    let met = [(0, to_t0.into()), (1, confirmed("ann"))];
    check(&met, (10, release(minutes(1))), Ok(vec![released(60)]));
}

#[test]
fn on_release_t0_is_the_planned_one_but_never_before_the_notice_is_over() {
    check(&[held(1, &["ann"])], (10, release(minutes(1))), Ok(vec![released(60)]));
    check(&[held(1, &["ann"])], (58, release(minutes(5))), Ok(vec![released(63)]));
    let with_lead = CountdownScheduled {
        lead_ms: minutes(15),
        campaign: Some(campaign()),
        fire_at: None,
        ..scheduled(1, &["ann"])
    };
    check(&[(0, with_lead.into())], (10, release(minutes(1))), Ok(vec![released(45)]));
}

#[test]
fn a_relative_t0_counts_from_the_release_whatever_lead_and_notice_say() {
    check(&[held_for(minutes(3), minutes(2))], (100, release(minutes(30))), Ok(vec![released(103)]));
}

#[test]
fn only_a_held_countdown_is_released() {
    check(&[counting(1, &["ann"])], (1, release(minutes(1))), Ok(vec![]));
    check(&[held(1, &["ann"]), (1, released(60))], (2, release(minutes(1))), Ok(vec![]));
}

#[test]
fn a_counting_countdown_joins_a_campaign_with_its_answers_and_deferrals() {
    check(&[counting(2, &["ann", "bob"])], (1, join("olga")), Ok(vec![joined()]));
    let given = [counting(2, &["ann", "bob"]), (1, confirmed("bob")), (1, deferred("ann", 10, 70)), (2, joined())];
    check(&given, (3, join("olga")), Ok(vec![]));
    check(&given, (3, release(minutes(1))), Ok(vec![released(70)]));
    check(&given, (3, confirm("ann")), Ok(vec![confirmed("ann")]));
    check(&given, (100, time()), Ok(vec![]));
    let with_lead = CountdownScheduled { lead_ms: minutes(15), fire_at: Some(at(45)), ..scheduled(1, &["ann"]) };
    let given = [(0, with_lead.into()), (1, deferred("ann", 10, 55)), (2, joined())];
    check(&given, (3, release(minutes(1))), Ok(vec![released(55)]));
}

#[test]
fn only_what_counts_outside_of_campaigns_and_is_ones_own_joins() {
    check(&[counting(1, &["ann"])], (1, join("ann")), Err("not_organizer"));
    check(&[counting(1, &["ann"]), (1, hold_started(121))], (2, join("olga")), Err("on_hold"));
    check(&[counting(1, &["ann"]), (1, confirmed("ann")), (1, fired(1))], (2, join("olga")), Err("already_fired"));
    let elsewhere = CountdownScheduled { campaign: Some(CampaignId::from_bytes([98; 16])), ..scheduled(1, &["ann"]) };
    check(&[(0, elsewhere.into())], (1, join("olga")), Err("in_a_campaign"));
}

#[test]
fn what_happened_elsewhere_scrubs_it_unless_it_has_ended() {
    let cause = ScrubCause::Predecessor(CountdownId::from_bytes([7; 16]));
    check(&[held(1, &["ann"])], (1, scrub_for(cause.clone())), Ok(vec![scrubbed(cause.clone())]));
    check(&[counting(1, &["ann"])], (1, scrub_for(cause.clone())), Ok(vec![scrubbed(cause.clone())]));
    check(&[counting(0, &[]), (60, fired(0))], (61, scrub_for(cause)), Ok(vec![]));
}
