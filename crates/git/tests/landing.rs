//! Building and landing changes in real repositories.

use std::{fs, path::Path, process::Command};

use convoke_core::{
    id::{ChangeId, uuid_v7},
    queue::{GitHash, RepoPath},
};
use convoke_git::{Builder, Fence, GitError, Landing, Merged, Operation, Refs, Repository, Worktree};
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

    fn builder(&self) -> Builder {
        Builder::open(&self.repository, &self.folder.path().join("build")).unwrap()
    }

    fn refs(&self) -> Refs {
        Refs::of(&self.repository)
    }

    fn tree(&self, commit: &GitHash) -> GitHash {
        self.repository.tree(commit).unwrap().unwrap()
    }

    fn apply(&self, builder: &mut Builder, on: &GitHash, operations: &[Operation]) -> Merged {
        builder.apply(&self.tree(on), operations).unwrap()
    }

    fn commit(&self, builder: &mut Builder, on: &GitHash, operations: &[Operation]) -> GitHash {
        let merged = self.apply(builder, on, operations);
        let Merged::Tree(tree) = merged else { panic!("it conflicts: {merged:?}") };
        self.repository.commit_tree(&tree, &[on], "a change\n", ("ann", "ann@convoke")).unwrap()
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
    let mut lane = scene.builder();
    let operations = [write("new/file", "hello\n"), diff("a", 3, "changed"), Operation::Delete { path: path("b") }];
    let commit = scene.commit(&mut lane, &scene.base, &operations);
    assert_eq!(scene.refs().raise(&[fence(1, 1)]).unwrap(), []);
    scene.refs().land(&Landing { fences: &[fence(1, 1)], from: &scene.base, to: &commit }).unwrap();
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
    let commit = scene.commit(&mut scene.builder(), &scene.base, &[write("x", "1")]);
    assert_eq!(scene.refs().raise(&[fence(1, 1)]).unwrap(), []);
    assert_eq!(scene.refs().raise(&[fence(1, 2)]).unwrap(), []);
    let late = scene.refs().land(&Landing { fences: &[fence(1, 1)], from: &scene.base, to: &commit });
    assert!(matches!(late, Err(GitError::RefMoved(_))), "{late:?}");
    assert_eq!(scene.repository.tip("main").unwrap(), scene.base);
    assert_eq!(
        scene.refs().raise(&[fence(2, 1), fence(1, 1)]).unwrap(),
        [fence(1, 1)],
        "an old claim does not come back"
    );
    assert_eq!(scene.repository.fences().unwrap(), [fence(1, 2), fence(2, 1)]);
    scene.refs().land(&Landing { fences: &[fence(1, 2)], from: &scene.base, to: &commit }).unwrap();
}

#[test]
fn a_branch_that_somebody_moved_is_not_overwritten() {
    let scene = Scene::new();
    let mut lane = scene.builder();
    let (one, other) = (
        scene.commit(&mut lane, &scene.base, &[write("x", "1")]),
        scene.commit(&mut lane, &scene.base, &[write("y", "2")]),
    );
    for number in [1, 2] {
        assert_eq!(scene.refs().raise(&[fence(number, 1)]).unwrap(), []);
    }
    scene.refs().land(&Landing { fences: &[fence(1, 1)], from: &scene.base, to: &one }).unwrap();
    let late = scene.refs().land(&Landing { fences: &[fence(2, 1)], from: &scene.base, to: &other });
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
    Refs::of(&repository).raise(&[fence(1, 1)]).unwrap();
    let landing = Refs::of(&repository).land(&Landing { fences: &[fence(1, 1)], from: &base, to: &base });
    assert!(matches!(landing, Err(GitError::CheckedOut { .. })), "{landing:?}");
}

#[test]
fn a_patch_against_an_older_tip_applies_three_way_and_a_contradiction_names_its_file() {
    let scene = Scene::new();
    let mut lane = scene.builder();
    let tip = scene.commit(&mut lane, &scene.base, &[diff("a", 0, "other")]);
    let far = scene.commit(&mut lane, &tip, &[diff("a", 8, "mine")]);
    assert!(scene.file(&far, "a").starts_with("other\n") && scene.file(&far, "a").contains("mine\n"));
    let Merged::Conflict { paths, detail } = scene.apply(&mut lane, &tip, &[diff("a", 0, "mine")]) else {
        panic!("two changes of one line both apply")
    };
    assert_eq!(paths, ["a"]);
    assert!(detail.contains("patch failed: a:1"), "{detail}");
    scene.commit(&mut lane, &tip, &[diff("b", 0, "fine")]);
}

