//! A change request as agents write it: a JSON document. Every fault in it is found, not only the first.
//!
//! ```json
//! {"task_id": "T-12", "agent": "ann", "metadata": {"intent": "faster parser", "complexity": 3},
//!  "changes": [{"path": "src/parser.rs", "operation": "update", "patch": "@@ -1 +1 @@\n-a\n+b\n"}],
//!  "checks": ["cargo test -p parser"]}
//! ```

use std::collections::BTreeSet;

use convoke_core::{
    log::{Hash, blob_hash},
    name::{ActorName, Name},
    queue::RepoPath,
};
use convoke_git::{Operation, patch};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A change request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeRequest {
    /// The task that it belongs to.
    pub task_id: String,
    /// Whose it is.
    pub agent: String,
    /// What the agent says of it: intent, complexity (1 to 10), sample_diff, telemetry_anchors, approvals, agent_model, and more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    /// What it changes.
    pub changes: Vec<FileChange>,
    /// Commands that must end well before it lands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<String>,
}

/// What becomes of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileChange {
    /// Which, relative to the repository's root.
    pub path: String,
    /// What happens to it.
    pub operation: FileOperation,
    /// A unified diff of this file; the file headers may be left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<String>,
    /// All that the file holds from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The hash of the patch, or else of the content: SHA-256 in hex, or `sha256:` or `blake3:` before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch_hash: Option<String>,
}

/// What happens to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileOperation {
    /// It is new.
    Add,
    /// It changes.
    Update,
    /// It goes.
    Delete,
}

/// A change request that is well formed.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The task that it belongs to.
    pub task: Name,
    /// Whose it is.
    pub agent: ActorName,
    /// The files that it touches.
    pub paths: BTreeSet<RepoPath>,
    /// What it does, as it is kept beside the log: [`operations`] reads it back.
    pub content: Vec<u8>,
}

/// The most bytes that all changes of a request may have.
pub const CONTENT_BYTES_MAX: usize = 16 * 1024 * 1024;

impl ChangeRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// What the JSON reader says.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(text).map_err(|error| format!("it is not a change request: {error}"))
    }

    /// Checks all that can be checked without the repository.
    ///
    /// # Errors
    /// Every fault.
    pub fn check(&self) -> Result<Checked, Vec<String>> {
        let mut faults = Vec::new();
        let task = Name::parse(&self.task_id).map_err(|error| faults.push(format!("task_id: {error}"))).ok();
        let agent = ActorName::parse(&self.agent).map_err(|error| faults.push(format!("agent: {error}"))).ok();
        if let Some(complexity) = self.metadata.as_ref().and_then(|metadata| metadata.get("complexity"))
            && !complexity.as_u64().is_some_and(|complexity| (1..=10).contains(&complexity))
        {
            faults.push(format!("metadata.complexity is {complexity}; it is a number from 1 to 10"));
        }
        if self.changes.is_empty() {
            faults.push("changes is empty: it changes nothing".to_owned());
        }
        let size: usize = self.changes.iter().map(FileChange::size).sum();
        if size > CONTENT_BYTES_MAX {
            faults.push(format!(
                "its changes have {size} bytes; the limit is {CONTENT_BYTES_MAX}. Hand it in as a branch: convoke queue submit --branch"
            ));
        }
        let mut paths = BTreeSet::new();
        let mut operations = Vec::new();
        for (index, change) in self.changes.iter().enumerate() {
            let mut fault = |text: String| faults.push(format!("changes[{index}]: {text}"));
            match RepoPath::parse(&change.path) {
                Ok(path) if !paths.insert(path.clone()) => fault(format!("{path} stands twice")),
                Ok(path) => match change.stored(&path) {
                    Ok(operation) => operations.push(operation),
                    Err(texts) => texts.into_iter().for_each(fault),
                },
                Err(error) => fault(error.to_string()),
            }
        }
        match (task, agent, faults.is_empty()) {
            (Some(task), Some(agent), true) => {
                let content = serde_json::to_vec(&operations).map_err(|error| vec![error.to_string()])?;
                Ok(Checked { task, agent, paths, content })
            }
            _ => Err(faults),
        }
    }
}

