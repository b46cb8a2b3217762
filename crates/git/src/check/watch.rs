//! Ends a check if the process that runs it is killed, and so can end nothing itself.

use std::{
    io::{self, PipeWriter},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
};

use rustix::process::Pid;

/// A process that waits for this one's end. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    child: Child,
    /// It waits for the end of what is written here: the system closes it, however this process ends.
    _alive: PipeWriter,
}

impl Watch {
    /// Kills this process group should this process end before the watch is dropped.
    pub(super) fn over(group: Pid) -> io::Result<Self> {
        let (reader, alive) = io::pipe()?;
        let child = Command::new("sh")
            .args(["-c", "read -r _ || kill -s KILL -- \"-$0\"", &group.as_raw_nonzero().to_string()])
            .current_dir("/")
            .stdin(reader)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self { child, _alive: alive })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
