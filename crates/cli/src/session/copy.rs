//! An engine on a copy of the log, where the workspace's own folder cannot be written: the disk is full, or read-only.
//!
//! It answers questions. Commands get the fault that led here.

use std::io::Write;

use convoke::{
    Engine, Settings,
    api::{Ask, Fault, Reply},
};
use convoke_core::log::{Checkpoint, Head};
use tokio::runtime::Runtime;

use super::runtime;
use crate::workspace::Workspace;

pub(crate) struct Copy {
    workspace: Workspace,
    why: Fault,
    open: Option<(Runtime, Engine)>,
}

impl Copy {
    /// Nothing is copied before the first question.
    pub(super) fn instead(workspace: &Workspace, why: Fault) -> Self {
        Self { workspace: workspace.clone(), why, open: None }
    }

    /// Why there is only a copy.
    pub(super) fn why(&self) -> Fault {
        self.why.clone()
    }

    pub(super) fn ask(&mut self, ask: &Ask) -> Result<(Reply, Head), Fault> {
        let (runtime, engine) = self.opened()?;
        runtime.block_on(engine.ask(ask.clone()))
    }

    pub(super) fn export(&mut self, out: impl Write + Send + 'static) -> Result<Checkpoint, Fault> {
        let (runtime, engine) = self.opened()?;
        runtime.block_on(engine.export(out))
    }

    pub(super) fn close(self) {
        if let Some((runtime, engine)) = self.open {
            runtime.block_on(engine.close());
        }
    }

    fn opened(&mut self) -> Result<&(Runtime, Engine), Fault> {
        if self.open.is_none() {
            let runtime = runtime()?;
            let scratch = std::env::temp_dir();
            let settings = Settings { snapshots: false, timer: false, ..Settings::default() };
            let engine = runtime.block_on(Engine::open_copy(&self.workspace.folder(), &scratch, settings));
            let engine = engine.map_err(|fault| self.no_copy(fault))?;
            self.open = Some((runtime, engine));
        }
        self.open.as_ref().ok_or_else(|| self.why.clone())
    }

    /// Why there is no copy either; what the log itself is refused for comes first.
    fn no_copy(&self, fault: Fault) -> Fault {
        if !matches!(fault.code.as_str(), "disk_full" | "read_only" | "io") {
            return fault;
        }
        let message = format!("{}; and it cannot be read from a copy: {}", self.why.message, fault.message);
        let hint = "Set TMPDIR to a folder with room for a copy of the log, and repeat.".to_owned();
        Fault { message, hint, ..self.why.clone() }
    }
}
