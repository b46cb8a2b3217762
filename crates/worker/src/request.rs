//! A change request as agents write it: a JSON document. Every fault in it is found, not only the first.
//!
//! ```json
//! {"task_id": "T-12", "agent": "ann", "metadata": {"intent": "faster parser", "complexity": 3},
//!  "changes": [{"path": "src/parser.rs", "operation": "update", "patch": "@@ -1 +1 @@\n-a\n+b\n"}],
//!  "checks": ["cargo test -p parser"]}
//! ```

use std::collections::BTreeSet;

use convoke_core::{
    exact_json::Exact,
    limits,
    log::{Hash, blob_hash},
    name::{ActorName, Name},
    priority::Priority,
    queue::RepoPath,
};
use convoke_git::{Operation, patch};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
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
    /// The branch that it is to land on; the configured one if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// How urgent it is.
    #[serde(default)]
    pub priority: Priority,
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

/// Why a request cannot be taken in, and what is to be known of it to find more faults elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Malformed {
    /// Every fault.
    pub faults: Vec<String>,
    /// The branch that it names, if that could be read.
    pub target: Option<String>,
    /// The checks that it asks for, if they could be read.
    pub checks: Vec<String>,
}

/// The most bytes that all changes of a request may have.
pub const CONTENT_BYTES_MAX: usize = 16 * 1024 * 1024;

impl ChangeRequest {
    /// Reads a request, and checks all that can be checked without the repository.
    ///
    /// # Errors
    /// Every fault: of its form, and of what could be read all the same.
    pub fn parse(text: &[u8]) -> Result<(Self, Checked), Malformed> {
        let nothing = |fault: String| Malformed { faults: vec![fault], ..Malformed::default() };
        let Exact(document) =
            serde_json::from_slice(text).map_err(|error| nothing(format!("it is not a JSON document: {error}")))?;
        let Value::Object(mut members) = document else {
            return Err(nothing("it is not a change request, which is a JSON object".to_owned()));
        };
        let mut faults = Vec::new();
        let task_id: Option<String> = required(&mut members, "task_id", &mut faults);
        let agent: Option<String> = required(&mut members, "agent", &mut faults);
        let changes: Option<Vec<Value>> = required(&mut members, "changes", &mut faults);
        let changes: Option<Vec<Option<FileChange>>> = changes.map(|changes| {
            let read = |(index, change)| member(change, &format!("changes[{index}]"), &mut faults);
            changes.into_iter().enumerate().map(read).collect()
        });
        let metadata: Option<Value> = optional(&mut members, "metadata", &mut faults);
        let checks: Option<Vec<String>> = optional(&mut members, "checks", &mut faults);
        let target: Option<String> = optional(&mut members, "target", &mut faults);
        let priority: Option<Priority> = optional(&mut members, "priority", &mut faults);
        faults.extend(members.keys().map(|name| format!("{name:?} is no member of a change request")));
        let parts = Parts {
            task_id: task_id.as_deref(),
            agent: agent.as_deref(),
            metadata: metadata.as_ref(),
            changes: changes.as_ref().map(|changes| changes.iter().map(Option::as_ref).collect()),
            checks: checks.as_deref().unwrap_or_default(),
        };
        match (parts.check(&mut faults), task_id, agent, changes) {
            (Some(checked), Some(task_id), Some(agent), Some(changes)) if faults.is_empty() => {
                let changes = changes.into_iter().flatten().collect();
                let (checks, priority) = (checks.unwrap_or_default(), priority.unwrap_or_default());
                Ok((Self { task_id, agent, metadata, changes, checks, target, priority }, checked))
            }
            _ => Err(Malformed { faults, target, checks: checks.unwrap_or_default() }),
        }
    }

    /// Checks all that can be checked without the repository.
    ///
    /// # Errors
    /// Every fault.
    pub fn check(&self) -> Result<Checked, Vec<String>> {
        let mut faults = Vec::new();
        let parts = Parts {
            task_id: Some(&self.task_id),
            agent: Some(&self.agent),
            metadata: self.metadata.as_ref(),
            changes: Some(self.changes.iter().map(Some).collect()),
            checks: &self.checks,
        };
        parts.check(&mut faults).filter(|_| faults.is_empty()).ok_or(faults)
    }
}

