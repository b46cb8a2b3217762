//! Which trees to test next, what may land, and whom to blame: the worker's plan, without any I/O.
//!
//! The changes that a worker holds stand in a line. Each is built on top of all before it, as if they had landed; a test of
//! the tree after some of them is a test of exactly what the branch will hold once they have. So a passed test stays good as
//! long as the same changes stand before it, and is worth nothing once one of them is blamed. Each change has checks of its
//! own, so a test speaks for those whose checks it ran: the last ones of its stack, its batch.
//!
//! Several changes in a row may be tested as a batch, by one run in the tree after the last of them. A red batch is cut in
//! half until the change is found with which it turns red; that one is tried once more before it is blamed. An innocent
//! batch-mate is never blamed: only the tree that a change makes by itself, on top of what passed, speaks against it.
//!
//! A change that was blamed in an earlier attempt is a suspect: it is tested by itself, so that it costs no batch its test, and
//! one more red run is enough.

use std::collections::{BTreeMap, BTreeSet};

/// A change in the line; numbers grow in the order of the line.
pub type Ticket = u64;

/// A tree by what it is made of: the branch as it is now, and these changes on top, in order.
pub type Stack = Vec<Ticket>;

/// How many runs, of how many changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many trees are tested at the same time.
    pub lanes: usize,
    /// How many changes are tested by one run at most.
    pub batch: usize,
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Test this tree, in a free lane.
    Test(Test),
    /// These changes, the first of the line, may land together: the tree after them has passed.
    Land(Vec<Ticket>),
    /// This change turns the tree red, twice or, of a suspect, once more. It leaves the line.
    Blame(Ticket),
}

/// A run of checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// In this tree.
    pub stack: Stack,
    /// Where in the stack its batch begins: the changes from there on have their checks run.
    pub from: usize,
}

/// What is known of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    /// Where the largest batch begins that was tested in it.
    begun_from: usize,
    /// Where the largest batch begins that passed in it.
    passed_from: Option<usize>,
    running: bool,
    /// How many runs failed.
    failed: u32,
}

/// A line of changes on one branch.
#[derive(Debug, Clone)]
pub struct Train {
    limits: Limits,
    line: Vec<Ticket>,
    /// Those that were blamed before.
    suspects: BTreeSet<Ticket>,
    /// A batch ends after each of these.
    cuts: BTreeSet<Ticket>,
    known: BTreeMap<Stack, Known>,
}

