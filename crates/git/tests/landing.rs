//! Building and landing changes in real repositories.

use std::{fs, path::Path, process::Command};

use convoke_core::{
    id::{ChangeId, uuid_v7},
    queue::{GitHash, RepoPath},
};
use convoke_git::{Fence, GitError, Landing, Merged, Operation, Repository, Worktree};
use tempfile::TempDir;

/// A bare repository whose branch `main` has one commit with `a`, `b` and `dir/c`, each of ten lines.
struct Scene {
    folder: TempDir,
    repository: Repository,
    base: GitHash,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (bare, checkout) = (folder.path().join("r.git"), folder.path().join("user"));
        git(folder.path(), &["init", "-q", "--bare", "-b", "main", "r.git"]);
        git(folder.path(), &["clone", "-q", "r.git", "user"]);
        fs::create_dir(checkout.join("dir")).unwrap();
        for file in ["a", "b", "dir/c"] {
            fs::write(checkout.join(file), lines(file, None)).unwrap();
        }
        git(&checkout, &["add", "."]);
        git(&checkout, &["commit", "-q", "-m", "first"]);
        git(&checkout, &["push", "-q", "origin", "HEAD:main"]);
        let repository = Repository::find(&bare).unwrap();
        let base = repository.tip("main").unwrap();
        Self { folder, repository, base }
    }

    fn lane(&self) -> Worktree {
        Worktree::open(&self.repository, &self.folder.path().join("lane"), &self.base).unwrap()
    }

    fn commit(&self, lane: &Worktree, on: &GitHash, operations: &[Operation]) -> GitHash {
        lane.reset(on).unwrap();
        let Merged::Tree(tree) = lane.apply(operations).unwrap() else { panic!("it conflicts") };
        self.repository.commit_tree(&tree, on, "a change\n", ("ann", "ann@convoke")).unwrap()
    }

    fn file(&self, commit: &GitHash, path: &str) -> String {
        git(self.repository.folder(), &["show", &format!("{commit}:{path}")])
    }
}