fn required<T: DeserializeOwned>(members: &mut Map<String, Value>, name: &str, faults: &mut Vec<String>) -> Option<T> {
    if !members.contains_key(name) {
        faults.push(format!("{name} is missing"));
    }
    optional(members, name, faults)
}

fn optional<T: DeserializeOwned>(members: &mut Map<String, Value>, name: &str, faults: &mut Vec<String>) -> Option<T> {
    members.remove(name).and_then(|value| member(value, name, faults))
}

fn member<T: DeserializeOwned>(value: Value, name: &str, faults: &mut Vec<String>) -> Option<T> {
    serde_json::from_value(value).map_err(|error| faults.push(format!("{name}: {error}"))).ok()
}

/// What of a request could be read.
struct Parts<'a> {
    task_id: Option<&'a str>,
    agent: Option<&'a str>,
    metadata: Option<&'a Value>,
    changes: Option<Vec<Option<&'a FileChange>>>,
    checks: &'a [String],
}

impl Parts<'_> {
    /// Checks each part, and notes every fault. `None` if there is one, or a part is missing.
    fn check(&self, faults: &mut Vec<String>) -> Option<Checked> {
        let known = faults.len();
        let task = self
            .task_id
            .and_then(|task| Name::parse(task).map_err(|error| faults.push(format!("task_id: {error}"))).ok());
        let agent = self
            .agent
            .and_then(|agent| ActorName::parse(agent).map_err(|error| faults.push(format!("agent: {error}"))).ok());
        faults.extend(self.metadata.and_then(metadata_fault));
        faults.extend(check_faults(self.checks));
        let changes = self.changes.as_ref()?;
        if changes.is_empty() {
            faults.push("changes is empty: it changes nothing".to_owned());
        }
        if changes.len() > limits::CHANGE_PATHS_MAX {
            faults.push(format!("it has {} changes; the limit is {}", changes.len(), limits::CHANGE_PATHS_MAX));
        }
        faults.extend(length_fault(changes.iter().flatten().map(|change| change.size()).sum()));
        let mut paths = BTreeSet::new();
        let mut operations = Vec::new();
        for (index, change) in changes.iter().enumerate() {
            let Some(change) = change else { continue };
            let mut fault = |text: String| faults.push(format!("changes[{index}]: {text}"));
            match RepoPath::parse(&change.path) {
                Ok(path) if !paths.insert(path.clone()) => fault(format!("{path} stands twice")),
                Ok(path) => match change.stored(&path) {
                    Ok(operation) => operations.push(operation),
                    Err(texts) => texts.into_iter().for_each(fault),
                },
                // What does not hang on the path is looked at all the same.
                Err(error) => {
                    fault(error.to_string());
                    change.patch_hash.iter().filter_map(|given| change.hash_fault(given)).for_each(fault);
                }
            }
        }
        let content =
            serde_json::to_vec(&operations).map_err(|error| faults.push(format!("it cannot be kept: {error}"))).ok()?;
        match (task, agent) {
            (Some(task), Some(agent)) if faults.len() == known => Some(Checked { task, agent, paths, content }),
            _ => None,
        }
    }
}

fn metadata_fault(metadata: &Value) -> Option<String> {
    let Value::Object(members) = metadata else { return Some("metadata is not an object".to_owned()) };
    let complexity = members.get("complexity")?;
    let is_one = complexity.as_u64().is_some_and(|complexity| (1..=10).contains(&complexity));
    (!is_one).then(|| format!("metadata.complexity is {complexity}; it is a number from 1 to 10"))
}

