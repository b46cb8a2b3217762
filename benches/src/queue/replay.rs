//! Real work of many agents as change requests: who changed which files, in which order. The contents are made up: each change
//! edits one line of each of its files, as it stood some changes ago, so that late ones collide.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::Path,
};

use serde::Deserialize;
use serde_json::json;

use super::bench::{Bench, Draft, TARGET, git, numbered, watch_memory};
use crate::{
    Outcome,
    figures::{Figures, Target, median},
};

const LANES: usize = 8;
const BATCH: usize = 8;
const LINES: usize = 24;
/// How many changes ago an agent looked at the branch.
const BEHIND: usize = 6;
/// For the lanes' speed-up, with a check that takes a while.
const COMPARED: usize = 120;
const CHECK: &str = "sleep 0.25";

/// A line of `agent-commits.ndjson`.
#[derive(Deserialize)]
struct Record {
    agent: String,
    files: Vec<String>,
}

/// The same files at one time: the lines of each.
type Tree = BTreeMap<String, Vec<String>>;

/// What a serial run of the changes comes to, without git.
struct Reference {
    drafts: Vec<Draft>,
    landed: Vec<bool>,
    tree: Tree,
}

pub(crate) fn run(figures: &mut Figures) -> Outcome<()> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/agent-commits.ndjson");
    let Ok(text) = std::fs::read_to_string(&data) else {
        figures.skip(format!("{} is not there, so that no real work was replayed.", data.display()));
        return Ok(());
    };
    let mut records: Vec<Record> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    // Over the months one path was a file, and a folder; here all are files at once.
    let folders: BTreeSet<String> =
        records.iter().flat_map(|record| &record.files).flat_map(|path| folders(path)).collect();
    for path in records.iter_mut().flat_map(|record| &mut record.files).filter(|path| folders.contains(*path)) {
        path.push_str(".file");
    }
    whole(figures, &records)?;
    speed_up(figures, &records)
}

/// All of them, with lanes: does each land or conflict as in the serial run?
fn whole(figures: &mut Figures, records: &[Record]) -> Outcome<()> {
    let reference = serial(records, None);
    let mut bench = Bench::new(first(records))?;
    let count = reference.drafts.len();
    bench.submit(reference.drafts)?;
    let began = std::time::Instant::now();
    let mut worker = bench.worker(LANES, BATCH)?;
    let (of_worker, of_daemon) = watch_memory(&mut worker, &bench.program.daemon()?)?;
    let took = began.elapsed().as_secs_f64();
    let landed = reference.landed.iter().filter(|landed| **landed).count() as u64;
    let (ours, conflicted) = (bench.ended("landed")?, bench.ended("conflicted")?);
    if (ours, conflicted) != (landed, count as u64 - landed) {
        return Err(
            format!("{ours} landed and {conflicted} conflicted; the serial run says {landed} of {count}").into()
        );
    }
    for (path, lines) in &reference.tree {
        let content = git(Some(&bench.repository), &["show", &format!("{TARGET}:{path}")])?;
        if content != lines.concat().trim_end() {
            return Err(format!("{path} is not as after the serial run").into());
        }
    }
    // In the second tenth, and in the last.
    let megabytes = |looks: &[u64]| {
        let tenth = looks.len() / 10;
        let of = |looks: &[u64]| median(&looks.iter().map(|bytes| *bytes as f64 / 1e6).collect::<Vec<_>>());
        (of(&looks[tenth..2 * tenth]), of(&looks[looks.len() - tenth..]))
    };
    let ((early, late), (early_daemon, late_daemon)) = (megabytes(&of_worker), megabytes(&of_daemon));
    let from = format!(
        "{early:.1} MB and {late:.1} MB over {count} requests of {} agents in {took:.0} s: {landed} landed, {conflicted} conflicted, each file as after the serial run; the daemon, which can say of each what became of it, {early_daemon:.0} MB and {late_daemon:.0} MB",
        agents(records)
    );
    figures.add(
        "A worker's memory in the last tenth of 6,000 real change requests, beside the second",
        late / early,
        "×",
        Target::AtMost(1.25),
        from,
    );
    figures.keep("replay", json!({ "took_s": took, "landed": landed, "conflicted": conflicted, "memory": { "worker": of_worker, "daemon": of_daemon } }));
    Ok(())
}