#[test]
fn a_commit_merges_onto_the_tip_without_a_worktree() {
    let scene = Scene::new();
    let mut lane = scene.builder();
    let tip = scene.commit(&mut lane, &scene.base, &[diff("a", 0, "theirs")]);
    let clean = scene.commit(&mut lane, &scene.base, &[diff("b", 0, "mine")]);
    let clash = scene.commit(&mut lane, &scene.base, &[diff("a", 0, "mine")]);
    let Merged::Tree(tree) = scene.repository.merge(&tip, &clean).unwrap() else { panic!("it conflicts") };
    assert_eq!(scene.repository.changed_paths(tip.as_str(), tree.as_str()).unwrap(), ["b"]);
    let Merged::Conflict { paths, detail } = scene.repository.merge(&tip, &clash).unwrap() else {
        panic!("it applies")
    };
    assert_eq!(paths, ["a"]);
    assert!(detail.contains("CONFLICT (content)"), "{detail}");
}

#[test]
fn a_file_goes_only_where_nothing_else_stands() {
    let scene = Scene::new();
    let checkout = scene.folder.path().join("user");
    std::os::unix::fs::symlink("dir", checkout.join("link")).unwrap();
    fs::write(checkout.join("run"), "#!/bin/sh\n").unwrap();
    git(&checkout, &["add", "."]);
    git(&checkout, &["update-index", "--chmod=+x", "run"]);
    git(&checkout, &["commit", "-q", "-m", "a link"]);
    git(&checkout, &["push", "-q", "origin", "HEAD:main"]);
    let (tip, mut builder) = (scene.repository.tip("main").unwrap(), scene.builder());
    for (operation, why) in [
        (write("link/x", "1"), "link is a symlink"),
        (write("link", "1"), "it is a symlink"),
        (write("a/x", "1"), "a is a file"),
        (write("dir", "1"), "it is a folder"),
        (Operation::Delete { path: path("gone") }, "it is not there"),
        (Operation::Delete { path: path("dir") }, "it is a folder"),
    ] {
        let Merged::Conflict { paths, detail } = scene.apply(&mut builder, &tip, &[operation]) else {
            panic!("it applies, although {why}")
        };
        assert_eq!((paths.len(), detail.as_str()), (1, why));
    }
    let commit = scene.commit(&mut builder, &tip, &[write("run", "new\n"), Operation::Delete { path: path("link") }]);
    let list = git(scene.repository.folder(), &["ls-tree", "--name-only", commit.as_str()]);
    assert_eq!(list, "a\nb\ndir\nrun\n");
    let run = git(scene.repository.folder(), &["ls-tree", commit.as_str(), "run"]);
    assert!(run.starts_with("100755"), "{run}");
}

#[test]
fn a_submodule_and_a_symlink_that_leads_out_are_seen_in_the_built_tree() {
    let scene = Scene::new();
    let mut builder = scene.builder();
    let base = scene.tree(&scene.base);
    let link = "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+../outside\n\\ No newline at end of file\n";
    let module = format!(
        "diff --git a/m b/m\nnew file mode 160000\n--- /dev/null\n+++ b/m\n@@ -0,0 +1 @@\n+Subproject commit {}\n",
        scene.base
    );
    let operations = [link, &module].map(|diff| Operation::Patch { diff: diff.as_bytes().to_vec() });
    let Merged::Tree(tree) = builder.apply(&base, &operations).unwrap() else { panic!("it conflicts") };
    let faults: Vec<String> =
        builder.touched(&base, &tree).unwrap().iter().filter_map(convoke_git::patch::Touched::fault).collect();
    assert_eq!(faults, ["l is a symlink to \"../outside\", which leads out of the repository", "m is a submodule"]);
    assert_eq!(builder.touched(&base, &base).unwrap(), [], "one process answers again and again");
}

#[test]
fn fences_of_ended_changes_are_taken_away_and_newer_ones_stay() {
    let scene = Scene::new();
    let mut refs = scene.refs();
    refs.raise(&[fence(1, 1), fence(2, 1), fence(3, 1)]).unwrap();
    refs.raise(&[fence(2, 2)]).unwrap();
    refs.drop_fences(&[fence(1, 1), fence(2, 1)]).unwrap();
    assert_eq!(scene.repository.fences().unwrap(), [fence(2, 2), fence(3, 1)]);
    refs.drop_fences(&[fence(2, 2), fence(3, 1)]).unwrap();
    assert_eq!(scene.repository.fences().unwrap(), []);
}

#[test]
fn a_commit_stays_until_the_last_of_its_keepers_lets_it_go() {
    let scene = Scene::new();
    let kept = |keeper: &str| scene.repository.kept(keeper).unwrap();
    for keeper in ["one", "other"] {
        scene.repository.keep(keeper, &scene.base).unwrap();
    }
    scene.repository.let_go("one", &scene.base).unwrap();
    assert_eq!((kept("one"), kept("other")), (Vec::new(), vec![scene.base.clone()]));
    assert!(kept("oth").is_empty(), "a name is a whole one");
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
