//! Who may act, be mentioned, be added: the rules of membership.

use super::{
    commands::CreateWorkspace,
    events::{
        ActorKind, ActorKindChanged, ActorRegistered, ClockAccepted, Membership, MembershipSet, WorkspaceCreated,
    },
    similar::is_likely_misspelling,
    state::Actors,
};
use crate::{event::Event, limits, name::ActorName, refusal::Refusal, time::Timestamp};

/// Begins a workspace, on a log of no events. Its organizer does: the log says from its first event on who did what.
///
/// # Errors
/// [`Refusal::BadRequest`] if the log has begun, [`Refusal::ReservedName`] if nobody can have the organizer's name,
/// [`Refusal::NotYou`] if somebody else acts.
pub fn create(size: u64, create: &CreateWorkspace, actor: &ActorName) -> Result<Vec<Event>, Refusal> {
    if size > 0 {
        return Err(Refusal::BadRequest("the log has begun; a workspace is created once".to_owned()));
    }
    not_reserved(&create.organizer)?;
    if *actor != create.organizer {
        return Err(Refusal::NotYou { acting: actor.clone(), named: create.organizer.clone() });
    }
    Ok(vec![WorkspaceCreated { organizer: create.organizer.clone() }.into()])
}

impl Actors {
    /// Whether this actor may act; the registration that has to come first, if the name is new. A misspelling is not
    /// looked for: whoever acts says so for himself.
    ///
    /// # Errors
    /// [`Refusal::ReservedName`], [`Refusal::NotAMember`] if membership is closed, [`Refusal::OverLimit`].
    pub fn acting(&self, actor: &ActorName) -> Result<Option<ActorRegistered>, Refusal> {
        not_reserved(actor)?;
        if self.members.contains_key(actor) {
            return Ok(None);
        }
        self.admits(actor)?;
        self.has_room_for(1)?;
        Ok(Some(ActorRegistered { name: actor.clone(), kind: ActorKind::Agent }))
    }

    /// Whether recipients, attendees or assignees may be mentioned; the registrations of the new ones, as agents.
    /// `supervisor` and `all` are mailboxes that everybody knows; that nobody attends as one of them is a rule of the
    /// countdowns. `create` means that likely misspellings are names of their own.
    ///
    /// # Errors
    /// [`Refusal::ReservedName`] for `system`, [`Refusal::NotAMember`] if membership is closed,
    /// [`Refusal::DidYouMean`], [`Refusal::OverLimit`].
    pub fn mentioned(&self, names: &[ActorName], create: bool) -> Result<Vec<ActorRegistered>, Refusal> {
        let mut fresh: Vec<ActorRegistered> = Vec::new();
        for name in names {
            let is_mailbox = name.is_reserved() && name.as_str() != ActorName::SYSTEM;
            if is_mailbox || self.members.contains_key(name) || fresh.iter().any(|new| new.name == *name) {
                continue;
            }
            not_reserved(name)?;
            self.admits(name)?;
            if !create {
                self.is_no_misspelling(name)?;
            }
            fresh.push(ActorRegistered { name: name.clone(), kind: ActorKind::Agent });
        }
        self.has_room_for(fresh.len())?;
        Ok(fresh)
    }

    /// Registers a name or corrects its kind; nothing if it is known as that. Anybody may, oneself included (this is
    /// then the registration, not that of [`Actors::acting`]); while membership is closed, only the organizer. The
    /// organizer stays a human: some decisions wait for one.
    ///
    /// # Errors
    /// [`Refusal::ReservedName`], [`Refusal::BadRequest`] for the kind `system`, [`Refusal::NotPermitted`],
    /// [`Refusal::DidYouMean`] unless `create`, [`Refusal::OverLimit`].
    pub fn add(
        &self,
        actor: &ActorName,
        name: &ActorName,
        kind: ActorKind,
        create: bool,
    ) -> Result<Vec<Event>, Refusal> {
        not_reserved(name)?;
        if kind == ActorKind::System {
            let what = "nobody is registered with the kind system; a kind is human or agent";
            return Err(Refusal::BadRequest(what.to_owned()));
        }
        let known = self.members.get(name).map(|member| member.kind);
        if known == Some(kind) {
            return Ok(Vec::new());
        }
        if self.membership == Membership::Closed && !self.is_organizer(actor) {
            return Err(self.only_the_organizer("adds names and changes kinds while membership is closed"));
        }
        if known.is_some() {
            if self.is_organizer(name) {
                return Err(Refusal::NotPermitted(format!("{name} organizes the workspace and stays a human")));
            }
            return Ok(vec![ActorKindChanged { name: name.clone(), kind }.into()]);
        }
        if !create && actor != name {
            self.is_no_misspelling(name)?;
        }
        self.has_room_for(1)?;
        Ok(vec![ActorRegistered { name: name.clone(), kind }.into()])
    }

