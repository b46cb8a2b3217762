//! Claims, and what is done with a change before it goes into the line.

use std::time::Instant;

use convoke_core::{
    command::{Command, LandChange, ReturnChange},
    limits,
    queue::events::{Content, FailureClass},
};
use convoke_git::GitError;

use super::{Held, LOOK_EVERY, Trouble, Until, Worker, of};
use crate::{
    candidate::Bringing,
    desk::{Desk, Job, No},
    news::News,
    probe, request,
    train::Ticket,
};

/// A change that cannot go into the line.
enum Unfit {
    /// It is not what it claims to be.
    Rejected(Vec<String>),
    /// It cannot be worked on here.
    Failed(FailureClass, String),
}

impl<D: Desk> Worker<'_, D> {
    /// Claims what the lanes can work on.
    pub(super) fn claim(&mut self) -> Result<(), Trouble> {
        let limits = self.options.limits;
        let room = (limits.lanes.max(1) * limits.batch.max(1)).min(limits::CLAIM_MAX).saturating_sub(self.held.len());
        let is_over = self.options.until == Until::Once && self.summary.claimed > 0;
        if room == 0 || is_over || Instant::now() < self.look_at {
            return Ok(());
        }
        let met_a_pause = std::mem::take(&mut self.met_a_pause);
        let jobs = match self.desk.claim(u32::try_from(room).unwrap_or(u32::MAX)) {
            Ok(jobs) => jobs,
            Err(no) if no.code == "queue_paused" && self.options.until != Until::Once => {
                self.met_a_pause = true;
                if !met_a_pause {
                    (self.tell)(&News::Paused { why: no.message });
                }
                Vec::new()
            }
            Err(no) => return Err(Trouble::Log(no)),
        };
        if jobs.len() < room {
            self.look_at = Instant::now() + LOOK_EVERY;
        }
        self.found_nothing = jobs.is_empty();
        if self.found_nothing {
            return Ok(());
        }
        probe::at("claimed");
        self.summary.claimed += jobs.len() as u64;
        (self.tell)(&News::Claimed(jobs.iter().map(of).collect()));
        let was_idle = self.held.is_empty();
        let tickets: Vec<Ticket> = jobs.into_iter().map(|job| self.hold(job)).collect();
        if was_idle {
            self.branch_moved()?;
        }
        let tickets = self.raise_fences(&tickets)?;
        probe::at("fenced");
        for ticket in tickets {
            if self.is_recovered(ticket)? {
                continue;
            }
            let Some(held) = self.held.get(&ticket) else { continue };
            match self.bringing_of(&held.job.clone()) {
                Ok(bringing) => {
                    if let Some(held) = self.held.get_mut(&ticket) {
                        held.bringing = bringing;
                    }
                    self.enter(ticket);
                }
                Err(Unfit::Rejected(faults)) => self.reject(ticket, faults)?,
                Err(Unfit::Failed(class, cause)) => self.fail(ticket, class, &cause, None)?,
            }
        }
        Ok(())
    }

    fn hold(&mut self, job: Job) -> Ticket {
        // An earlier claim of this worker that it did not know to have ended.
        let earlier = self.held.iter().find(|(_, held)| held.job.change == job.change).map(|(ticket, _)| *ticket);
        if let Some(earlier) = earlier {
            self.leave(earlier);
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let held = Held { job, bringing: Bringing::Operations(Vec::new()), claimed_at: Instant::now() };
        self.held.insert(ticket, held);
        ticket
    }

    /// Writes the claims' fences into the repository; gives those that are the newest.
    fn raise_fences(&mut self, tickets: &[Ticket]) -> Result<Vec<Ticket>, Trouble> {
        if let Ok(newest) = self.raise(tickets) {
            return Ok(newest);
        }
        // One whose ref cannot be written, as its lock was left behind, keeps none of the others from being worked on.
        let (mut raised, mut failed) = (Vec::new(), Vec::new());
        for ticket in tickets {
            match self.raise(&[*ticket]) {
                Ok(newest) => raised.push(newest),
                Err(error) => failed.push((*ticket, error)),
            }
        }
        for (ticket, error) in failed {
            // If none can be written, that is no matter of one change.
            if raised.is_empty() && tickets.len() > 1 {
                return Err(error.into());
            }
            self.broken += u32::from(raised.is_empty());
            self.broken(&[ticket], error)?;
        }
        Ok(raised.concat())
    }

    fn raise(&mut self, tickets: &[Ticket]) -> Result<Vec<Ticket>, GitError> {
        let fences: Vec<_> =
            tickets.iter().filter_map(|ticket| Some(self.fence_of(&self.held.get(ticket)?.job))).collect();
        let outranked = self.refs.raise(&fences)?;
        let mut newest = Vec::new();
        for ticket in tickets {
            let Some(held) = self.held.get(ticket) else { continue };
            if outranked.contains(&self.fence_of(&held.job)) {
                let message = format!("a newer claim than {} is in the repository", held.job.fence);
                self.lose(*ticket, No { code: "stale_fence".to_owned(), message, hint: String::new() });
            } else {
                newest.push(*ticket);
            }
        }
        Ok(newest)
    }

    /// Clears up a landing that an earlier claim began: with the new fence in the repository that one can happen no more, so a
    /// look at the branch says whether it has. Whether that was all there is to do.
    fn is_recovered(&mut self, ticket: Ticket) -> Result<bool, Trouble> {
        let Some(held) = self.held.get(&ticket) else { return Ok(true) };
        let Some(receipt) = held.job.begun.clone() else { return Ok(false) };
        let took = held.claimed_at.elapsed();
        let tip = self.repository.tip(self.options.target.as_str())?;
        let has_landed = self.repository.is_ancestor(&receipt.commit, &tip)?;
        if !has_landed {
            let reason = format!("the landing of {} was begun and did not happen", receipt.commit);
            let answers = self.say(&[ticket], |job| {
                let (change, reason) = (job.change.to_string(), reason.clone());
                Command::ReturnChange(ReturnChange { change, fence: job.fence, reason })
            });
            for (ticket, answer) in answers {
                if self.unless_lost(ticket, answer)? {
                    self.leave(ticket);
                }
            }
            // It is claimed anew, and built anew.
            self.look_at = Instant::now();
            self.summary.claimed = self.summary.claimed.saturating_sub(1);
            return Ok(true);
        }
        let answer = self.say(&[ticket], |job| {
            Command::LandChange(LandChange { change: job.change.to_string(), fence: job.fence, recovered: true })
        });
        if let Some(of) = self.ended(ticket, answer)? {
            self.summary.landed += 1;
            (self.tell)(&News::Landed { of, commit: receipt.commit, together: 1, took, recovered: true });
        }
        Ok(true)
    }

    /// What a change brings, read and found fit to be tried.
    fn bringing_of(&mut self, job: &Job) -> Result<Bringing, Unfit> {
        if let Some(check) = job.checks.iter().find(|check| !(self.options.may_run)(&check.command)) {
            let cause = format!("the check {:?} is not one that may run here (allowed_checks)", check.command);
            return Err(Unfit::Failed(FailureClass::Final, cause));
        }
        match &job.content {
            Content::Operations(hash) => {
                let content = self.desk.content(hash).map_err(|cause| Unfit::Failed(FailureClass::Machine, cause))?;
                let unreadable = |error| Unfit::Rejected(vec![format!("its content cannot be read: {error}")]);
                request::operations(&content).map(Bringing::Operations).map_err(unreadable)
            }
            Content::Commit(commit) => match self.repository.commit(commit.as_str()) {
                Ok(Some(commit)) => Ok(Bringing::Commit(commit)),
                Ok(None) => Err(Unfit::Rejected(vec![format!("the commit {commit} is not in the repository")])),
                Err(error) => Err(Unfit::Failed(FailureClass::Machine, error.to_string())),
            },
        }
    }
}