/// An operation as it is kept beside the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Stored {
    Write { path: RepoPath, content: String },
    Delete { path: RepoPath },
    Patch { diff: String },
}

/// Reads what [`Checked::content`] holds.
///
/// # Errors
/// What the JSON reader says.
pub fn operations(content: &[u8]) -> Result<Vec<Operation>, String> {
    let stored: Vec<Stored> = serde_json::from_slice(content).map_err(|error| error.to_string())?;
    let operation = |stored| match stored {
        Stored::Write { path, content } => Operation::Write { path, content: content.into_bytes() },
        Stored::Delete { path } => Operation::Delete { path },
        Stored::Patch { diff } => Operation::Patch { diff: diff.into_bytes() },
    };
    Ok(stored.into_iter().map(operation).collect())
}

/// A diff as the content of a change, with the paths that it touches.
///
/// # Errors
/// What git says of a diff that it cannot read; every path that leads out of the repository.
pub fn of_diff(diff: &str) -> Result<(BTreeSet<RepoPath>, Vec<u8>), Vec<String>> {
    let paths = patch::paths(diff.as_bytes()).map_err(|error| vec![error.to_string()])?;
    let mut faults = Vec::new();
    let paths: BTreeSet<RepoPath> = paths
        .iter()
        .filter_map(|path| RepoPath::parse(path).map_err(|error| faults.push(error.to_string())).ok())
        .collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    let stored = [Stored::Patch { diff: diff.to_owned() }];
    serde_json::to_vec(&stored).map(|content| (paths, content)).map_err(|error| vec![error.to_string()])
}

impl FileChange {
    fn size(&self) -> usize {
        self.patch.as_deref().map_or(0, str::len) + self.content.as_deref().map_or(0, str::len)
    }

    fn stored(&self, path: &RepoPath) -> Result<Stored, Vec<String>> {
        let mut faults = Vec::new();
        if let Some(given) = &self.patch_hash
            && let Some(fault) = self.hash_fault(given)
        {
            faults.push(fault);
        }
        let stored = match (self.operation, &self.patch, &self.content) {
            (FileOperation::Delete, None, None) => Some(Stored::Delete { path: path.clone() }),
            (FileOperation::Delete, ..) => {
                faults.push("a file that is deleted has neither patch nor content".to_owned());
                None
            }
            (_, None, Some(content)) => Some(Stored::Write { path: path.clone(), content: content.clone() }),
            (operation, Some(patch), None) => {
                let diff = with_headers(patch, path, operation);
                match patch::paths(diff.as_bytes()) {
                    Ok(touched) => faults.extend(
                        touched
                            .iter()
                            .filter(|touched| touched.as_str() != path.as_str())
                            .map(|touched| format!("its patch touches {touched}, and it names {path}")),
                    ),
                    Err(error) => faults.push(format!("its patch: {error}")),
                }
                Some(Stored::Patch { diff })
            }
            (_, Some(_), Some(_)) => {
                faults.push("it has a patch and a content; give one of them".to_owned());
                None
            }
            (_, None, None) => {
                faults.push("it has neither a patch nor a content".to_owned());
                None
            }
        };
        stored.filter(|_| faults.is_empty()).ok_or(faults)
    }

    fn hash_fault(&self, given: &str) -> Option<String> {
        let hashed = self.patch.as_ref().or(self.content.as_ref()).map_or("", String::as_str);
        let (algorithm, digits) = given.split_once(':').unwrap_or(("sha256", given));
        let actual = match algorithm {
            "sha256" => Sha256::digest(hashed).iter().map(|byte| format!("{byte:02x}")).collect(),
            "blake3" => blob_hash(hashed.as_bytes()).to_string(),
            other => return Some(format!("patch_hash begins with {other:?}; sha256 and blake3 are known")),
        };
        (actual != digits.to_ascii_lowercase())
            .then(|| format!("patch_hash is {digits}, and its {algorithm} is {actual}"))
    }
}

