//! What the worker says to the log, and what its answers mean for the change.

use std::time::Instant;

use convoke_core::{
    command::{Command, FailChange, RejectChange, ReturnChange},
    limits,
    queue::events::FailureClass,
};

use super::{Trouble, Worker, of};
use crate::{
    desk::{Desk, Job, No},
    lane::cut,
    news::{News, Of},
    obstacle::{Conflicted, faults_told},
    train::Ticket,
};

impl<D: Desk> Worker<'_, D> {
    /// Gives one command for each of these changes.
    pub(super) fn say(
        &mut self,
        tickets: &[Ticket],
        command: impl Fn(&Job) -> Command,
    ) -> Vec<(Ticket, Result<(), No>)> {
        let held: Vec<(Ticket, Command)> =
            tickets.iter().filter_map(|ticket| Some((*ticket, command(&self.held.get(ticket)?.job)))).collect();
        let (tickets, commands): (Vec<Ticket>, Vec<Command>) = held.into_iter().unzip();
        if commands.is_empty() {
            return Vec::new();
        }
        tickets.into_iter().zip(self.desk.say(commands)).collect()
    }

    /// Whether an answer is a yes. A change whose claim is lost leaves the worker's hands.
    pub(super) fn unless_lost(&mut self, ticket: Ticket, answer: Result<(), No>) -> Result<bool, Trouble> {
        match answer {
            Ok(()) => Ok(true),
            Err(no) if no.is_of_the_change() => {
                self.lose(ticket, no);
                Ok(false)
            }
            Err(no) => Err(Trouble::Log(no)),
        }
    }

    pub(super) fn conflict(&mut self, ticket: Ticket, paths: &[String], detail: &str) -> Result<(), Trouble> {
        let conflict = Conflicted::at(&self.repository, &self.stacks.tip().commit, paths, detail);
        let answer = self.say(&[ticket], |job| conflict.command(job.change, job.fence));
        if let Some(of) = self.ended(ticket, answer)? {
            self.summary.conflicted += 1;
            (self.tell)(&News::Conflicted { of, paths: conflict.paths, against: conflict.against });
        }
        Ok(())
    }

    pub(super) fn reject(&mut self, ticket: Ticket, faults: Vec<String>) -> Result<(), Trouble> {
        let faults = faults_told(faults);
        let answer = self.say(&[ticket], |job| {
            let (change, faults) = (job.change.to_string(), faults.clone());
            Command::RejectChange(RejectChange { change, fence: job.fence, faults })
        });
        if let Some(of) = self.ended(ticket, answer)? {
            self.summary.rejected += 1;
            (self.tell)(&News::Rejected { of, faults });
        }
        Ok(())
    }

    pub(super) fn fail(
        &mut self,
        ticket: Ticket,
        class: FailureClass,
        cause: &str,
        output: Option<&str>,
    ) -> Result<(), Trouble> {
        let cause = cut(cause, limits::CAUSE_BYTES_MAX);
        let answer = self.say(&[ticket], |job| {
            let (change, cause, output) = (job.change.to_string(), cause.clone(), output.map(str::to_owned));
            Command::FailChange(FailChange { change, fence: job.fence, class, cause, output })
        });
        if let Some(of) = self.ended(ticket, answer)? {
            self.summary.failed += 1;
            (self.tell)(&News::Failed { of, class, cause });
        }
        Ok(())
    }

    /// Gives changes back without blame.
    pub(super) fn give_back(&mut self, tickets: &[Ticket], reason: &str) -> Result<(), Trouble> {
        let reason = cut(reason, limits::REASON_BYTES_MAX);
        let answers = self.say(tickets, |job| {
            let (change, reason) = (job.change.to_string(), reason.clone());
            Command::ReturnChange(ReturnChange { change, fence: job.fence, reason })
        });
        for (ticket, answer) in answers {
            if self.unless_lost(ticket, answer)?
                && let Some(held) = self.leave(ticket)
            {
                self.summary.returned += 1;
                (self.tell)(&News::Returned { of: of(&held.job), reason: reason.clone() });
            }
        }
        self.look_at = Instant::now();
        Ok(())
    }

    /// A change has ended, or goes back into the queue, if the log says so.
    pub(super) fn ended(
        &mut self,
        ticket: Ticket,
        answers: Vec<(Ticket, Result<(), No>)>,
    ) -> Result<Option<Of>, Trouble> {
        let mut of_it = None;
        for (ticket, answer) in answers {
            if self.unless_lost(ticket, answer)? {
                of_it = self.held.get(&ticket).map(|held| of(&held.job));
            }
        }
        if of_it.is_some()
            && let Some(held) = self.leave(ticket)
        {
            self.ended.push(self.fence_of(&held.job));
        }
        Ok(of_it)
    }
}