fn check_faults(checks: &[String]) -> Vec<String> {
    let is_bad =
        |check: &String| check.trim().is_empty() || check.len() > limits::CHECK_BYTES_MAX || check.contains('\0');
    let bad = checks.iter().enumerate().filter(|(_, check)| is_bad(check));
    let fault = |(index, _)| format!("checks[{index}] is no command of 1 to {} bytes", limits::CHECK_BYTES_MAX);
    let too_many = (checks.len() > limits::CHECKS_MAX)
        .then(|| format!("it has {} checks; the limit is {}", checks.len(), limits::CHECKS_MAX));
    bad.map(fault).chain(too_many).collect()
}

fn length_fault(bytes: usize) -> Option<String> {
    (bytes > CONTENT_BYTES_MAX).then(|| {
        format!(
            "its changes have {bytes} bytes; the limit is {CONTENT_BYTES_MAX}. Hand it in as a branch: convoke queue submit --branch"
        )
    })
}

/// An operation as it is kept beside the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Stored {
    Write { path: RepoPath, content: String },
    Add { path: RepoPath, content: String },
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
        Stored::Add { path, content } => Operation::Add { path, content: content.into_bytes() },
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
    if let Some(fault) = length_fault(diff.len()) {
        return Err(vec![fault]);
    }
    if diff.trim().is_empty() {
        return Err(vec!["the patch is empty: it changes nothing".to_owned()]);
    }
    let faults = diff_faults(diff);
    if !faults.is_empty() {
        return Err(faults);
    }
    let paths = patch::paths(diff.as_bytes()).map_err(|error| vec![format!("the patch: {error}")])?;
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

const BINARIES_LEFT_OUT: &str =
    "the patch only says that binary files differ, and not how; git diff --binary makes one that does";

/// Git would take the first folder of each name for a prefix, and mean other files.
const NO_PREFIXES: &str = "the patch was made without the prefixes a/ and b/ (diff.noprefix); git diff --default-prefix makes one that has them";

