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
        (Operation::Add { path: path("a"), content: b"1".to_vec() }, "it is there already"),
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

/// A commit on the branch's, with another `a`.
fn next(scene: &Scene) -> GitHash {
    scene.commit(&mut scene.builder(), &scene.base, &[write("a", "other\n")])
}

#[test]
fn a_branch_that_a_check_put_into_its_worktree_does_not_move_with_it() {
    let scene = Scene::new();
    let (lane, next) = (scene.lane(), next(&scene));
    git(lane.folder(), &["checkout", "-q", "main"]);
    lane.reset(&next).unwrap();
    assert_eq!(scene.repository.tip("main").unwrap(), scene.base, "nothing landed");
    assert_eq!(fs::read_to_string(lane.folder().join("a")).unwrap(), "other\n");
    // While the check that did it runs, others land all the same: nobody's checkout is at stake.
    git(lane.folder(), &["checkout", "-q", "main"]);
    let mut refs = scene.refs();
    refs.raise(&[fence(1, 1)]).unwrap();
    refs.land(&Landing { fences: &[fence(1, 1)], from: &scene.base, to: &next }).unwrap();
    lane.reset(&scene.base).unwrap();
    assert_eq!(scene.repository.tip("main").unwrap(), next);
}

#[test]
fn files_that_a_check_hid_from_git_are_made_anew() {
    let scene = Scene::new();
    let lane = scene.lane();
    for (file, hide) in [("a", "--skip-worktree"), ("b", "--assume-unchanged")] {
        git(lane.folder(), &["update-index", hide, file]);
        fs::write(lane.folder().join(file), "spoilt\n").unwrap();
    }
    fs::write(lane.folder().join("kept"), "").unwrap();
    git(lane.folder(), &["add", "kept"]);
    git(lane.folder(), &["update-index", "--skip-worktree", "kept"]);
    lane.reset(&scene.base).unwrap();
    for file in ["a", "b"] {
        assert_eq!(fs::read_to_string(lane.folder().join(file)).unwrap(), lines(file, None));
    }
    assert!(!lane.folder().join("kept").exists());
    assert_eq!(git(lane.folder(), &["status", "--porcelain"]), "", "a check's git sees it as it is");
}

#[test]
fn a_repository_that_a_check_made_of_its_worktree_is_taken_away() {
    let scene = Scene::new();
    let (lane, user) = (scene.lane(), scene.folder.path().join("user"));
    let link = lane.folder().join(".git");
    fs::remove_file(&link).unwrap();
    git(lane.folder(), &["init", "-q"]);
    assert!(lane.reset(&scene.base).is_err(), "it is another repository");
    let lane = scene.lane();
    assert!(link.is_file() && lane.folder().join("dir/c").exists());
    // Nor is what the file leads to used without a look: here it is the user's own checkout.
    let (next, before) = (next(&scene), git(&user, &["rev-parse", "HEAD"]));
    fs::write(&link, format!("gitdir: {}\n", user.join(".git").display())).unwrap();
    assert!(lane.reset(&next).is_err());
    Worktree::open(&scene.repository, lane.folder(), &next).unwrap();
    assert_eq!(git(&user, &["rev-parse", "HEAD"]), before);
    assert_eq!(git(&user, &["status", "--porcelain"]), "");
}

#[test]
fn a_worktree_of_somebody_else_stays_known_while_its_folder_is_not_there() {
    let scene = Scene::new();
    let (theirs, away) = (scene.folder.path().join("theirs"), scene.folder.path().join("away"));
    git(scene.repository.folder(), &["worktree", "add", "-q", "--detach", theirs.to_str().unwrap(), "main"]);
    fs::rename(&theirs, &away).unwrap();
    scene.lane().remove().unwrap();
    // A lane whose folder somebody took away is forgotten.
    let lost = scene.lane();
    fs::remove_dir_all(lost.folder()).unwrap();
    // And so is one whose worker was killed before it said that it is a lane.
    let lanes = scene.folder.path().join("lanes");
    fs::create_dir(&lanes).unwrap();
    let half_made = lanes.join("lane");
    git(scene.repository.folder(), &["worktree", "add", "-q", "--detach", half_made.to_str().unwrap(), "main"]);
    fs::remove_dir_all(&half_made).unwrap();
    scene.repository.forget_lost_lanes(&lanes).unwrap();
    assert_eq!(git(scene.repository.folder(), &["worktree", "list"]).lines().count(), 2);
    fs::rename(&away, &theirs).unwrap();
    assert_eq!(git(&theirs, &["status", "--porcelain"]), "");
}

#[test]
fn a_lane_holds_the_whole_tree_also_where_the_user_looks_at_a_part_of_it() {
    let scene = Scene::new();
    let user = scene.folder.path().join("user");
    git(&user, &["checkout", "-q", "--detach"]);
    git(&user, &["sparse-checkout", "set", "--no-cone", "/a"]);
    let repository = Repository::find(&user).unwrap();
    let lane = Worktree::open(&repository, &scene.folder.path().join("lane"), &scene.base).unwrap();
    assert!(lane.folder().join("dir/c").exists());
    assert!(!user.join("dir/c").exists());
}

