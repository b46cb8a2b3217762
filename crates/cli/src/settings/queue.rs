//! `[queue]`: which repository changes land in, what must pass, and who has to agree.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use convoke_core::{
    limits,
    name::ActorName,
    queue::{RepoPath, events::ApprovalRule},
    time::Span,
};
use serde::Deserialize;

use super::{
    duration,
    glob::{CommandPattern, PathPattern},
    roles::Roles,
};
use crate::workspace::Workspace;

/// The most trees that one worker tests at the same time.
const LANES_MAX: usize = 64;
/// The shortest lease: a worker extends it several times before it ends.
const LEASE_MIN: Duration = Duration::from_secs(1);
/// What a change counts as that does not say how complex it is: leaving it out is no way around a reviewer.
const COMPLEXITY_MAX: u64 = 10;

/// `[queue]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct QueueSettings {
    /// A folder of the git repository, relative to the workspace's.
    repository: PathBuf,
    /// The branch that changes land on if they do not say.
    pub(crate) target: String,
    /// How many trees a worker tests at the same time.
    pub(crate) lanes: usize,
    /// How many changes one test may cover.
    pub(crate) batch: usize,
    /// How long a worker's claim holds without a sign of life.
    #[serde(deserialize_with = "duration")]
    lease: Duration,
    /// How long a check may take.
    #[serde(deserialize_with = "duration")]
    pub(crate) check_limit: Duration,
    /// How many attempts a change gets whose checks fail.
    pub(crate) attempts: u32,
    /// What must pass for every change.
    pub(crate) checks: Vec<String>,
    /// What requests may ask for besides.
    allowed_checks: Vec<CommandPattern>,
    /// Requests may ask for any command.
    any_check: bool,
    /// Branches that nobody may submit to.
    protected: Vec<PathPattern>,
    /// Who has to agree to what. The first that fits a change counts.
    approvals: Vec<ApprovalSetting>,
}

/// `[[queue.approvals]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApprovalSetting {
    /// Changes that touch one of these; every change if none is named.
    #[serde(default)]
    paths: Vec<PathPattern>,
    /// Changes that are at least so complex.
    #[serde(default)]
    complexity: Option<u64>,
    /// Changes for such a branch.
    #[serde(default)]
    target: Option<PathPattern>,
    /// So many have to agree.
    needed: u32,
    /// Of these: actors and roles as they are written down, only actors once the settings are read.
    of: BTreeSet<ActorName>,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self {
            repository: PathBuf::from("."),
            target: "main".to_owned(),
            lanes: 2,
            batch: 8,
            lease: Duration::from_millis(limits::QUEUE_LEASE_MS),
            check_limit: Duration::from_secs(10 * 60),
            attempts: 2,
            checks: Vec::new(),
            allowed_checks: Vec::new(),
            any_check: false,
            protected: Vec::new(),
            approvals: Vec::new(),
        }
    }
}

impl QueueSettings {
    /// The folder of the git repository.
    pub(crate) fn repository(&self, workspace: &Workspace) -> PathBuf {
        workspace.root().join(&self.repository)
    }

    /// How long a worker's claim holds without a sign of life.
    pub(crate) fn lease(&self) -> Span {
        span(self.lease)
    }

    /// How long a check may take.
    pub(crate) fn check_limit(&self) -> Span {
        span(self.check_limit)
    }

    /// Whether a request may ask for this check: one that is configured, or allowed.
    pub(crate) fn allows_check(&self, command: &str) -> bool {
        self.any_check
            || self.checks.iter().any(|configured| configured == command)
            || self.allowed_checks.iter().any(|pattern| pattern.matches(command))
    }

    /// Whether nobody may submit to this branch.
    pub(crate) fn is_protected(&self, target: &str) -> bool {
        self.protected.iter().any(|pattern| pattern.matches(target))
    }

    /// Who has to agree to a change of these files: what the first rule says that fits.
    pub(crate) fn approval<'a>(
        &self,
        target: &str,
        paths: impl IntoIterator<Item = &'a RepoPath> + Clone,
        complexity: Option<u64>,
    ) -> Option<ApprovalRule> {
        let complexity = complexity.unwrap_or(COMPLEXITY_MAX);
        let fits = |rule: &&ApprovalSetting| {
            let touches = |pattern: &PathPattern| paths.clone().into_iter().any(|path| pattern.matches(path.as_str()));
            (rule.paths.is_empty() || rule.paths.iter().any(touches))
                && rule.complexity.is_none_or(|least| complexity >= least)
                && rule.target.as_ref().is_none_or(|pattern| pattern.matches(target))
        };
        let rule = self.approvals.iter().find(fits)?;
        Some(ApprovalRule { needed: rule.needed, of: rule.of.clone() })
    }

    /// Puts the actors in place of the roles that they are members of.
    pub(super) fn name_actors(&mut self, roles: &Roles) {
        for rule in &mut self.approvals {
            rule.of = roles.actors(&rule.of);
        }
    }

    /// What is wrong with them, if anything.
    pub(super) fn fault(&self) -> Option<String> {
        let within = |name: &str, value: usize, max: usize| {
            (value == 0 || value > max).then(|| format!("{name} is {value}; it is a number from 1 to {max}"))
        };
        let check_fault = |command: &String| {
            let is_bad = command.trim().is_empty() || command.len() > limits::CHECK_BYTES_MAX || command.contains('\0');
            is_bad.then(|| format!("checks: a command has 1 to {} bytes and no zero byte", limits::CHECK_BYTES_MAX))
        };
        within("lanes", self.lanes, LANES_MAX)
            .or_else(|| within("batch", self.batch, limits::CLAIM_MAX))
            .or_else(|| (self.target.is_empty()).then(|| "target is empty".to_owned()))
            .or_else(|| (self.lease < LEASE_MIN).then(|| "lease is shorter than a second".to_owned()))
            .or_else(|| within("attempts", self.attempts as usize, limits::QUEUE_ATTEMPTS_MAX as usize))
            .or_else(|| self.check_limit.is_zero().then(|| "check_limit is no time at all".to_owned()))
            .or_else(|| {
                let count = self.checks.len();
                (count > limits::CHECKS_MAX).then(|| format!("checks has {count}; the limit is {}", limits::CHECKS_MAX))
            })
            .or_else(|| self.checks.iter().find_map(check_fault))
            .or_else(|| self.approvals.iter().find_map(ApprovalSetting::fault))
            .map(|fault| format!("[queue] {fault}"))
    }
}

fn span(duration: Duration) -> Span {
    Span::from_ms_capped(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

impl ApprovalSetting {
    fn fault(&self) -> Option<String> {
        if let Some(name) = self.of.iter().find(|name| name.is_reserved()) {
            return Some(format!("approvals: {name} is Convoke's own name; nobody approves as {name}"));
        }
        let able = u32::try_from(self.of.len()).unwrap_or(u32::MAX);
        if able == 0 {
            return Some("approvals: of names nobody who may approve".to_owned());
        }
        if self.needed == 0 || self.needed > able {
            return Some(format!("approvals: needed is {} of {able}; it is a number from 1 to {able}", self.needed));
        }
        let complexity = self.complexity.filter(|complexity| !(1..=COMPLEXITY_MAX).contains(complexity))?;
        Some(format!("approvals: complexity is {complexity}; it is a number from 1 to {COMPLEXITY_MAX}"))
    }
}