/// What git would overlook, or find out only when it applies the diff.
fn diff_faults(diff: &str) -> Vec<String> {
    let lines: Vec<&str> = diff.lines().collect();
    // A line of a hunk begins with a space, a sign or a backslash, so this is never content.
    let left_out = lines.iter().any(|line| line.starts_with("Binary files ") && line.ends_with(" differ"));
    // Git takes the first part of a name for a prefix, and so takes the root away from an absolute one.
    let headers = lines.windows(3).filter_map(|lines| match lines {
        [before, after, hunk] if hunk.starts_with("@@ -") => {
            Some([before.strip_prefix("--- ")?, after.strip_prefix("+++ ")?])
        }
        _ => None,
    });
    let name = |header: &str| header.split('\t').next().unwrap_or_default().trim_matches('"').trim_end().to_owned();
    let absolute = headers.flatten().map(name).filter(|name| name.starts_with('/') && name != "/dev/null");
    let absolute = absolute.map(|name| format!("the patch names {name:?}, which is absolute"));
    let names = lines.iter().filter_map(|line| line.strip_prefix("diff --git "));
    let bare =
        names.filter_map(|names| names.split_at_checked(names.len() / 2)).any(|(old, new)| new == format!(" {old}"));
    let named = [(left_out, BINARIES_LEFT_OUT), (bare, NO_PREFIXES)];
    absolute.chain(named.into_iter().filter(|(is_so, _)| *is_so).map(|(_, fault)| fault.to_owned())).collect()
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
            (FileOperation::Add, None, Some(content)) => {
                Some(Stored::Add { path: path.clone(), content: content.clone() })
            }
            (_, None, Some(content)) => Some(Stored::Write { path: path.clone(), content: content.clone() }),
            (operation, Some(patch), None) => {
                let diff = with_headers(patch, path, operation);
                faults.extend(diff_faults(&diff));
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
        let parsed = ChangeRequest::parse(request.to_string().as_bytes());
        parsed.map(|(_, checked)| checked).map_err(|malformed| malformed.faults)
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
    fn a_content_that_is_added_replaces_nothing() {
        let found = checked(json!([
            {"path": "x", "operation": "add", "content": "1"},
            {"path": "y", "operation": "update", "content": "2"},
        ]))
        .unwrap();
        let operations = operations(&found.content).unwrap();
        assert!(matches!(operations.as_slice(), [Operation::Add { .. }, Operation::Write { .. }]), "{operations:?}");
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
        let astray = json!([{"path": "../x", "operation": "add", "content": "hello\n", "patch_hash": "00"}]);
        assert_eq!(checked(astray).unwrap_err().len(), 2, "a wrong hash is found on a wrong path too");
    }

    #[test]
    fn a_patch_that_leaves_binary_files_out_is_not_taken_in() {
        let header = "diff --git a/x b/x\nindex 1111111..2222222 100644\n";
        let left_out = format!("{header}Binary files a/x and b/x differ\n");
        let in_a_hunk = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+Binary files a/x and b/x differ\n";
        let patch = |patch: &str| checked(json!([{"path": "x", "operation": "update", "patch": patch}]));
        assert_eq!(patch(&left_out), Err(vec![format!("changes[0]: {BINARIES_LEFT_OUT}")]));
        assert_eq!(of_diff(&left_out), Err(vec![BINARIES_LEFT_OUT.to_owned()]));
        assert!(patch(in_a_hunk).is_ok() && of_diff(in_a_hunk).is_ok());
    }

    #[test]
    fn a_patch_without_prefixes_would_mean_other_files() {
        let patch = |old: &str, new: &str| {
            of_diff(&format!("diff --git {old} {new}\n--- {old}\n+++ {new}\n@@ -1 +1 @@\n-a\n+b\n"))
        };
        assert_eq!(patch("src/a b", "src/a b"), Err(vec![NO_PREFIXES.to_owned()]));
        for (old, new) in [("a/src/x", "b/src/x"), ("i/src/x", "w/src/x")] {
            let (paths, _) = patch(old, new).unwrap();
            assert_eq!(paths.iter().map(RepoPath::as_str).collect::<Vec<_>>(), ["src/x"]);
        }
    }

    #[test]
    fn a_patch_with_absolute_names_is_not_taken_in() {
        for (before, after) in [("/dev/null", "/etc/x"), ("/home/a/x", "/home/b/x"), ("/dev/null", "\"/etc/x\"\t2026")]
        {
            let faults = of_diff(&format!("--- {before}\n+++ {after}\n@@ -0,0 +1 @@\n+x\n")).unwrap_err();
            assert!(faults.iter().all(|fault| fault.ends_with("is absolute")), "{faults:?}");
        }
        let content = "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- /a comment\n+++ /another\n same\n";
        assert!(of_diff(content).is_ok());
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
    fn faults_of_form_are_listed_beside_the_others() {
        let text = r#"{"agent": "a b", "metadata": [], "checks": "make", "surplus": 1, "priority": "soon", "target": "next",
            "changes": [{"path": "x"}, {"path": "/etc/passwd", "operation": "add", "content": ""}, 7]}"#;
        let Malformed { faults, target, .. } = ChangeRequest::parse(text.as_bytes()).unwrap_err();
        assert_eq!(target.as_deref(), Some("next"));
        for part in
            ["task_id", "agent", "metadata", "checks", "surplus", "priority", "changes[0]", "changes[1]", "changes[2]"]
        {
            assert_eq!(faults.iter().filter(|fault| fault.contains(part)).count(), 1, "{part}: {faults:#?}");
        }
        assert_eq!(faults.len(), 9, "{faults:#?}");
    }

    #[test]
    fn a_request_is_read_back_as_it_was_made() {
        let text = r#"{"task_id":"t","agent":"ann","metadata":{"intent":"x","complexity":3},
            "changes":[{"path":"x","operation":"delete"}],"checks":["make"],"target":"next","priority":"high"}"#;
        let (request, checked) = ChangeRequest::parse(text.as_bytes()).unwrap();
        assert_eq!(serde_json::to_value(&request).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(request.check(), Ok(checked));
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
            content_hash(&ChangeRequest::parse(request.to_string().as_bytes()).unwrap().1.content)
        };
        assert_eq!(content("ann"), content("bob"));
    }
}
