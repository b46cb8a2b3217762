//! Which trees to test next, what may land, and whom to blame: the worker's plan, without any I/O.
//!
//! The changes that a worker holds stand in a line. Each is built on top of all before it, as if they had landed; a test of
//! the tree after some of them is a test of exactly what the branch will hold once they have. So a passed test stays good as
//! long as the same changes stand before it, and is worth nothing once one of them is blamed.
//!
//! Several changes in a row may be tested as a batch, by one run in the tree after the last of them. A red batch is cut in
//! half until the change is found with which it turns red; that one is tried once more before it is blamed. An innocent
//! batch-mate is never blamed: only the tree that a change makes by itself, on top of what passed, speaks against it.

use std::collections::{BTreeMap, BTreeSet};

/// A change in the line; numbers grow in the order of the line.
pub type Ticket = u64;

/// A tree by what it is made of: the branch as the worker found it, and these changes on top, in order.
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
    Test(Stack),
    /// These changes, the first of the line, may land together: the tree after them has passed.
    Land(Vec<Ticket>),
    /// This change turns the tree red, twice. It leaves the line.
    Blame(Ticket),
}

/// What is known of a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Known {
    running: bool,
    passed: bool,
    /// How many runs failed.
    failed: u32,
}

/// A line of changes on one branch.
#[derive(Debug, Clone)]
pub struct Train {
    limits: Limits,
    /// Landed since the worker looked at the branch last; part of every tree.
    landed: Stack,
    line: Vec<Ticket>,
    /// A batch ends after each of these.
    cuts: BTreeSet<Ticket>,
    known: BTreeMap<Stack, Known>,
}

