//! Moving the target: one ref transaction that also verifies the claim's fence.
//!
//! A compare-and-swap on the target alone does not stop a worker that was paused past its lease: the branch may be where that
//! worker left it. So each claim writes its fence to a ref of its change, and a landing verifies it.

use std::collections::BTreeMap;

use convoke_core::{id::ChangeId, queue::GitHash};

use crate::{
    build::hash,
    error::GitError,
    repository::Repository,
    talk::{Ended, Talk},
};

/// Where the fences are.
const FENCES: &str = "refs/convoke/fence";

/// One claim on one change, as the repository knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The branch it is to land on.
    pub target: String,
    /// Which change.
    pub change: ChangeId,
    /// The generation of the claim.
    pub generation: u32,
}

/// A branch that is about to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landing<'a> {
    /// The claims under which it is moved: those of all changes that land with it.
    pub fences: &'a [Fence],
    /// Where the branch is.
    pub from: &'a GitHash,
    /// Where it goes.
    pub to: &'a GitHash,
}

impl Fence {
    /// The ref that holds it. The change's id names it, so that two targets never share one.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{FENCES}/{}/{}", self.target, self.change)
    }
}

/// The refs of a repository, in the hands of one worker.
#[derive(Debug)]
pub struct Refs {
    repository: Repository,
    /// Takes transactions.
    talk: Option<Talk>,
    /// The blobs that hold generations.
    objects: BTreeMap<u32, GitHash>,
}

impl Refs {
    /// The refs of this repository.
    #[must_use]
    pub fn of(repository: &Repository) -> Self {
        Self { repository: repository.clone(), talk: None, objects: BTreeMap::new() }
    }

    /// Writes the fences of new claims: from now on no older ones land. An older fence never replaces a newer one: gives those
    /// for which a newer claim has been there.
    ///
    /// # Errors
    /// [`GitError`] if a ref cannot be written.
    pub fn raise(&mut self, fences: &[Fence]) -> Result<Vec<Fence>, GitError> {
        // First claims of changes have no refs yet, mostly; so it is tried without looking.
        let mut commands = String::new();
        for fence in fences {
            let object = self.object(fence.generation)?;
            commands += &format!("update {} {object} {}\n", fence.name(), zero(&object));
        }
        if fences.is_empty() || self.transaction(&commands).is_ok() {
            return Ok(Vec::new());
        }
        let mut outranked = Vec::new();
        for fence in fences {
            if !self.raise_one(fence)? {
                outranked.push(fence.clone());
            }
        }
        Ok(outranked)
    }

    /// Moves the branch if it is where it was and every fence is the newest: all of it, or nothing.
    ///
    /// # Errors
    /// [`GitError::RefMoved`]; [`GitError::CheckedOut`] if somebody has the branch checked out; [`GitError::Failed`] if git cannot
    /// have the refs, which are then as they were or, if git died, as they were to be.
    pub fn land(&mut self, landing: &Landing<'_>) -> Result<(), GitError> {
        let Some(first) = landing.fences.first() else {
            return Err(GitError::RefMoved("no claim was given".to_owned()));
        };
        if let Some(at) = self.repository.checked_out_at(&first.target)? {
            return Err(GitError::CheckedOut { branch: first.target.clone(), at });
        }
        let mut commands = String::new();
        for fence in landing.fences {
            commands += &format!("verify {} {}\n", fence.name(), self.object(fence.generation)?);
        }
        commands += &format!("update refs/heads/{} {} {}\n", first.target, landing.to, landing.from);
        self.transaction(&commands)
    }

    /// Forgets the fences of changes that have ended. One that a newer claim has raised stays.
    ///
    /// # Errors
    /// [`GitError`] if the refs cannot be read.
    pub fn drop_fences(&mut self, fences: &[Fence]) -> Result<(), GitError> {
        let mut commands = String::new();
        for fence in fences {
            commands += &format!("delete {} {}\n", fence.name(), self.object(fence.generation)?);
        }
        if fences.is_empty() || self.transaction(&commands).is_ok() {
            return Ok(());
        }
        for fence in fences {
            let object = self.object(fence.generation)?;
            self.transaction(&format!("delete {} {object}\n", fence.name())).ok();
        }
        Ok(())
    }

