//! `convoke.toml`: what a team decides about its workspace. Everything in it is optional.
//!
//! ```toml
//! [workspace]
//! default_actor = "dana"   # who acts at a terminal without --as and CONVOKE_ACTOR
//!
//! [daemon]
//! idle_exit = "15m"        # how long the daemon stays without work and pending timers
//!
//! [queue]
//! repository = "."         # a folder of the git repository, relative to this file's
//! target = "main"          # the branch that changes land on if they do not say
//! lanes = 2                # how many trees a worker tests at the same time
//! batch = 8                # how many changes one test may cover
//! lease = "2m"             # how long a worker's claim holds without a sign of life
//! check_limit = "10m"      # how long a check may take
//! attempts = 2             # how many attempts a change gets whose checks fail, at most 5
//! checks = ["cargo test"]  # what must pass for every change
//! allowed_checks = ["cargo test -p *"]  # what requests may ask for besides; by default nothing
//! any_check = false        # true: requests may ask for any command
//! protected = ["release/*"]  # branches that nobody may submit to
//!
//! [[queue.approvals]]      # who has to agree; the first rule that fits a change counts
//! paths = ["src/**"]       # to changes that touch one of these,
//! complexity = 7           # that are at least so complex (one that does not say counts as 10),
//! target = "main"          # and are for such a branch. Each of the three may be left out
//! needed = 2
//! of = ["carol", "reviewers"]  # actors and roles; the author never counts
//!
//! [roles]                  # names that stand for several actors
//! reviewers = ["ann", "bob"]
//! ```

mod glob;
mod queue;
mod roles;

use std::{io::ErrorKind, time::Duration};

use convoke::api::Fault;
use convoke_core::{name::ActorName, time::Span};
use serde::{Deserialize, Deserializer, de};

use crate::workspace::{SETTINGS, Workspace};

pub(crate) use queue::QueueSettings;
use roles::Roles;

/// The settings of a workspace.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    pub(crate) workspace: WorkspaceSettings,
    pub(crate) daemon: DaemonSettings,
    pub(crate) queue: QueueSettings,
    roles: Roles,
}

/// `[workspace]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WorkspaceSettings {
    /// Who acts at a terminal where nobody is named.
    pub(crate) default_actor: Option<ActorName>,
}

/// `[daemon]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DaemonSettings {
    /// How long the daemon stays without work and pending timers.
    #[serde(deserialize_with = "duration")]
    pub(crate) idle_exit: Duration,
}

impl Default for DaemonSettings {
    fn default() -> Self {
        Self { idle_exit: Duration::from_secs(15 * 60) }
    }
}

impl Settings {
    /// Reads a workspace's settings; the defaults if it has no file.
    pub(crate) fn load(workspace: &Workspace) -> Result<Self, Fault> {
        match std::fs::read_to_string(workspace.settings()) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Fault::new("bad_settings", format!("{SETTINGS} cannot be read: {error}"))),
        }
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        let bad = |what: String| Fault::new("bad_settings", format!("{SETTINGS}: {what}"));
        let mut settings: Self = toml::from_str(text).map_err(|error| bad(located(&error, text)))?;
        if let Some(fault) = settings.roles.fault(settings.workspace.default_actor.as_ref()) {
            return Err(bad(fault));
        }
        settings.queue.name_actors(&settings.roles);
        settings.queue.fault().map_or(Ok(settings), |fault| Err(bad(fault)))
    }
}

/// What is wrong, and in which line.
fn located(error: &toml::de::Error, text: &str) -> String {
    let what = error.message().trim_end().replace('\n', "; ");
    match error.span() {
        Some(span) => {
            format!("line {}: {what}", 1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count())
        }
        None => what,
    }
}