impl Train {
    /// An empty line.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, landed: Stack::new(), line: Vec::new(), cuts: BTreeSet::new(), known: BTreeMap::new() }
    }

    /// A change joins the line at its end.
    pub fn join(&mut self, ticket: Ticket) {
        self.line.push(ticket);
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

    /// Somebody else moved the branch: nothing that was tested is good any more.
    pub fn branch_moved(&mut self) {
        self.landed.clear();
        self.known.clear();
        self.cuts.clear();
    }

    /// A test has begun.
    pub fn began(&mut self, stack: &[Ticket]) {
        self.known.entry(stack.to_vec()).or_default().running = true;
    }

    /// A test has ended.
    pub fn ended(&mut self, stack: &[Ticket], passed: bool) {
        if let Some(known) = self.known.get_mut(stack) {
            known.running = false;
            known.passed |= passed;
            known.failed += u32::from(!passed);
        }
    }

    /// Changes have landed, as [`Step::Land`] said.
    pub fn landed(&mut self, tickets: &[Ticket]) {
        self.line.retain(|ticket| !tickets.contains(ticket));
        self.landed.extend(tickets);
        self.forget();
    }

    /// What is to be done next, if anything before something ends or joins. Do it and ask again.
    pub fn next(&mut self) -> Option<Step> {
        let mut stack = self.landed.clone();
        let mut from = 0;
        while from < self.line.len() {
            let batch = self.batch(from);
            stack.extend(batch.clone());
            let known = self.known.get(&stack).copied().unwrap_or_default();
            let is_first = from == 0;
            match (known, batch.as_slice()) {
                (Known { passed: true, .. }, _) if is_first => return Some(Step::Land(batch)),
                // It stands behind others that are not decided: it waits for them.
                (Known { passed: true, .. }, _) => {}
                (Known { running: true, failed: 0, .. }, _) => {}
                // Red, and what stands before it has not passed yet: that may be to blame.
                (Known { failed: 1.., .. }, _) if !is_first => return None,
                (Known { failed: 1.., .. }, [_, _, ..]) => {
                    // Red on top of what is good: the first half decides on which side the fault is.
                    self.cuts.insert(batch[batch.len() / 2 - 1]);
                    stack.truncate(stack.len() - batch.len());
                    continue;
                }
                (Known { failed: 2.., .. }, [ticket]) => {
                    let ticket = *ticket;
                    self.leave(ticket);
                    return Some(Step::Blame(ticket));
                }
                (Known { running: true, .. }, _) => return None,
                (_, _) => return self.has_a_free_lane().then_some(Step::Test(stack)),
            }
            from += batch.len();
        }
        None
    }

    /// The batch that begins at this place of the line: to the next cut, and no longer than a fair share of what waits, so
    /// that no lane stands still while another tests many.
    fn batch(&self, from: usize) -> Vec<Ticket> {
        let waiting = &self.line[from..];
        let share = self.line.len().div_ceil(self.limits.lanes.max(1)).clamp(1, self.limits.batch.max(1));
        // A batch that was begun keeps its size, also when others join or land.
        let stack_before = || self.landed.iter().chain(&self.line[..from]).copied();
        let known = (1..=waiting.len().min(self.limits.batch.max(1))).rev().find(|length| {
            self.known.contains_key(&stack_before().chain(waiting[..*length].iter().copied()).collect::<Stack>())
        });
        let to_cut = waiting.iter().position(|ticket| self.cuts.contains(ticket)).map_or(usize::MAX, |at| at + 1);
        waiting[..known.unwrap_or(share).min(to_cut).min(waiting.len())].to_vec()
    }

    fn has_a_free_lane(&self) -> bool {
        self.known.values().filter(|known| known.running).count() < self.limits.lanes
    }

    /// Drops what is known of trees that can come no more, except runs that are still going: they hold a lane.
    fn forget(&mut self) {
        let whole: Stack = self.landed.iter().chain(&self.line).copied().collect();
        self.known.retain(|stack, known| known.running || whole.starts_with(stack) && stack.len() > self.landed.len());
        let line: BTreeSet<Ticket> = self.line.iter().copied().collect();
        self.cuts.retain(|ticket| line.contains(ticket));
    }
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
        let mut train = Train::new(limits);
        (0..count).for_each(|ticket| train.join(ticket));
        let mut run = Run::default();
        let mut passed: BTreeSet<Stack> = BTreeSet::new();
        loop {
            let mut testing: Vec<(Stack, usize)> = Vec::new();
            while let Some(step) = train.next() {
                match step {
                    Step::Test(stack) => {
                        train.began(&stack);
                        testing.push((stack, run.tests));
                        run.tests += 1;
                    }
                    Step::Land(tickets) => {
                        run.landed.extend(&tickets);
                        assert!(passed.contains(&run.landed), "what lands was tested: {:?}", run.landed);
                        train.landed(&tickets);
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
            for (stack, number) in testing {
                let is_good = !stack.iter().any(|ticket| guilty.contains(ticket)) && !flaky(number);
                if is_good {
                    passed.insert(stack.clone());
                }
                train.ended(&stack, is_good);
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
    fn what_was_tested_on_top_of_a_change_that_left_is_tested_anew() {
        let mut train = Train::new(Limits { lanes: 3, batch: 1 });
        (0..3).for_each(|ticket| train.join(ticket));
        for _ in 0..3 {
            let Some(Step::Test(stack)) = train.next() else { panic!("a lane is free") };
            train.began(&stack);
        }
        train.ended(&[0, 1, 2], true);
        train.leave(0);
        assert_eq!(train.next(), Some(Step::Test(vec![1])), "one lane is free");
    }

    #[test]
    fn a_branch_that_somebody_moved_makes_every_test_void() {
        let mut train = Train::new(Limits { lanes: 1, batch: 4 });
        train.join(7);
        train.began(&[7]);
        train.ended(&[7], true);
        train.branch_moved();
        assert_eq!(train.next(), Some(Step::Test(vec![7])));
    }

    proptest! {
        #[test]
        fn every_innocent_change_lands_in_order_and_every_guilty_one_is_blamed(
            lanes in 1_usize..9,
            batch in 1_usize..9,
            guilty in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
            count in 1_u64..40,
        ) {
            let guilty: Vec<u64> = guilty.iter().map(|index| index.index(count as usize) as u64).collect();
            let run = run(Limits { lanes, batch }, count, &guilty, |_| false);
            let innocent: Vec<u64> = (0..count).filter(|ticket| !guilty.contains(ticket)).collect();
            prop_assert_eq!(run.landed, innocent);
            prop_assert_eq!(run.blamed, guilty.iter().copied().collect::<BTreeSet<_>>());
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
    }
}
