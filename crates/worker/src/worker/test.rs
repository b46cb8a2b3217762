//! Tests: building a stack, running its checks in a lane, and what their answers mean.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use convoke_core::queue::events::FailureClass;

use convoke_git::GitError;

use super::{Running, Trouble, Worker, of};
use crate::{
    desk::Desk,
    lane::{Lane, Must, Outcome, Work},
    news::{News, Of},
    probe,
    train::{Test, Ticket},
};

/// What a failing check did.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    check: String,
    how: String,
    output: String,
}

impl<D: Desk> Worker<'_, D> {
    /// Builds a stack and has its batch's checks run.
    pub(super) fn test(&mut self, test: Test) -> Result<(), Trouble> {
        for until in 1..=test.stack.len() {
            let stack = &test.stack[..until];
            let ticket = stack[until - 1];
            let Some(held) = self.held.get(&ticket) else {
                self.out_of_line(ticket);
                return Ok(());
            };
            match self.stacks.build(stack, &held.job, &held.bringing) {
                // A long stack takes a while.
                Ok(Ok(_)) => self.extend_leases()?,
                Ok(Err(obstacle)) => return self.obstacle(ticket, until == 1, obstacle),
                Err(error) => return self.broken(&[ticket], error),
            }
        }
        if !self.train.expects(&test.stack) {
            return Ok(());
        }
        probe::at("built");
        let commit = self.stacks.commit_of(&test.stack)?;
        let checks = self.checks_of(&test.stack[test.from..]);
        self.train.began(&test);
        if checks.is_empty() {
            self.train.ended(&test, true);
            return Ok(());
        }
        let Some(number) = self.lanes.iter().position(|(_, running)| running.is_none()) else { return Ok(()) };
        let on_top_of = test.from;
        let of = self.of_all(&test.stack[test.from..]);
        let stop = Arc::new(AtomicBool::new(false));
        let work = Work { commit, checks, stop: Arc::clone(&stop) };
        let (lane, running) = &mut self.lanes[number];
        let started = lane.get_or_insert_with(|| {
            let folder = self.options.folder.join(format!("lane-{}", number + 1));
            Lane::start(number, &self.repository, folder, self.say_done.clone())
        });
        if started.take(work) {
            *running = Some(Running { test, stop, is_void: false });
            (self.tell)(&News::Testing { lane: number + 1, of, on_top_of });
            return Ok(());
        }
        *lane = None;
        self.train.ended(&test, false);
        let error = GitError::Failed { what: "lane".to_owned(), said: "its thread has ended".to_owned() };
        self.broken(&test.stack[test.from..], error)
    }

    /// A lane has ended its work.
    pub(super) fn lane_ended(&mut self, number: usize, outcome: Outcome) -> Result<(), Trouble> {
        let Some(running) = self.lanes.get_mut(number).and_then(|(_, running)| running.take()) else { return Ok(()) };
        if running.is_void {
            return Ok(());
        }
        let test = running.test;
        let batch = &test.stack[test.from..];
        match outcome {
            Outcome::Passed(passed) => {
                self.broken = 0;
                self.runs.entry(test.stack.clone()).or_default().passed = passed;
                self.train.ended(&test, true);
            }
            Outcome::Failed { check, how, output } => {
                self.broken = 0;
                let of = self.of_all(batch);
                (self.tell)(&News::Red { of, check: check.clone(), how: how.clone() });
                let runs = self.runs.entry(test.stack.clone()).or_default();
                runs.failed += 1;
                runs.failure = Some(Failure { check, how, output });
                self.train.ended(&test, false);
            }
            // Only the end of the worker stops a run that is still waited for.
            Outcome::Stopped => {}
            Outcome::Broken(error) => {
                let batch = batch.to_vec();
                self.broken(&batch, error)?;
            }
        }
        Ok(())
    }

    /// A change makes the branch red, and was tried twice, or was blamed before and tried once more.
    pub(super) fn blame(&mut self, ticket: Ticket) -> Result<(), Trouble> {
        let Some(held) = self.held.get(&ticket) else { return Ok(()) };
        let (attempt, attempts) = (held.job.failures.saturating_add(1), self.options.attempts);
        let is_suspect = held.job.is_suspect;
        let (cause, output) = match self.runs.get(&vec![ticket]).and_then(|runs| runs.failure.clone()) {
            Some(Failure { check, how, output }) => {
                let often = if is_suspect { format!("again, in attempt {attempt}") } else { "twice".to_owned() };
                (format!("the check {check:?} {how}, {often}"), Some(output))
            }
            None => ("its checks failed".to_owned(), None),
        };
        let is_last = attempt >= attempts && (is_suspect || attempts == 1);
        let class = if is_last { FailureClass::Final } else { FailureClass::Check };
        self.fail(ticket, class, &cause, output.as_deref())
    }

    /// What must pass for these changes, each command once.
    fn checks_of(&self, batch: &[Ticket]) -> Vec<Must> {
        let mut checks = self.options.checks.clone();
        let asked = batch.iter().filter_map(|ticket| self.held.get(ticket)).flat_map(|held| &held.job.checks);
        for check in asked {
            let limit = check.limit_ms.map_or(self.options.check_limit, |limit| Duration::from_millis(limit.ms()));
            match checks.iter_mut().find(|known| known.command == check.command) {
                Some(known) => known.limit = known.limit.max(limit),
                None => checks.push(Must { command: check.command.clone(), limit }),
            }
        }
        checks
    }

    fn of_all(&self, tickets: &[Ticket]) -> Vec<Of> {
        tickets.iter().filter_map(|ticket| Some(of(&self.held.get(ticket)?.job))).collect()
    }
}
