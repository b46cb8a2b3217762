//! A conversation with the engine: over the daemon's socket, or in this process with `--no-daemon`.
//!
//! Both answer alike. Commands do not know which one they have. Where neither can write, questions are answered from a copy.

mod copy;
mod direct;
mod remote;

use std::io::{self, Read, Write};

use convoke::api::{Answer, Ask, EventView, Fault, Reply, WaitAsk, Waited};
use convoke_core::{
    command::Request,
    log::{Checkpoint, Head},
    name::ActorName,
    time::Span,
};
use copy::Copy;
use direct::Direct;
use remote::Remote;
pub(crate) use remote::{daemon_info, daemon_process, stop_daemon};

use crate::{disk, workspace::Workspace};

/// Carries requests to the engine and brings its answers.
pub(crate) enum Session {
    /// Over the daemon's socket.
    Remote(Remote),
    /// To an engine in this process, which has the log's lock.
    Direct(Direct),
    /// To an engine on a copy, as nothing can be written here.
    Copy(Copy),
}

impl Session {
    /// Over the daemon's socket. Nothing is connected or started before the first request.
    pub(crate) fn remote(workspace: &Workspace) -> Result<Self, Fault> {
        Ok(Self::Remote(Remote::new(workspace)?))
    }

    /// To an engine in this process.
    pub(crate) fn direct(workspace: &Workspace) -> Result<Self, Fault> {
        match Direct::open(workspace) {
            Err(fault) if disk::leaves_reading(&fault) => Ok(Self::Copy(Copy::instead(workspace, fault))),
            direct => Ok(Self::Direct(direct?)),
        }
    }

    /// Gives a command.
    pub(crate) fn command(&mut self, request: &Request) -> Result<Answer, Fault> {
        match self {
            Self::Remote(remote) => remote.command(request),
            Self::Direct(direct) => direct.command(request),
            Self::Copy(copy) => Err(copy.why()),
        }
    }

    /// Takes messages, waiting until there are some.
    pub(crate) fn receive(&mut self, request: &Request, timeout: Span) -> Result<Answer, Fault> {
        match self {
            Self::Remote(remote) => remote.receive(request, timeout),
            Self::Direct(_) => Err(needs_daemon()),
            Self::Copy(copy) => Err(copy.why()),
        }
    }

    /// Asks a question.
    pub(crate) fn ask(&mut self, ask: &Ask) -> Result<(Reply, Head), Fault> {
        match self {
            Self::Remote(remote) => match remote.ask(ask) {
                Err(fault) if disk::leaves_reading(&fault) => {
                    *self = Self::Copy(Copy::instead(remote.workspace(), fault));
                    self.ask(ask)
                }
                answer => answer,
            },
            Self::Direct(direct) => direct.ask(ask),
            Self::Copy(copy) => copy.ask(ask),
        }
    }

    /// Waits for one of several conditions.
    pub(crate) fn wait(&mut self, ask: &WaitAsk) -> Result<(Waited, Head), Fault> {
        match self {
            Self::Remote(remote) => remote.wait(ask),
            Self::Direct(_) => Err(needs_daemon()),
            Self::Copy(copy) => Err(copy.why()),
        }
    }

    /// Gives every event from a position on to `reader`, as they happen, until that fails, or `idle`, which is called while
    /// nothing happens. A daemon that ends meanwhile is no end: the next one goes on from there.
    pub(crate) fn follow<E: From<Fault>>(
        &mut self,
        from: u64,
        idle: impl Fn() -> Result<(), E>,
        reader: impl FnMut(EventView) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Self::Remote(remote) => remote.follow(from, idle, reader),
            Self::Direct(_) => Err(needs_daemon().into()),
            Self::Copy(copy) => Err(copy.why().into()),
        }
    }

    /// Writes the whole log, in its portable form, and gives the checkpoint that it ends with.
    pub(crate) fn export(&mut self, out: impl Write + Send + 'static) -> Result<Checkpoint, Fault> {
        if let Self::Remote(remote) = self
            && let Err(fault) = remote.reach()
        {
            if !disk::leaves_reading(&fault) {
                return Err(fault);
            }
            *self = Self::Copy(Copy::instead(remote.workspace(), fault));
        }
        match self {
            Self::Remote(remote) => remote.export(out),
            Self::Direct(direct) => direct.export(out),
            Self::Copy(copy) => copy.export(out),
        }
    }

    /// Gives a stream of requests, one JSON object a line, and their answers to `reader`, one envelope a line without its end, in
    /// the same order.
    pub(crate) fn bulk<E: From<Fault>>(
        &mut self,
        actor: Option<&ActorName>,
        requests: impl Read + Send + 'static,
        reader: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Self::Remote(remote) => remote.bulk(actor, requests, reader),
            Self::Direct(direct) => direct.bulk(actor, requests, reader),
            Self::Copy(copy) => Err(copy.why().into()),
        }
    }

    /// Ends the conversation. With `--no-daemon` this closes the log.
    pub(crate) fn close(self) -> Result<(), Fault> {
        match self {
            Self::Remote(_) => Ok(()),
            Self::Copy(copy) => {
                copy.close();
                Ok(())
            }
            Self::Direct(direct) => direct.close(),
        }
    }
}

fn needs_daemon() -> Fault {
    Fault::new("needs_daemon", "waiting for what others do needs the daemon")
}

fn runtime() -> Result<tokio::runtime::Runtime, Fault> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fault::new("io", format!("the program cannot wait for events: {error}")))
}

/// Cuts what arrives into lines.
#[derive(Default)]
struct LineReader {
    rest: Vec<u8>,
}

impl LineReader {
    /// Gives each line that is complete now to `reader`.
    fn add<E>(&mut self, piece: &[u8], mut reader: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut piece = piece;
        while let Some(end) = piece.iter().position(|byte| *byte == b'\n') {
            if self.rest.is_empty() {
                reader(&piece[..end])?;
            } else {
                self.rest.extend_from_slice(&piece[..end]);
                reader(&std::mem::take(&mut self.rest))?;
            }
            piece = &piece[end + 1..];
        }
        self.rest.extend_from_slice(piece);
        Ok(())
    }
}

/// Reads a file or standard input on a thread of its own, as reading may block for as long as somebody types.
fn pieces_of(mut input: impl Read + Send + 'static) -> tokio::sync::mpsc::Receiver<bytes::Bytes> {
    let (send, receive) = tokio::sync::mpsc::channel(4);
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match input.read(&mut buffer) {
                Ok(0) => return,
                Ok(length) => {
                    if send.blocking_send(bytes::Bytes::copy_from_slice(&buffer[..length])).is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    });
    receive
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_however_they_are_cut() {
        for size in 1..8 {
            let mut lines = Vec::new();
            let mut reader = LineReader::default();
            for piece in b"one\ntwo\n\nrest".chunks(size) {
                reader
                    .add(piece, |line| {
                        lines.push(line.to_vec());
                        Ok::<_, ()>(())
                    })
                    .unwrap();
            }
            assert_eq!(lines, [b"one".to_vec(), b"two".to_vec(), Vec::new()], "{size}");
            assert_eq!(reader.rest, b"rest");
        }
    }
}
