use clap::{Args, ValueEnum};

use crate::{context::Context, stop::Stop};

/// Print a completion script for a shell
///
/// For example: convoke completions bash > ~/.local/share/bash-completion/completions/convoke
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    Elvish,
    Powershell,
}

impl Completions {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let shell = match self.shell {
            Shell::Bash => clap_complete::Shell::Bash,
            Shell::Zsh => clap_complete::Shell::Zsh,
            Shell::Fish => clap_complete::Shell::Fish,
            Shell::Elvish => clap_complete::Shell::Elvish,
            Shell::Powershell => clap_complete::Shell::PowerShell,
        };
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut crate::definition(), "convoke", &mut script);
        context.out.raw(&script)
    }
}