/// Some from the middle, where many agents work, with a check that takes a while: one lane, and many.
fn speed_up(figures: &mut Figures, records: &[Record]) -> Outcome<()> {
    let records = &records[3_000..3_000 + COMPARED];
    let took = |lanes: usize| -> Outcome<f64> {
        let mut bench = Bench::new(first(records))?;
        bench.submit(serial(records, Some(CHECK)).drafts)?;
        Ok(bench.work(lanes, 1)?.as_secs_f64())
    };
    let (one, many) = (took(1)?, took(LANES)?);
    let from = format!("{COMPARED} requests with a check of 0.25 s: {one:.1} s beside {many:.1} s with {LANES} lanes");
    figures.add(
        "Real change requests with lanes, beside one lane (nothing asked)",
        one / many,
        "×",
        Target::AtLeast(1.0),
        from,
    );
    Ok(())
}

fn folders(path: &str) -> impl Iterator<Item = String> {
    path.match_indices('/').map(|(end, _)| path[..end].to_owned())
}

fn first(records: &[Record]) -> BTreeMap<String, String> {
    records.iter().flat_map(|record| &record.files).map(|path| (path.clone(), numbered(LINES))).collect()
}

fn agents(records: &[Record]) -> usize {
    records.iter().map(|record| &record.agent).collect::<BTreeSet<_>>().len()
}

/// Makes every change against the tree of some changes ago, and carries it out if the lines it names are still there.
fn serial(records: &[Record], check: Option<&str>) -> Reference {
    let start: Tree = first(records)
        .into_iter()
        .map(|(path, content)| (path, content.lines().map(|line| format!("{line}\n")).collect()))
        .collect();
    let mut tree = start.clone();
    // What each of the last changes replaced, the latest first: enough to look back.
    let mut replaced: VecDeque<Vec<(String, usize, String)>> = VecDeque::new();
    let (mut drafts, mut landed) = (Vec::new(), Vec::new());
    for (number, record) in records.iter().enumerate() {
        let mut seen: BTreeMap<&str, Vec<String>> =
            record.files.iter().map(|path| (path.as_str(), tree[path].clone())).collect();
        for (path, line, before) in replaced.iter().flatten() {
            if let Some(lines) = seen.get_mut(path.as_str()) {
                lines[*line].clone_from(before);
            }
        }
        // Far enough from one another, and from the file's ends, that a hunk has its three lines of context alone.
        let line = 4 + number % 2 * 10;
        let mut diff = String::new();
        let mut applies = true;
        let mut edits = Vec::new();
        for (path, lines) in &seen {
            let context = |range: std::ops::Range<usize>| -> String {
                lines[range].iter().map(|line| format!(" {line}")).collect()
            };
            let new = format!("line {line}, change {number}\n");
            diff += &format!(
                "--- a/{path}\n+++ b/{path}\n@@ -{first},7 +{first},7 @@\n{}-{}+{new}{}",
                context(line - 3..line),
                lines[line],
                context(line + 1..line + 4),
                first = line - 2,
            );
            applies &= tree[*path][line - 3..line + 4] == lines[line - 3..line + 4];
            edits.push(((*path).to_owned(), line, new));
        }
        drafts.push(Draft { agent: record.agent.clone(), diff, check: check.map(str::to_owned) });
        landed.push(applies);
        let mut before = Vec::new();
        if applies {
            for (path, line, new) in edits {
                let old = std::mem::replace(&mut tree.get_mut(&path).expect("a file of the records")[line], new);
                before.push((path, line, old));
            }
        }
        replaced.push_front(before);
        replaced.truncate(BEHIND);
    }
    Reference { drafts, landed, tree }
}
