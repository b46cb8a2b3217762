//! The engine in this process, for one command: the same lock as the daemon's, so that it is one or the other.

use std::io::{Read, Write};

use bytes::Bytes;
use convoke::{
    Engine, Settings,
    api::{Answer, Ask, Fault, Reply},
};
use convoke_core::{
    command::Request,
    log::{Checkpoint, Head},
    name::ActorName,
};
use tokio::{
    runtime::Runtime,
    sync::mpsc::{self, Receiver},
};

use super::{LineReader, pieces_of, runtime};
use crate::{
    daemon::{self, Lock, Source},
    workspace::Workspace,
};

pub(crate) struct Direct {
    // Dropped in this order: the log is closed before its lock is released.
    runtime: Runtime,
    engine: Engine,
    _lock: Lock,
}

impl Direct {
    pub(super) fn open(workspace: &Workspace) -> Result<Self, Fault> {
        let lock = Lock::take(workspace)?;
        let runtime = runtime()?;
        // Who only looks changes nothing, however long it takes.
        let settings = Settings { timer: false, ..Settings::default() };
        let engine = runtime.block_on(Engine::open(&workspace.folder(), settings))?;
        Ok(Self { runtime, engine, _lock: lock })
    }

    pub(super) fn command(&self, request: &Request) -> Result<Answer, Fault> {
        self.runtime.block_on(self.engine.command(request.clone()))
    }

    pub(super) fn ask(&self, ask: &Ask) -> Result<(Reply, Head), Fault> {
        self.runtime.block_on(self.engine.ask(ask.clone()))
    }

    pub(super) fn export(&self, out: impl Write + Send + 'static) -> Result<Checkpoint, Fault> {
        self.runtime.block_on(self.engine.export(out))
    }

    pub(super) fn bulk<E: From<Fault>>(
        &self,
        actor: Option<&ActorName>,
        requests: impl Read + Send + 'static,
        mut reader: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.runtime.block_on(async {
            let (send, mut answers) = mpsc::channel(16);
            let (engine, actor) = (self.engine.clone(), actor.cloned());
            let source = Pieces(pieces_of(requests));
            let carried_out = tokio::spawn(async move { daemon::bulk(&engine, actor.as_ref(), source, send).await });
            let mut lines = LineReader::default();
            while let Some(piece) = answers.recv().await {
                lines.add(&piece, &mut reader)?;
            }
            carried_out.await.map_err(|error| Fault::new("internal", format!("the bulk stream ended: {error}")).into())
        })
    }

    pub(super) fn close(self) -> Result<(), Fault> {
        self.runtime.block_on(self.engine.clone().close());
        Ok(())
    }
}

struct Pieces(Receiver<Bytes>);

impl Source for Pieces {
    async fn next(&mut self) -> Option<Bytes> {
        self.0.recv().await
    }
}