fn git(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=user", "-c", "user.email=user@here"])
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn lines(name: &str, changed: Option<(usize, &str)>) -> String {
    let line = |at: usize| match changed {
        Some((changed_at, text)) if at == changed_at => format!("{text}\n"),
        _ => format!("{name} {at}\n"),
    };
    (0..10).map(line).collect()
}

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

fn write(to: &str, content: &str) -> Operation {
    Operation::Write { path: path(to), content: content.as_bytes().to_vec() }
}

/// A diff of one line, with three lines around it.
fn diff(file: &str, at: usize, new: &str) -> Operation {
    let (first, last) = (at.saturating_sub(3), (at + 3).min(9));
    let count = last - first + 1;
    let mut diff = format!("--- a/{file}\n+++ b/{file}\n@@ -{start},{count} +{start},{count} @@\n", start = first + 1);
    for line in first..=last {
        if line == at {
            diff += &format!("-{file} {line}\n+{new}\n");
        } else {
            diff += &format!(" {file} {line}\n");
        }
    }
    Operation::Patch { diff: diff.into_bytes() }
}

fn fence(number: u8, generation: u32) -> Fence {
    Fence { target: "main".to_owned(), change: ChangeId::from_bytes(uuid_v7(0, [number; 10])), generation }
}

#[test]
fn a_change_is_built_on_the_tip_and_lands_without_touching_anybody_s_files() {
    let scene = Scene::new();
    let lane = scene.lane();
    let operations = [write("new/file", "hello\n"), diff("a", 3, "changed"), Operation::Delete { path: path("b") }];
    let commit = scene.commit(&lane, &scene.base, &operations);
    scene.repository.raise_fence(&fence(1, 1)).unwrap();
    scene.repository.land(&Landing { fences: &[fence(1, 1)], from: &scene.base, to: &commit }).unwrap();
    assert_eq!(scene.repository.tip("main").unwrap(), commit);
    assert_eq!(scene.file(&commit, "new/file"), "hello\n");
    assert_eq!(scene.file(&commit, "a"), lines("a", Some((3, "changed"))));
    assert_eq!(scene.repository.changed_paths(scene.base.as_str(), commit.as_str()).unwrap(), ["a", "b", "new/file"]);
    assert!(scene.repository.is_ancestor(&scene.base, &commit).unwrap());
    let user = scene.folder.path().join("user");
    assert_eq!(git(&user, &["status", "--porcelain"]), "", "the user's checkout is as it was");
    let author = git(scene.repository.folder(), &["log", "-1", "--format=%an %ae %cn", "main"]);
    assert_eq!(author, "ann ann@convoke convoke\n");
}

#[test]
fn a_worker_whose_claim_was_outranked_cannot_move_the_branch() {
    let scene = Scene::new();
    let commit = scene.commit(&scene.lane(), &scene.base, &[write("x", "1")]);
    scene.repository.raise_fence(&fence(1, 1)).unwrap();
    scene.repository.raise_fence(&fence(1, 2)).unwrap();
    let late = scene.repository.land(&Landing { fences: &[fence(1, 1)], from: &scene.base, to: &commit });
    assert!(matches!(late, Err(GitError::RefMoved(_))), "{late:?}");
    assert_eq!(scene.repository.tip("main").unwrap(), scene.base);
    assert!(matches!(scene.repository.raise_fence(&fence(1, 1)), Err(GitError::RefMoved(_))));
    scene.repository.land(&Landing { fences: &[fence(1, 2)], from: &scene.base, to: &commit }).unwrap();
}

#[test]
fn a_branch_that_somebody_moved_is_not_overwritten() {
    let scene = Scene::new();
    let lane = scene.lane();
    let (one, other) =
        (scene.commit(&lane, &scene.base, &[write("x", "1")]), scene.commit(&lane, &scene.base, &[write("y", "2")]));
    for number in [1, 2] {
        scene.repository.raise_fence(&fence(number, 1)).unwrap();
    }
    scene.repository.land(&Landing { fences: &[fence(1, 1)], from: &scene.base, to: &one }).unwrap();
    let late = scene.repository.land(&Landing { fences: &[fence(2, 1)], from: &scene.base, to: &other });
    assert!(matches!(late, Err(GitError::RefMoved(_))), "{late:?}");
    assert_eq!(scene.repository.tip("main").unwrap(), one);
}

#[test]
fn a_branch_that_is_checked_out_is_left_alone() {
    let scene = Scene::new();
    let user = scene.folder.path().join("user");
    git(&user, &["checkout", "-q", "-B", "main"]);
    let repository = Repository::find(&user.join("dir")).unwrap();
    let base = repository.tip("main").unwrap();
    repository.raise_fence(&fence(1, 1)).unwrap();
    let landing = repository.land(&Landing { fences: &[fence(1, 1)], from: &base, to: &base });
    assert!(matches!(landing, Err(GitError::CheckedOut { .. })), "{landing:?}");
}

#[test]
fn a_patch_against_an_older_tip_applies_three_way_and_a_contradiction_names_its_file() {
    let scene = Scene::new();
    let lane = scene.lane();
    let tip = scene.commit(&lane, &scene.base, &[diff("a", 0, "other")]);
    let far = scene.commit(&lane, &tip, &[diff("a", 8, "mine")]);
    assert!(scene.file(&far, "a").starts_with("other\n") && scene.file(&far, "a").contains("mine\n"));
    lane.reset(&tip).unwrap();
    let Merged::Conflict { paths, detail } = lane.apply(&[diff("a", 0, "mine")]).unwrap() else {
        panic!("two changes of one line both apply")
    };
    assert_eq!(paths, ["a"]);
    assert!(detail.contains("patch failed: a:1"), "{detail}");
    scene.commit(&lane, &tip, &[diff("b", 0, "fine")]);
}

#[test]
fn a_commit_merges_onto_the_tip_without_a_worktree() {
    let scene = Scene::new();
    let lane = scene.lane();
    let tip = scene.commit(&lane, &scene.base, &[diff("a", 0, "theirs")]);
    let clean = scene.commit(&lane, &scene.base, &[diff("b", 0, "mine")]);
    let clash = scene.commit(&lane, &scene.base, &[diff("a", 0, "mine")]);
    let Merged::Tree(tree) = scene.repository.merge(&tip, &clean).unwrap() else { panic!("it conflicts") };
    assert_eq!(scene.repository.changed_paths(tip.as_str(), tree.as_str()).unwrap(), ["b"]);
    let Merged::Conflict { paths, detail } = scene.repository.merge(&tip, &clash).unwrap() else {
        panic!("it applies")
    };
    assert_eq!(paths, ["a"]);
    assert!(detail.contains("CONFLICT (content)"), "{detail}");
}

#[test]
fn nothing_is_written_through_a_symlink() {
    let scene = Scene::new();
    let lane = scene.lane();
    let outside = scene.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, lane.folder().join("link")).unwrap();
    let Merged::Conflict { detail, .. } = lane.apply(&[write("link/x", "1")]).unwrap() else { panic!("it applies") };
    assert_eq!(detail, "link is a symlink");
    assert!(fs::read_dir(&outside).unwrap().next().is_none());
}

#[test]
fn a_worktree_that_was_left_half_made_or_littered_is_as_new() {
    let scene = Scene::new();
    let lane = scene.lane();
    fs::write(lane.folder().join("litter"), "x").unwrap();
    fs::remove_file(lane.folder().join("a")).unwrap();
    let lane = scene.lane();
    assert!(!lane.folder().join("litter").exists() && lane.folder().join("a").exists());
    fs::remove_file(lane.folder().join(".git")).unwrap();
    let lane = scene.lane();
    assert!(lane.folder().join("dir/c").exists());
    let folder = lane.folder().to_path_buf();
    lane.remove().unwrap();
    assert!(!folder.exists());
    assert_eq!(git(scene.repository.folder(), &["worktree", "list"]).lines().count(), 1);
}

#[test]
fn a_folder_without_a_repository_and_a_branch_that_is_not_there_are_said() {
    let scene = Scene::new();
    let nowhere = tempfile::tempdir().unwrap();
    assert!(matches!(Repository::find(nowhere.path()), Err(GitError::NotARepository(_))));
    assert!(matches!(Repository::find(&nowhere.path().join("gone")), Err(GitError::NotARepository(_))));
    assert!(matches!(scene.repository.tip("gone"), Err(GitError::NoBranch(_))));
}