/// The diff with file headers, made from path and operation where they are missing.
fn with_headers(patch: &str, path: &RepoPath, operation: FileOperation) -> String {
    let has_headers = patch
        .lines()
        .take_while(|line| !line.starts_with("@@"))
        .any(|line| line.starts_with("--- ") || line.starts_with("diff --git "));
    let end = if patch.ends_with('\n') { "" } else { "\n" };
    if has_headers {
        return format!("{patch}{end}");
    }
    let before = match operation {
        FileOperation::Add => "/dev/null".to_owned(),
        _ => format!("a/{path}"),
    };
    format!("--- {before}\n+++ b/{path}\n{patch}{end}")
}

/// The name of a content: what makes two changes of one task the same.
#[must_use]
pub fn content_hash(content: &[u8]) -> Hash {
    blob_hash(content)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(changes: Value) -> Result<Checked, Vec<String>> {
        let request = json!({"task_id": "T-1", "agent": "Ann", "changes": changes});
        ChangeRequest::parse(request.to_string().as_bytes()).unwrap().check()
    }

    #[test]
    fn a_hunk_without_file_headers_gets_them_from_path_and_operation() {
        let hunk = "@@ -1 +1 @@\n-a\n+b\n";
        let found = checked(json!([
            {"path": "x", "operation": "update", "patch": hunk},
            {"path": "d/y", "operation": "add", "patch": "@@ -0,0 +1 @@\n+new"},
            {"path": "z", "operation": "update", "patch": format!("--- a/z\n+++ b/z\n{hunk}")},
        ]))
        .unwrap();
        let diffs: Vec<String> = operations(&found.content)
            .unwrap()
            .into_iter()
            .map(|operation| match operation {
                Operation::Patch { diff } => String::from_utf8(diff).unwrap(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(diffs[0], format!("--- a/x\n+++ b/x\n{hunk}"));
        assert_eq!(diffs[1], "--- /dev/null\n+++ b/d/y\n@@ -0,0 +1 @@\n+new\n");
        assert_eq!(diffs[2], format!("--- a/z\n+++ b/z\n{hunk}"));
        assert_eq!(found.agent.as_str(), "ann");
    }

    #[test]
    fn a_hash_that_is_given_is_checked() {
        let change = |hash: &str| json!([{"path": "x", "operation": "add", "content": "hello\n", "patch_hash": hash}]);
        let sha = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        assert!(checked(change(sha)).is_ok());
        assert!(checked(change(&format!("sha256:{}", sha.to_uppercase()))).is_ok());
        assert!(checked(change(&format!("blake3:{}", blob_hash(b"hello\n")))).is_ok());
        for wrong in ["blake3:00", "md5:00", &sha.replace('5', "6")] {
            assert_eq!(checked(change(wrong)).unwrap_err().len(), 1, "{wrong}");
        }
    }

    #[test]
    fn every_fault_of_a_request_is_listed() {
        let faults = checked(json!([
            {"path": "../x", "operation": "add", "content": ""},
            {"path": "a", "operation": "delete", "content": "x"},
            {"path": "a", "operation": "update"},
            {"path": "b", "operation": "update", "patch": "nonsense"},
            {"path": "c", "operation": "update", "patch": "--- a/other\n+++ b/other\n@@ -1 +1 @@\n-a\n+b\n"},
            {"path": "d", "operation": "add", "patch": "@@ -0,0 +1 @@\n+x\n", "content": "x"},
        ]))
        .unwrap_err();
        assert_eq!(faults.len(), 6, "{faults:#?}");
        for (fault, index) in faults.iter().zip(0..) {
            assert!(fault.starts_with(&format!("changes[{index}]: ")), "{fault}");
        }
    }

    #[test]
    fn what_is_no_request_at_all_is_an_error() {
        for text in ["", "[]", "{}", r#"{"task_id":"t","agent":"a","changes":[],"surplus":1}"#, "\u{0}"] {
            assert!(ChangeRequest::parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_same_changes_have_one_hash_whoever_hands_them_in() {
        let content = |agent: &str| {
            let request =
                json!({"task_id": "t", "agent": agent, "changes": [{"path": "x", "operation": "add", "content": "1"}]});
            content_hash(&ChangeRequest::parse(request.to_string().as_bytes()).unwrap().check().unwrap().content)
        };
        assert_eq!(content("ann"), content("bob"));
    }
}