impl Train {
    /// An empty line.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, line: Vec::new(), suspects: BTreeSet::new(), cuts: BTreeSet::new(), known: BTreeMap::new() }
    }

    /// A change joins the line at its end.
    pub fn join(&mut self, ticket: Ticket) {
        self.line.push(ticket);
    }

    /// A change joins the line at its end that was blamed in an earlier attempt.
    pub fn join_as_suspect(&mut self, ticket: Ticket) {
        self.suspects.insert(ticket);
        self.join(ticket);
    }

    /// A change leaves the line for another reason than a check: it conflicts, was cancelled, or its claim is lost. What
    /// was tested on top of it is void.
    pub fn leave(&mut self, ticket: Ticket) {
        self.line.retain(|other| *other != ticket);
        self.forget();
    }

    /// The changes that stand in the line.
    #[must_use]
    pub fn line(&self) -> &[Ticket] {
        &self.line
    }

    /// Whether a tree may still come to land.
    #[must_use]
    pub fn expects(&self, stack: &[Ticket]) -> bool {
        self.line.starts_with(stack)
    }

    /// Somebody else moved the branch: nothing that was tested is good any more.
    pub fn branch_moved(&mut self) {
        self.known.clear();
        self.cuts.clear();
    }

    /// A test has begun.
    pub fn began(&mut self, test: &Test) {
        let fresh = Known { begun_from: test.from, passed_from: None, running: false, failed: 0 };
        let known = self.known.entry(test.stack.clone()).or_insert(fresh);
        known.begun_from = known.begun_from.min(test.from);
        known.running = true;
    }

    /// A test has ended. One of a tree that can come no more changes nothing.
    pub fn ended(&mut self, test: &Test, passed: bool) {
        if let Some(known) = self.known.get_mut(&test.stack) {
            known.running = false;
            if passed {
                known.passed_from = Some(known.passed_from.map_or(test.from, |from| from.min(test.from)));
            } else {
                known.failed += 1;
            }
        }
    }

    /// The first changes of the line have landed, as [`Step::Land`] said: they are part of the branch now. What was tested on top
    /// of them stays good.
    pub fn landed(&mut self, tickets: &[Ticket]) {
        self.line.retain(|ticket| !tickets.contains(ticket));
        let known = std::mem::take(&mut self.known);
        self.known = known.into_iter().filter_map(|(stack, known)| Some((rest(&stack, tickets)?, known))).collect();
        for known in self.known.values_mut() {
            known.begun_from = known.begun_from.saturating_sub(tickets.len());
            known.passed_from = known.passed_from.map(|from| from.saturating_sub(tickets.len()));
        }
        self.forget();
    }

    /// What is to be done next, if anything before something ends or joins. Do it and ask again. A test needs a free lane.
    pub fn next(&mut self, has_a_free_lane: bool) -> Option<Step> {
        let mut from = 0;
        while from < self.line.len() {
            let until = from + self.batch(from);
            let stack = &self.line[..until];
            let known = self.known.get(stack).copied();
            let has_passed = known.and_then(|known| known.passed_from).is_some_and(|passed_from| passed_from <= from);
            let (running, failed) = known.map_or((false, 0), |known| (known.running, known.failed));
            let (is_first, is_alone) = (from == 0, until - from == 1);
            if has_passed && is_first {
                return Some(Step::Land(stack.to_vec()));
            }
            // What has passed stands behind others that are not decided: it waits for them.
            let is_going_well = has_passed || (running && failed == 0);
            if !is_going_well {
                match failed {
                    0 => return self.test(has_a_free_lane, from, until),
                    // Red, and what stands before it has not passed yet: that may be to blame.
                    _ if !is_first => return None,
                    // Red on top of what is good: the first half decides on which side the fault is.
                    _ if !is_alone => {
                        self.cuts.insert(self.line[from + (until - from) / 2 - 1]);
                        continue;
                    }
                    _ if running => return None,
                    1 if !self.suspects.contains(&self.line[from]) => return self.test(has_a_free_lane, from, until),
                    _ => {
                        let ticket = self.line[from];
                        self.leave(ticket);
                        return Some(Step::Blame(ticket));
                    }
                }
            }
            from = until;
        }
        None
    }

    fn test(&self, has_a_free_lane: bool, from: usize, until: usize) -> Option<Step> {
        has_a_free_lane.then(|| Step::Test(Test { stack: self.line[..until].to_vec(), from }))
    }

    /// How many changes the batch has that begins at this place of the line: to the next cut, and no more than a fair share of
    /// what waits, so that no lane stands still while another tests many.
    fn batch(&self, from: usize) -> usize {
        let waiting = &self.line[from..];
        // A suspect is a batch of its own.
        let to_suspect = match waiting.iter().position(|ticket| self.suspects.contains(ticket)) {
            Some(0) => 1,
            Some(others) => others,
            None => usize::MAX,
        };
        let size_max = self.limits.batch.max(1).min(waiting.len()).min(to_suspect);
        let share = self.line.len().div_ceil(self.limits.lanes.max(1)).clamp(1, size_max);
        // A batch that was begun keeps its size, also when others join or land.
        let begun = (1..=size_max)
            .rev()
            .find(|size| self.known.get(&self.line[..from + size]).is_some_and(|known| known.begun_from <= from));
        let to_cut = waiting.iter().position(|ticket| self.cuts.contains(ticket)).map_or(usize::MAX, |at| at + 1);
        begun.unwrap_or(share).min(to_cut)
    }

    /// Drops what is known of trees that can come no more.
    fn forget(&mut self) {
        let line = &self.line;
        self.known.retain(|stack, _| !stack.is_empty() && line.starts_with(stack));
        let line: BTreeSet<Ticket> = self.line.iter().copied().collect();
        self.cuts.retain(|ticket| line.contains(ticket));
        self.suspects.retain(|ticket| line.contains(ticket));
    }
}

