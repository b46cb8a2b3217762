//! `convoke.toml`: what a team decides about its workspace. Everything in it is optional.
//!
//! ```toml
//! [workspace]
//! default_actor = "dana"   # who acts at a terminal without --as and CONVOKE_ACTOR
//!
//! [daemon]
//! idle_exit = "15m"        # how long the daemon stays without work and pending timers
//! ```

use std::{io::ErrorKind, time::Duration};

use convoke::api::Fault;
use convoke_core::{name::ActorName, time::Span};
use serde::{Deserialize, Deserializer, de};

use crate::workspace::{SETTINGS, Workspace};

/// The settings of a workspace.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    pub(crate) workspace: WorkspaceSettings,
    pub(crate) daemon: DaemonSettings,
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
        basic_toml::from_str(text).map_err(|error| Fault::new("bad_settings", format!("{SETTINGS}: {error}")))
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
}