#[test]
fn no_setting_of_the_tree_hides_a_submodule() {
    let scene = Scene::new();
    // Where there is a checkout, git reads `.gitmodules` from the index, which here is the builder's own.
    let repository = Repository::find(&scene.folder.path().join("user")).unwrap();
    let mut builder = Builder::open(&repository, &scene.folder.path().join("build")).unwrap();
    let modules = write(".gitmodules", "[submodule \"m\"]\n\tpath = m\n\turl = ./m\n\tignore = all\n");
    let module = format!(
        "diff --git a/m b/m\nnew file mode 160000\n--- /dev/null\n+++ b/m\n@@ -0,0 +1 @@\n+Subproject commit {}\n",
        scene.base
    );
    let base = scene.tree(&scene.base);
    let merged = builder.apply(&base, &[modules, Operation::Patch { diff: module.into_bytes() }]).unwrap();
    let Merged::Tree(tree) = merged else { panic!("it conflicts: {merged:?}") };
    let touched: Vec<String> = builder.touched(&base, &tree).unwrap().into_iter().map(|touched| touched.path).collect();
    assert_eq!(touched, [".gitmodules", "m"]);
}

#[test]
fn no_name_of_a_file_hides_those_that_come_after_it() {
    let scene = Scene::new();
    let base = scene.tree(&scene.base);
    let blob = git(scene.repository.folder(), &["rev-parse", "main:a"]);
    let user = scene.folder.path().join("user");
    for path in ["end\nafter", "weekend\nafter", "z"] {
        git(&user, &["update-index", "--add", "--cacheinfo", &format!("100644,{},{path}", blob.trim())]);
    }
    let tree = GitHash::parse(git(&user, &["write-tree"]).trim()).unwrap();
    let commit = git(&user, &["commit-tree", "-m", "other", tree.as_str()]);
    git(&user, &["push", "-q", "origin", &format!("{}:refs/heads/other", commit.trim())]);
    let mut builder = scene.builder();
    let touched: Vec<String> = builder.touched(&base, &tree).unwrap().into_iter().map(|touched| touched.path).collect();
    assert_eq!(touched, ["end\nafter", "weekend\nafter", "z"]);
    let next = scene.tree(&next(&scene));
    let touched: Vec<String> = builder.touched(&base, &next).unwrap().into_iter().map(|touched| touched.path).collect();
    assert_eq!(touched, ["a"], "the next answer is that of the next question");
}

#[test]
fn a_lock_that_was_left_behind_is_no_word_about_where_the_branch_is() {
    let scene = Scene::new();
    let (next, mut refs) = (next(&scene), scene.refs());
    refs.raise(&[fence(1, 1)]).unwrap();
    let lock = scene.repository.folder().join("refs/heads/main.lock");
    fs::write(&lock, "").unwrap();
    let landing = Landing { fences: &[fence(1, 1)], from: &scene.base, to: &next };
    let refused = refs.land(&landing).unwrap_err();
    assert!(matches!(&refused, GitError::Failed { said, .. } if said.contains("main.lock")), "{refused}");
    fs::remove_file(&lock).unwrap();
    refs.land(&landing).unwrap();
}

#[test]
fn a_branch_that_is_another_name_of_one_that_is_checked_out_is_left_alone() {
    let scene = Scene::new();
    let user = scene.folder.path().join("user");
    git(&user, &["checkout", "-q", "-B", "trunk"]);
    git(&user, &["symbolic-ref", "refs/heads/alias", "refs/heads/trunk"]);
    let repository = Repository::find(&user).unwrap();
    assert_eq!(repository.tip("alias").unwrap(), scene.base);
    assert!(repository.checked_out_at("alias").unwrap().is_some());
    assert_eq!(repository.checked_out_at("other").unwrap(), None);
}

#[test]
fn only_git_s_own_word_says_that_a_commit_is_not_in_a_history() {
    let scene = Scene::new();
    let (next, gone) = (next(&scene), GitHash::parse(&"5".repeat(40)).unwrap());
    assert!(scene.repository.is_ancestor(&scene.base, &next).unwrap());
    assert!(!scene.repository.is_ancestor(&next, &scene.base).unwrap());
    assert!(!scene.repository.is_ancestor(&gone, &next).unwrap(), "what is not there came before nothing");
    assert!(scene.repository.is_ancestor(&next, &gone).is_err(), "of a history that cannot be read nothing is known");
}

#[test]
fn a_file_and_a_folder_change_places_in_one_change() {
    let scene = Scene::new();
    let mut builder = scene.builder();
    let gone = |text: &str| Operation::Delete { path: path(text) };
    let folder = scene.commit(&mut builder, &scene.base, &[write("a/x", "1"), gone("a")]);
    assert_eq!(scene.file(&folder, "a/x"), "1");
    let file = scene.commit(&mut builder, &folder, &[write("dir", "2"), gone("dir/c"), gone("a/x")]);
    assert_eq!(git(scene.repository.folder(), &["ls-tree", "-r", "--name-only", file.as_str()]), "b\ndir\n");
    // Not if something would be lost by it.
    let full = scene.commit(&mut builder, &scene.base, &[write("dir/d", "1")]);
    let merged = scene.apply(&mut builder, &full, &[write("dir", "2"), gone("dir/c")]);
    assert!(matches!(merged, Merged::Conflict { .. }), "{merged:?}");
}