/// The stack on top of a branch to which these have been added, if it was built on them.
#[must_use]
pub fn rest(stack: &[Ticket], landed: &[Ticket]) -> Option<Stack> {
    stack.strip_prefix(landed).map(<[Ticket]>::to_vec)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a whole run of a train came to.
    #[derive(Debug, Default, PartialEq, Eq)]
    struct Run {
        landed: Vec<Ticket>,
        blamed: BTreeSet<Ticket>,
        tests: usize,
        /// The most tests at one time.
        lanes: usize,
        /// The time of all, if each test takes 1.
        rounds: usize,
    }

    /// Runs changes 0..count of which some are guilty: a tree with one of them is red. `flaky` says which tests, by number,
    /// fail whatever the tree is. Tests of one round end together.
    fn run(limits: Limits, count: u64, guilty: &[u64], flaky: impl Fn(usize) -> bool) -> Run {
        run_with(limits, count, |stack, _| stack.iter().any(|ticket| guilty.contains(ticket)), flaky)
    }

    /// The same, where `is_red` says it of a stack and its batch.
    fn run_with(
        limits: Limits,
        count: u64,
        is_red: impl Fn(&[Ticket], &[Ticket]) -> bool,
        flaky: impl Fn(usize) -> bool,
    ) -> Run {
        let mut train = Train::new(limits);
        (0..count).for_each(|ticket| train.join(ticket));
        ride(train, limits, is_red, flaky)
    }

    /// The same with a train that is ready.
    fn ride(
        mut train: Train,
        limits: Limits,
        is_red: impl Fn(&[Ticket], &[Ticket]) -> bool,
        flaky: impl Fn(usize) -> bool,
    ) -> Run {
        let mut run = Run::default();
        // By what has landed and the stack on top: which batches passed.
        let mut passed: BTreeSet<(Stack, Vec<Ticket>)> = BTreeSet::new();
        loop {
            let mut testing: Vec<(Stack, Test, usize)> = Vec::new();
            while let Some(step) = train.next(testing.len() < limits.lanes) {
                match step {
                    Step::Test(test) => {
                        train.began(&test);
                        let whole = [&run.landed[..], &test.stack].concat();
                        testing.push((whole, test, run.tests));
                        run.tests += 1;
                    }
                    Step::Land(tickets) => {
                        run.landed.extend(&tickets);
                        let speaks_for =
                            |(stack, batch): &(Stack, Vec<Ticket>)| *stack == run.landed && batch.ends_with(&tickets);
                        assert!(
                            passed.iter().any(speaks_for),
                            "what lands was tested: {tickets:?} of {:?}",
                            run.landed
                        );
                        train.landed(&tickets);
                        for (_, test, _) in &mut testing {
                            if let Some(stack) = rest(&test.stack, &tickets) {
                                *test = Test { stack, from: test.from.saturating_sub(tickets.len()) };
                            }
                        }
                    }
                    Step::Blame(ticket) => assert!(run.blamed.insert(ticket), "blamed once"),
                }
            }
            if testing.is_empty() {
                assert!(train.line().is_empty(), "it stands still with {:?}", train.line());
                return run;
            }
            run.lanes = run.lanes.max(testing.len());
            run.rounds += 1;
            for (whole, test, number) in testing {
                let batch = test.stack[test.from..].to_vec();
                let is_good = !is_red(&whole, &batch) && !flaky(number);
                if is_good {
                    passed.insert((whole, batch));
                }
                train.ended(&test, is_good);
            }
        }
    }

    #[test]
    fn with_one_lane_and_no_batches_each_is_tested_once() {
        let run = run(Limits { lanes: 1, batch: 1 }, 5, &[], |_| false);
        assert_eq!((run.landed, run.tests, run.rounds), (vec![0, 1, 2, 3, 4], 5, 5));
    }

    #[test]
    fn lanes_test_on_top_of_one_another_and_nothing_is_tested_twice() {
        let run = run(Limits { lanes: 8, batch: 1 }, 200, &[], |_| false);
        assert_eq!((run.landed.len(), run.tests, run.rounds, run.lanes), (200, 200, 25, 8));
    }

    #[test]
    fn a_batch_lands_after_one_test() {
        let run = run(Limits { lanes: 1, batch: 8 }, 16, &[], |_| false);
        assert_eq!((run.landed.len(), run.tests), (16, 2));
    }

    #[test]
    fn one_guilty_change_is_found_by_halving_and_tried_once_more_before_it_is_blamed() {
        let run = run(Limits { lanes: 1, batch: 8 }, 8, &[5], |_| false);
        assert_eq!(run.landed, [0, 1, 2, 3, 4, 6, 7]);
        assert_eq!(run.blamed, BTreeSet::from([5]));
        // All; the first four; 4 and 5; 4; 5 is known to be red with 4, so only once more; the last two.
        assert_eq!(run.tests, 6);
    }

    #[test]
    fn a_test_that_fails_once_by_chance_blames_nobody() {
        for number in 0..4 {
            let run = run(Limits { lanes: 2, batch: 4 }, 10, &[], |test| test == number);
            assert_eq!((run.landed.len(), run.blamed.len()), (10, 0), "{number}");
        }
    }

    #[test]
    fn with_one_change_in_ten_guilty_batches_need_fewer_tests_than_changes() {
        let guilty: Vec<u64> = (0..200).filter(|ticket| (ticket * 7919 + 13) % 10 == 3).collect();
        assert_eq!(guilty.len(), 20);
        let run = run(Limits { lanes: 1, batch: 8 }, 200, &guilty, |_| false);
        assert_eq!((run.landed.len(), run.blamed.len()), (180, 20));
        assert!(run.tests <= 180, "{} tests of 200 changes", run.tests);
    }

    #[test]
    fn a_suspect_is_tested_by_itself_and_one_more_red_run_is_enough() {
        let limits = Limits { lanes: 1, batch: 8 };
        let mut train = Train::new(limits);
        for ticket in 0..6 {
            match ticket {
                2 | 3 => train.join_as_suspect(ticket),
                _ => train.join(ticket),
            }
        }
        let run = ride(train, limits, |stack, _| stack.contains(&3), |_| false);
        assert_eq!((run.landed, run.blamed), (vec![0, 1, 2, 4, 5], BTreeSet::from([3])));
        // The first two; 2; 3, once; the last two.
        assert_eq!(run.tests, 4);
    }

    #[test]
    fn what_was_tested_on_top_of_a_change_that_left_is_tested_anew() {
        let mut train = Train::new(Limits { lanes: 3, batch: 1 });
        (0..3).for_each(|ticket| train.join(ticket));
        let mut tests = Vec::new();
        while let Some(Step::Test(test)) = train.next(tests.len() < 3) {
            train.began(&test);
            tests.push(test);
        }
        train.ended(&tests[2], true);
        train.leave(0);
        assert!(!train.expects(&tests[2].stack));
        assert_eq!(train.next(true), Some(Step::Test(Test { stack: vec![1], from: 0 })));
    }

    #[test]
    fn a_branch_that_somebody_moved_makes_every_test_void() {
        let mut train = Train::new(Limits { lanes: 1, batch: 4 });
        let test = Test { stack: vec![7], from: 0 };
        train.join(7);
        train.began(&test);
        train.ended(&test, true);
        train.branch_moved();
        assert_eq!(train.next(true), Some(Step::Test(test)));
    }

    #[test]
    fn a_test_of_the_second_change_does_not_speak_for_the_first() {
        let mut train = Train::new(Limits { lanes: 2, batch: 8 });
        (0..2).for_each(|ticket| train.join(ticket));
        let (one, both) = (Test { stack: vec![0], from: 0 }, Test { stack: vec![0, 1], from: 1 });
        for test in [&one, &both] {
            assert_eq!(train.next(true), Some(Step::Test(test.clone())));
            train.began(test);
        }
        train.ended(&both, true);
        train.ended(&one, false);
        assert_eq!(train.next(true), Some(Step::Test(one)), "tried once more, and not landed with the other");
    }

    proptest! {
        #[test]
        fn every_innocent_change_lands_in_order_and_every_guilty_one_is_blamed(
            lanes in 1_usize..9,
            batch in 1_usize..9,
            guilty in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
            suspects in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
            count in 1_u64..40,
        ) {
            let some_of = |indexes: &[prop::sample::Index]| -> BTreeSet<u64> {
                indexes.iter().map(|index| index.index(count as usize) as u64).collect()
            };
            let (guilty, suspects) = (some_of(&guilty), some_of(&suspects));
            let limits = Limits { lanes, batch };
            let mut train = Train::new(limits);
            for ticket in 0..count {
                if suspects.contains(&ticket) { train.join_as_suspect(ticket) } else { train.join(ticket) }
            }
            let run = ride(train, limits, |stack, _| stack.iter().any(|ticket| guilty.contains(ticket)), |_| false);
            let innocent: Vec<u64> = (0..count).filter(|ticket| !guilty.contains(ticket)).collect();
            prop_assert_eq!(run.landed, innocent);
            prop_assert_eq!(run.blamed, guilty);
            prop_assert!(run.lanes <= lanes);
        }

        #[test]
        fn nobody_innocent_is_blamed_unless_two_tests_fail_by_chance(
            lanes in 1_usize..6,
            batch in 1_usize..9,
            count in 1_u64..30,
            flaky in 0_usize..40,
        ) {
            let run = run(Limits { lanes, batch }, count, &[], |test| test == flaky);
            prop_assert_eq!(run.landed.len() as u64, count);
        }

        #[test]
        fn who_is_guilty_by_checks_of_its_own_never_lands_with_others(
            lanes in 1_usize..9,
            batch in 1_usize..9,
            guilty in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
            count in 1_u64..40,
        ) {
            let guilty: Vec<u64> = guilty.iter().map(|index| index.index(count as usize) as u64).collect();
            // Only a run of its own checks shows it.
            let is_red = |_: &[Ticket], batch: &[Ticket]| batch.iter().any(|ticket| guilty.contains(ticket));
            let run = run_with(Limits { lanes, batch }, count, is_red, |_| false);
            let innocent: Vec<u64> = (0..count).filter(|ticket| !guilty.contains(ticket)).collect();
            prop_assert_eq!(run.landed, innocent);
            prop_assert_eq!(run.blamed, guilty.iter().copied().collect::<BTreeSet<_>>());
        }
    }
}