/// The file that `init` writes.
pub(crate) fn first_file(default_actor: &ActorName) -> String {
    format!(
        "# Settings of this Convoke workspace.\n\n\
         [workspace]\n\
         # Who acts at a terminal without --as and CONVOKE_ACTOR. Agents always name themselves.\n\
         default_actor = \"{default_actor}\"\n\n\
         [daemon]\n\
         # How long the daemon stays without work and pending timers.\n\
         idle_exit = \"15m\"\n"
    )
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    Span::parse(&text).map(|span| Duration::from_millis(span.ms())).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use convoke_core::queue::RepoPath;

    use super::*;

    #[test]
    fn the_file_that_init_writes_is_read() {
        let settings = Settings::parse(&first_file(&ActorName::parse("dana").unwrap())).unwrap();
        assert_eq!(settings.workspace.default_actor.unwrap().as_str(), "dana");
        assert_eq!(settings.daemon.idle_exit, Duration::from_secs(900));
    }

    #[test]
    fn a_misspelt_setting_is_an_error() {
        for text in ["[deamon]", "[daemon]\nidle_exit = \"soon\"", "[daemon]\nidle = \"1m\"", "x"] {
            assert_eq!(Settings::parse(text).unwrap_err().code, "bad_settings", "{text}");
        }
    }

    #[test]
    fn an_error_names_its_line() {
        for (text, expected) in [
            ("[workspace]\n\ndefault_actor = \"NOT OK\"\n\n[daemon]\n", "convoke.toml: line 3: "),
            ("[daemon]\n# no\nidle_exit = \"-5m\"\n\n[workspace]\n", "convoke.toml: line 3: "),
            ("[daemon]\n\nidle = \"1m\"\n", "convoke.toml: line 3: unknown field"),
            ("[queue]\nlanes = 2\n[[queue.approvals]]\nneeded = 1\nof = ['a n n']\n", "convoke.toml: line 5: "),
            ("[queue]\n\nlanes = \n", "convoke.toml: line 3: "),
        ] {
            let message = Settings::parse(text).unwrap_err().message;
            assert!(message.starts_with(expected) && !message.contains('\n'), "{text}: {message}");
        }
    }

    #[test]
    fn the_queue_works_without_a_word_about_it() {
        let queue = Settings::parse("").unwrap().queue;
        assert_eq!((queue.target.as_str(), queue.lanes, queue.batch), ("main", 2, 8));
        assert_eq!((queue.lease().ms(), queue.check_limit().ms()), (120_000, 600_000));
        assert!(!queue.allows_check("true") && !queue.is_protected("main"));
    }

    #[test]
    fn a_request_may_ask_for_what_is_configured_or_allowed() {
        let with = |text: &str| Settings::parse(&format!("[queue]\n{text}")).unwrap().queue;
        let queue = with("checks = ['make all']\nallowed_checks = ['cargo test -p *']\nprotected = ['release/*']");
        assert!(queue.allows_check("make all") && queue.allows_check("cargo test -p parser"));
        assert!(!queue.allows_check("make clean"));
        assert!(queue.is_protected("release/2") && !queue.is_protected("main"));
        assert!(with("any_check = true").allows_check("make clean"));
    }

    #[test]
    fn the_first_approval_rule_that_fits_counts() {
        let text = "[[queue.approvals]]\npaths = ['src/**']\ncomplexity = 7\ntarget = 'main'\nneeded = 2\nof = ['Ann', 'bob']\n\
            [[queue.approvals]]\npaths = ['**/*.sql']\nneeded = 1\nof = ['dba']";
        let queue = Settings::parse(text).unwrap().queue;
        let needed = |target: &str, paths: &[&str], complexity| {
            let paths: Vec<RepoPath> = paths.iter().map(|path| RepoPath::parse(path).unwrap()).collect();
            queue.approval(target, &paths, complexity).map(|rule| rule.needed)
        };
        assert_eq!(needed("main", &["docs/x", "src/a"], Some(7)), Some(2));
        assert_eq!(needed("main", &["src/a"], None), Some(2), "who does not say how complex it is is not let off");
        assert_eq!(needed("main", &["src/a"], Some(6)), None);
        assert_eq!(needed("next", &["src/a"], Some(9)), None);
        assert_eq!(needed("main", &["src/a.sql"], Some(1)), Some(1));
        assert_eq!(needed("main", &["docs/x"], Some(10)), None);
    }

    /// The queue's settings with these roles and one rule for every change, or what is wrong with them.
    fn with_roles(roles: &str, rule: &str) -> Result<QueueSettings, String> {
        let text = format!("[roles]\n{roles}\n[[queue.approvals]]\n{rule}");
        Settings::parse(&text).map(|settings| settings.queue).map_err(|fault| {
            assert_eq!(fault.code, "bad_settings", "{text}");
            fault.message
        })
    }

    #[test]
    fn a_role_stands_for_its_members_and_each_of_them_counts_once() {
        let roles = "Reviewers = ['ann', 'Bob']\nowners = ['bob', 'cyd']";
        let rule = |needed| format!("needed = {needed}\nof = ['cyd', 'dora', 'reviewers', 'owners']");
        let approval = with_roles(roles, &rule(4)).unwrap().approval("main", &[], None).unwrap();
        let of: Vec<_> = approval.of.iter().map(ActorName::as_str).collect();
        assert_eq!(of, ["ann", "bob", "cyd", "dora"], "what is recorded are actors");
        let too_many = with_roles(roles, &rule(5)).unwrap_err();
        assert!(too_many.contains("needed is 5 of 4"), "{too_many}");
    }

    #[test]
    fn what_a_name_means_is_never_in_doubt() {
        for (roles, expected) in [
            ("reviewers = []", "[roles] reviewers has no members"),
            ("reviewers = ['ann', 'reviewers']", "[roles] reviewers names itself"),
            ("owners = ['cyd']\nreviewers = ['ann', 'owners']", "[roles] reviewers names owners, which is a role"),
            ("all = ['ann']", "[roles] all is Convoke's own name"),
            ("reviewers = ['system']", "[roles] reviewers names system, which is Convoke's own name"),
            ("reviewers = ['ann']\nReviewers = ['bob']", "the role reviewers is there twice"),
            ("reviewers = 'ann'", "expected a sequence"),
            ("reviewers = ['a n n']", "holds a character that does not belong there"),
            ("'a role' = ['ann']", "holds a character that does not belong there"),
        ] {
            let fault = with_roles(roles, "needed = 1\nof = ['ann']").unwrap_err();
            assert!(fault.contains(expected), "{roles}: {fault}");
        }
        let fault = Settings::parse("[workspace]\ndefault_actor = 'dana'\n[roles]\ndana = ['ann']").unwrap_err();
        assert!(fault.message.contains("dana is the default_actor"), "{}", fault.message);
    }

    #[test]
    fn a_setting_of_the_queue_that_makes_no_sense_is_an_error() {
        for text in [
            "lanes = 0",
            "lanes = 1000",
            "batch = 0",
            "batch = 101",
            "lease = '0s'",
            "lease = 120",
            "check_limit = '0s'",
            "attempts = 0",
            "attempts = 6",
            "target = ''",
            "checks = ['']",
            "checks = 'cargo test'",
            "allowed_checks = ['']",
            "protected = ['/x']",
            "any_checks = true",
            "[[queue.approvals]]\nneeded = 0\nof = ['ann']",
            "[[queue.approvals]]\nneeded = 2\nof = ['ann', 'ANN']",
            "[[queue.approvals]]\nneeded = 1\nof = ['a n n']",
            "[[queue.approvals]]\nneeded = 1\nof = ['all']",
            "[[queue.approvals]]\nneeded = 1\nof = ['ann']\ncomplexity = 11",
            "[[queue.approvals]]\nof = ['ann']",
        ] {
            let fault = Settings::parse(&format!("[queue]\n{text}")).unwrap_err();
            assert_eq!(fault.code, "bad_settings", "{text}");
        }
    }
}
