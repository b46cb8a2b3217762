//! Landing, in two phases: announced in the log, then the branch is moved, then it is in the log that it was.

use convoke_core::{
    command::{Command, LandChange, StartLanding},
    queue::events::{CheckResult, Receipt},
    time::Span,
};
use convoke_git::{Fence, GitError, Landing};

use super::{BROKEN_MAX, Trouble, Worker, of};
use crate::{
    candidate::Built,
    desk::Desk,
    news::News,
    probe,
    train::{Ticket, rest},
};

impl<D: Desk> Worker<'_, D> {
    /// Lands the first changes of the line, whose tree has passed.
    pub(super) fn land(&mut self, tickets: &[Ticket]) -> Result<(), Trouble> {
        let batch: Vec<_> =
            tickets.iter().filter_map(|ticket| self.held.get(ticket).map(|held| (*ticket, &held.job))).collect();
        let landing = match self.stacks.landing_of(&batch) {
            Ok(landing) => landing,
            Err(error) => return self.broken(tickets, error),
        };
        let base = self.stacks.tip().commit.clone();
        let receipt = Receipt {
            base: base.clone(),
            tested_tree: landing.tree.clone(),
            commit: landing.commit.clone(),
            tree: landing.tree.clone(),
            checks: self.checks_passed(tickets),
        };
        let announced = self.say(tickets, |job| {
            let (change, receipt) = (job.change.to_string(), receipt.clone());
            Command::StartLanding(StartLanding { change, fence: job.fence, receipt })
        });
        let refused: Vec<_> = announced.iter().filter(|(_, answer)| answer.is_err()).cloned().collect();
        if !refused.is_empty() {
            return self.not_announced(tickets, refused);
        }
        for ticket in tickets {
            if let Some(held) = self.held.get_mut(ticket) {
                held.job.begun = Some(receipt.clone());
            }
        }
        probe::at("announced");
        let fences: Vec<Fence> =
            tickets.iter().filter_map(|ticket| Some(self.fence_of(&self.held.get(ticket)?.job))).collect();
        match self.refs.land(&Landing { fences: &fences, from: &base, to: &landing.commit }) {
            Ok(()) => self.has_landed(tickets, landing),
            Err(error) => self.did_not_move(tickets, landing, error),
        }
    }

    /// Some of a batch may not land: then it does not land as it was tested. Those that may are claimed anew.
    fn not_announced(
        &mut self,
        tickets: &[Ticket],
        refused: Vec<(Ticket, Result<(), crate::desk::No>)>,
    ) -> Result<(), Trouble> {
        let mut back = tickets.to_vec();
        for (ticket, answer) in refused {
            match answer {
                Err(no) if no.is_lost_claim() => {
                    back.retain(|other| *other != ticket);
                    self.lose(ticket, no);
                }
                Err(no) if !no.is_of_the_change() => return Err(Trouble::Log(no)),
                _ => {}
            }
        }
        self.give_back(&back, "it could not land together with those it was tested with")
    }

    /// The branch is where it should be: says so in the log.
    fn has_landed(&mut self, tickets: &[Ticket], landing: Built) -> Result<(), Trouble> {
        probe::at("moved");
        (self.broken, self.not_moved) = (0, 0);
        let recorded = self.say(tickets, |job| {
            Command::LandChange(LandChange { change: job.change.to_string(), fence: job.fence, recovered: false })
        });
        // The line first: whatever the log says, they are on the branch.
        self.train.landed(tickets);
        self.stacks.landed(tickets, landing.clone());
        let runs = std::mem::take(&mut self.runs);
        self.runs = runs.into_iter().filter_map(|(stack, runs)| Some((rest(&stack, tickets)?, runs))).collect();
        for running in self.lanes.iter_mut().filter_map(|(_, running)| running.as_mut()) {
            match rest(&running.test.stack, tickets) {
                Some(stack) if !stack.is_empty() => {
                    running.test.from = running.test.from.saturating_sub(tickets.len());
                    running.test.stack = stack;
                }
                _ => running.is_void = true,
            }
        }
        self.stop_what_is_void();
        for (ticket, answer) in recorded {
            if !self.unless_lost(ticket, answer)? {
                continue;
            }
            if let Some(held) = self.held.remove(&ticket) {
                self.ended.push(self.fence_of(&held.job));
                self.summary.landed += 1;
                (self.tell)(&News::Landed {
                    of: of(&held.job),
                    commit: landing.commit.clone(),
                    together: tickets.len(),
                    took: held.claimed_at.elapsed(),
                    recovered: false,
                });
            }
        }
        probe::at("recorded");
        self.unpark();
        Ok(())
    }

    /// The branch was not where it was thought to be, or a newer claim is in the repository, or git failed. Nothing was changed,
    /// unless git died after it had moved the branch: only the repository says so.
    fn did_not_move(&mut self, tickets: &[Ticket], landing: Built, error: GitError) -> Result<(), Trouble> {
        let tip = match self.repository.tip(self.options.target.as_str()) {
            Err(GitError::NoBranch(branch)) => {
                // A landing that was begun is taken back; the others end.
                self.give_back(tickets, &format!("the branch {branch} is gone"))?;
                return self.branch_is_gone(branch);
            }
            tip => tip?,
        };
        if self.repository.is_ancestor(&landing.commit, &tip)? {
            self.has_landed(tickets, landing)?;
            return self.branch_moved();
        }
        let has_moved = tip != self.stacks.tip().commit;
        let reason = if has_moved {
            format!("somebody else moved {} while it landed", self.options.target)
        } else {
            format!("the branch was not moved: {error}")
        };
        let returned = self.summary.returned;
        self.give_back(tickets, &reason)?;
        let is_outranked = self.summary.returned - returned < tickets.len() as u64;
        match error {
            GitError::RefMoved(_) if has_moved || is_outranked => self.branch_moved(),
            // It may be over soon, and it may not: a git that was killed leaves a lock which somebody has to take away, and a
            // check may take a fence away again and again.
            GitError::RefMoved(_) | GitError::Failed { .. } if self.not_moved + 1 < BROKEN_MAX => {
                self.not_moved += 1;
                self.branch_moved()
            }
            error => Err(error.into()),
        }
    }

    fn checks_passed(&self, tickets: &[Ticket]) -> Vec<CheckResult> {
        let Some(runs) = self.runs.get(tickets) else { return Vec::new() };
        let result = |(command, took): &(String, std::time::Duration)| CheckResult {
            command: command.clone(),
            took_ms: Span::from_ms_capped(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            runs: runs.failed + 1,
        };
        runs.passed.iter().map(result).collect()
    }
}