    /// Opens or closes membership; nothing if it is as asked.
    ///
    /// # Errors
    /// [`Refusal::NotPermitted`] unless the organizer asks.
    pub fn set_membership(&self, actor: &ActorName, membership: Membership) -> Result<Vec<Event>, Refusal> {
        if !self.is_organizer(actor) {
            return Err(self.only_the_organizer("opens or closes membership"));
        }
        if membership == self.membership {
            return Ok(Vec::new());
        }
        Ok(vec![MembershipSet { membership }.into()])
    }

    /// Accepts that the wall clock says `wall` while Convoke's time is `engine`; a human's decision. It alone comes before
    /// what became due in between, and extends no lease of whoever accepts.
    ///
    /// # Errors
    /// [`Refusal::NotPermitted`] for an agent, [`Refusal::BadRequest`] without a reason, [`Refusal::OverLimit`].
    pub fn accept_clock(
        &self,
        actor: &ActorName,
        wall: Timestamp,
        engine: Timestamp,
        reason: &str,
    ) -> Result<Vec<Event>, Refusal> {
        if self.members.get(actor).is_none_or(|member| member.kind != ActorKind::Human) {
            return Err(Refusal::NotPermitted(format!(
                "{actor} is not registered as a human; only one accepts a clock"
            )));
        }
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(Refusal::BadRequest("accepting a clock needs a reason".to_owned()));
        }
        limits::check("the reason's size in bytes", reason.len(), limits::REASON_BYTES_MAX)?;
        Ok(vec![ClockAccepted { wall, engine, reason: reason.to_owned() }.into()])
    }

    /// Whether this actor may take messages from this mailbox: one's own, and `supervisor` for the organizer.
    ///
    /// # Errors
    /// [`Refusal::NotYourMailbox`].
    pub fn may_take_from(&self, actor: &ActorName, mailbox: &ActorName) -> Result<(), Refusal> {
        let supervises = mailbox.as_str() == ActorName::SUPERVISOR || mailbox.as_str() == ActorName::CONDUCTOR;
        if actor == mailbox || supervises && self.is_organizer(actor) {
            Ok(())
        } else {
            Err(Refusal::NotYourMailbox { mailbox: mailbox.clone(), actor: actor.clone() })
        }
    }

    fn is_organizer(&self, actor: &ActorName) -> bool {
        self.organizer.as_ref() == Some(actor)
    }

    fn only_the_organizer(&self, does: &str) -> Refusal {
        let organizer = self.organizer.as_ref().map_or("the organizer", |organizer| organizer.as_str());
        Refusal::NotPermitted(format!("only {organizer}, who organizes the workspace, {does}"))
    }

    fn admits(&self, name: &ActorName) -> Result<(), Refusal> {
        match self.membership {
            Membership::Open => Ok(()),
            Membership::Closed => Err(Refusal::NotAMember(name.clone())),
        }
    }

    fn has_room_for(&self, fresh: usize) -> Result<(), Refusal> {
        limits::check("the number of registered actors", self.members.len() + fresh, limits::ACTORS_MAX)
    }

    /// Of several similar names the first by alphabet is proposed.
    fn is_no_misspelling(&self, given: &ActorName) -> Result<(), Refusal> {
        let everybody = self.members.keys().map(ActorName::as_str);
        let known = everybody.chain([ActorName::SUPERVISOR, ActorName::CONDUCTOR]);
        let similar = known.into_iter().find(|known| is_likely_misspelling(given.as_str(), known));
        match similar.map(ActorName::parse) {
            Some(Ok(known)) => Err(Refusal::DidYouMean { given: given.clone(), known }),
            _ => Ok(()),
        }
    }
}

fn not_reserved(name: &ActorName) -> Result<(), Refusal> {
    if name.is_reserved() { Err(Refusal::ReservedName(name.clone())) } else { Ok(()) }
}
