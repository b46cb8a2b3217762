//! Puts a commit's change on another base without a worktree.

use convoke_core::queue::GitHash;

use crate::{build::hash, error::GitError, repository::Repository};

/// What became of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// The tree that it makes.
    Tree(GitHash),
    /// It does not apply: in these files, and what git said.
    Conflict {
        /// The files.
        paths: Vec<String>,
        /// What git said.
        detail: String,
    },
}

impl Repository {
    /// The tree of `onto` with what `commit` changed since the point where the two parted.
    ///
    /// # Errors
    /// [`GitError`] if one of them is not there, or they have no common ancestor.
    pub fn merge(&self, onto: &GitHash, commit: &GitHash) -> Result<Merged, GitError> {
        let args = ["merge-tree", "--write-tree", "--name-only", "-z", onto.as_str(), commit.as_str()];
        let said = self.git().ask(&args, b"")?;
        let text = String::from_utf8_lossy(&said.out).into_owned();
        // With -z: the tree, then the names of conflicted files, an empty field, then messages.
        let mut fields = text.split('\0');
        let tree = fields.next().and_then(|field| GitHash::parse(field.trim()).ok());
        match (said.ok, tree) {
            (true, Some(tree)) => Ok(Merged::Tree(tree)),
            (false, Some(_)) => {
                let paths: Vec<String> =
                    fields.by_ref().take_while(|field| !field.is_empty()).map(str::to_owned).collect();
                let messages: Vec<&str> = fields.filter(|field| field.contains("CONFLICT")).map(str::trim).collect();
                Ok(Merged::Conflict { paths, detail: messages.join("\n") })
            }
            (_, None) => Err(GitError::Failed { what: "merge-tree".to_owned(), said: said.text }),
        }
    }

    /// The files that differ between two commits or trees, both names of a moved one.
    ///
    /// # Errors
    /// [`GitError`] if one of them is not there; a path that is not UTF-8 is an error that names it.
    pub fn changed_paths(&self, from: &str, to: &str) -> Result<Vec<String>, GitError> {
        let args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", "--ignore-submodules=none", from, to];
        let said = self.git().ask(&args, b"")?;
        if !said.ok {
            return Err(GitError::Failed { what: "diff-tree".to_owned(), said: said.text });
        }
        let paths = said.out.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        let text = |path: &[u8]| {
            String::from_utf8(path.to_vec()).map_err(|_| GitError::Failed {
                what: "diff-tree".to_owned(),
                said: format!("the path {:?} is not UTF-8", String::from_utf8_lossy(path)),
            })
        };
        paths.map(text).collect()
    }

    /// A commit of this tree on these parents. It is not on any branch yet.
    ///
    /// # Errors
    /// [`GitError`] if git refuses.
    pub fn commit_tree(
        &self,
        tree: &GitHash,
        parents: &[&GitHash],
        message: &str,
        author: (&str, &str),
    ) -> Result<GitHash, GitError> {
        let (name, email) = author;
        let identity = [
            format!("author.name={name}"),
            format!("author.email={email}"),
            "committer.name=convoke".to_owned(),
            "committer.email=convoke@localhost".to_owned(),
        ];
        let mut args: Vec<&str> = identity.iter().flat_map(|setting| ["-c", setting.as_str()]).collect();
        args.extend(["commit-tree", tree.as_str(), "-F", "-"]);
        args.extend(parents.iter().flat_map(|parent| ["-p", parent.as_str()]));
        hash("commit-tree", &self.git().must(&args, message.as_bytes())?)
    }
}
