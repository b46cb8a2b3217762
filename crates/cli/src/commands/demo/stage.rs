//! The demo's throw-away folder, and running this very program in it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use convoke::api::Fault;
use serde_json::Value;

/// Why a claim does not hold.
pub(super) type Broken = String;

/// A folder of its own and the program.
pub(super) struct Stage {
    folder: PathBuf,
    program: PathBuf,
}

/// What a process of the program ended with.
pub(super) struct Ended {
    /// Its exit code.
    pub(super) code: i32,
    /// What it printed: the envelope.
    pub(super) envelope: Value,
}

impl Ended {
    /// The data of an answer that has to be one.
    pub(super) fn data(self) -> Result<Value, Broken> {
        match self.code {
            0 => Ok(self.envelope["data"].clone()),
            code => Err(format!("exit code {code}, {}", self.envelope["error"]["message"])),
        }
    }

    /// Has to have ended well, whatever it printed.
    pub(super) fn done(self) -> Result<(), Broken> {
        match self.code {
            0 => Ok(()),
            code => Err(format!("exit code {code}, {}", self.envelope)),
        }
    }

    /// The code of an error that has to be one, with its message.
    pub(super) fn refused(self, exit: i32, code: &str) -> Result<String, Broken> {
        if self.code == exit && self.envelope["error"]["code"] == code {
            return Ok(self.envelope["error"]["message"].as_str().unwrap_or_default().to_owned());
        }
        Err(format!("exit code {} with {} instead of {exit} with {code}", self.code, self.envelope))
    }
}

impl Stage {
    /// Makes the folder.
    pub(super) fn set() -> Result<Self, Fault> {
        let io = |error: std::io::Error| Fault::new("io", format!("the demo's folder cannot be made: {error}"));
        let unique = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let folder = std::env::temp_dir().join(format!("convoke-demo-{}-{unique}", std::process::id()));
        fs::create_dir(&folder).map_err(io)?;
        let program = std::env::current_exe().map_err(io)?;
        Ok(Self { folder, program })
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A path in it.
    pub(super) fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// Starts the program as somebody.
    pub(super) fn start(&self, actor: &str, arguments: &[&str]) -> Result<Child, Broken> {
        self.start_in(&self.folder, actor, arguments)
    }

    fn start_in(&self, folder: &Path, actor: &str, arguments: &[&str]) -> Result<Child, Broken> {
        Command::new(&self.program)
            .args(arguments)
            .arg("--json")
            .current_dir(folder)
            .env_remove("CONVOKE_WORKSPACE")
            .env("CONVOKE_ACTOR", actor)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("the program cannot be started: {error}"))
    }

    /// Runs the program as somebody, to its end.
    pub(super) fn run(&self, actor: &str, arguments: &[&str]) -> Result<Ended, Broken> {
        ended(self.start(actor, arguments)?)
    }

    /// Runs it in another folder.
    pub(super) fn run_in(&self, folder: &str, actor: &str, arguments: &[&str]) -> Result<Ended, Broken> {
        ended(self.start_in(Path::new(folder), actor, arguments)?)
    }

    /// Stops the daemon.
    pub(super) fn stop(&self) {
        // If it does not answer it ends by itself.
        let _ = self.run("olga", &["daemon", "stop"]);
    }

    /// Removes the folder.
    pub(super) fn strike(&self) {
        // What cannot be removed lies in the system's folder for such things.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Waits for a process and reads what it printed.
pub(super) fn ended(child: Child) -> Result<Ended, Broken> {
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    // `export` into a file prints nothing.
    let envelope = match text.trim() {
        "" => Value::Null,
        // Of a stream, the last line.
        text => {
            let last = text.lines().next_back().unwrap_or_default();
            serde_json::from_str(last).map_err(|error| format!("no JSON came back ({error}): {text:?}"))?
        }
    };
    Ok(Ended { code: output.status.code().unwrap_or(-1), envelope })
}