    fn raise_one(&mut self, fence: &Fence) -> Result<bool, GitError> {
        let object = self.object(fence.generation)?;
        let before = self.repository.fence(fence)?;
        if before.as_ref().is_some_and(|(_, generation)| *generation > fence.generation) {
            return Ok(false);
        }
        let before = before.map_or_else(|| zero(&object), |(object, _)| object.to_string());
        self.transaction(&format!("update {} {object} {before}\n", fence.name())).map(|()| true)
    }

    /// The object that a fence's ref points to: a blob with the generation.
    fn object(&mut self, generation: u32) -> Result<GitHash, GitError> {
        if let Some(object) = self.objects.get(&generation) {
            return Ok(object.clone());
        }
        let args = ["hash-object", "-w", "--stdin"];
        let object = hash("hash-object", &self.repository.git().must(&args, format!("{generation}\n").as_bytes())?)?;
        self.objects.insert(generation, object.clone());
        Ok(object)
    }

    fn transaction(&mut self, commands: &str) -> Result<(), GitError> {
        let mut talk = match self.talk.take() {
            Some(talk) => talk,
            None => Talk::start(self.repository.git(), &["update-ref", "--stdin"])?,
        };
        match talk.ask(&format!("start\n{commands}prepare\ncommit\n"), b"commit: ok\n") {
            Ok(_) => {
                self.talk = Some(talk);
                Ok(())
            }
            Err(Ended(said)) if said.contains("No space left") => Err(GitError::DiskFull),
            Err(Ended(said)) if is_another(&said) => Err(GitError::RefMoved(said)),
            Err(Ended(said)) => Err(GitError::Failed { what: "update-ref".to_owned(), said }),
        }
    }
}

impl Repository {
    /// The generation of the newest claim on a change that the repository knows of, and the object that holds it.
    ///
    /// # Errors
    /// [`GitError`] if git cannot be asked.
    pub fn fence(&self, fence: &Fence) -> Result<Option<(GitHash, u32)>, GitError> {
        let said = self.git().ask(&["cat-file", "--batch"], format!("{}\n", fence.name()).as_bytes())?;
        let text = String::from_utf8_lossy(&said.out).into_owned();
        let mut lines = text.lines();
        let object = lines.next().and_then(|header| GitHash::parse(header.split(' ').next()?).ok());
        let generation = lines.next().and_then(|line| line.trim().parse().ok());
        Ok(object.zip(generation))
    }

    /// The refs of all fences that are there.
    ///
    /// # Errors
    /// [`GitError`] if git cannot be asked.
    pub fn fences(&self) -> Result<Vec<Fence>, GitError> {
        let list = self.git().must(&["for-each-ref", "--format=%(refname) %(objectname)", FENCES], b"")?;
        let mut fences = Vec::new();
        for line in list.lines() {
            let name = line.split(' ').next().unwrap_or_default();
            let parts = name.strip_prefix(FENCES).and_then(|rest| rest.trim_start_matches('/').rsplit_once('/'));
            let Some((target, Ok(change))) = parts.map(|(target, change)| (target, change.parse::<ChangeId>())) else {
                continue;
            };
            let mut fence = Fence { target: target.to_owned(), change, generation: 0 };
            if let Some((_, generation)) = self.fence(&fence)? {
                fence.generation = generation;
                fences.push(fence);
            }
        }
        Ok(fences)
    }
}

/// Whether git refuses because a ref is not what it should be, and not because it cannot be had: a lock that a git left behind
/// that was killed says nothing of the ref.
fn is_another(said: &str) -> bool {
    ["but expected", "reference already exists", "unable to resolve reference"].iter().any(|words| said.contains(words))
}

fn zero(like: &GitHash) -> String {
    "0".repeat(like.as_str().len())
}
