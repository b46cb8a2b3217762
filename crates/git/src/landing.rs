//! Moving the target: one ref transaction that also verifies the claim's fence.
//!
//! A compare-and-swap on the target alone does not stop a worker that was paused past its lease: the branch may be where that
//! worker left it. So each claim writes its fence to a ref of its change, and a landing verifies it.

use convoke_core::{id::ChangeId, queue::GitHash};

use crate::{error::GitError, repository::Repository};

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
        format!("refs/convoke/fence/{}/{}", self.target, self.change)
    }

    /// The object that the ref points to: a blob with the generation.
    fn object(&self, repository: &Repository) -> Result<GitHash, GitError> {
        let text =
            repository.git().must(&["hash-object", "-w", "--stdin"], format!("{}\n", self.generation).as_bytes())?;
        GitHash::parse(&text)
            .map_err(|error| GitError::Failed { what: "hash-object".to_owned(), said: error.to_string() })
    }
}

impl Repository {
    /// Writes the fence of a new claim: from now on no older one lands. An older fence never replaces a newer one.
    ///
    /// # Errors
    /// [`GitError::RefMoved`] if a newer claim has been there.
    pub fn raise_fence(&self, fence: &Fence) -> Result<(), GitError> {
        let object = fence.object(self)?;
        let before = self.fence_object(fence)?;
        if let Some((_, generation)) = &before
            && *generation > fence.generation
        {
            let said = format!("claim {generation} outranks claim {}", fence.generation);
            return Err(GitError::RefMoved(said));
        }
        let zero = "0".repeat(object.as_str().len());
        let before = before.map_or(zero, |(object, _)| object.to_string());
        self.transaction(&format!("update {} {object} {before}\n", fence.name()))
    }

    /// Moves the branch if it is where it was and every fence is the newest: all of it, or nothing.
    ///
    /// # Errors
    /// [`GitError::RefMoved`]; [`GitError::CheckedOut`] if somebody has the branch checked out.
    pub fn land(&self, landing: &Landing<'_>) -> Result<(), GitError> {
        let Some(first) = landing.fences.first() else {
            return Err(GitError::RefMoved("no claim was given".to_owned()));
        };
        if let Some(at) = self.checked_out_at(&first.target)? {
            return Err(GitError::CheckedOut { branch: first.target.clone(), at });
        }
        let mut commands = String::new();
        for fence in landing.fences {
            commands += &format!("verify {} {}\n", fence.name(), fence.object(self)?);
        }
        commands += &format!("update refs/heads/{} {} {}\n", first.target, landing.to, landing.from);
        self.transaction(&commands)
    }

    /// Forgets the fence of a change that has ended.
    ///
    /// # Errors
    /// [`GitError::RefMoved`] if a newer claim has been there.
    pub fn drop_fence(&self, fence: &Fence) -> Result<(), GitError> {
        match self.fence_object(fence)? {
            Some((object, _)) => self.transaction(&format!("delete {} {object}\n", fence.name())),
            None => Ok(()),
        }
    }

    fn fence_object(&self, fence: &Fence) -> Result<Option<(GitHash, u32)>, GitError> {
        let said = self.git().ask(&["cat-file", "--batch"], format!("{}\n", fence.name()).as_bytes())?;
        let text = String::from_utf8_lossy(&said.out).into_owned();
        let mut lines = text.lines();
        let object = lines.next().and_then(|header| GitHash::parse(header.split(' ').next()?).ok());
        let generation = lines.next().and_then(|line| line.trim().parse().ok());
        Ok(object.zip(generation))
    }

    fn transaction(&self, commands: &str) -> Result<(), GitError> {
        let input = format!("start\n{commands}prepare\ncommit\n");
        let said = self.git().ask(&["update-ref", "--stdin"], input.as_bytes())?;
        if said.ok { Ok(()) } else { Err(GitError::RefMoved(said.text)) }
    }
}
