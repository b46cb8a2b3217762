#!/usr/bin/env python3
"""Plants faults in the engine, one at a time, and says what the simulation makes of each.

`tests/planted-faults.py [NAME ...]`: edits the sources in place, builds and runs `simulate --seeds 2000`, puts the sources back.
Each edit must apply exactly once. Prints the table of docs/simulation.md, with the first seed that failed and what it said.
Fails if a fault is not found. Run it in a tree without changes of your own, and nothing else beside it: cargo must not mix both.
"""
import os, re, subprocess, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SEEDS = "2000"

# (name, what fault it is, file, exact text, replacement)
FAULTS = [
    ("answer-early", "answers before the append", "crates/engine/src/writer.rs",
     """        let commit = Arc::new(std::mem::take(&mut batch.commit));
        let mut next = None;
""",
     """        let commit = Arc::new(std::mem::take(&mut batch.commit));
        let mut next = None;
        let mut replies = replies;
        if !commit.is_empty() {
            let early = Head { size: self.durable.size + commit.len() as u64, root: self.durable.root };
            for (decided, reply) in batch.decided.drain(..).zip(replies.drain(..)) {
                let done = decided.map(|outcome| Done { outcome, commit: Arc::clone(&commit), head: early });
                let _ = reply.send(done.map_err(Fault::from));
            }
        }
"""),
    ("refuse-early", "refuses before the append that the refusal rests on", "crates/engine/src/writer.rs",
     """        let commit = Arc::new(std::mem::take(&mut batch.commit));
        let mut next = None;
""",
     """        let commit = Arc::new(std::mem::take(&mut batch.commit));
        let mut next = None;
        let mut later = Vec::new();
        let mut decided = Vec::new();
        for (one, reply) in batch.decided.drain(..).zip(replies) {
            match one {
                Err(refusal) => drop(reply.send(Err(Fault::from(refusal)))),
                one => {
                    decided.push(one);
                    later.push(reply);
                }
            }
        }
        batch.decided = decided;
        let replies = later;
"""),
    ("view-ahead", "shows events before they are durable", "crates/engine/src/writer.rs",
     "        let mut batch = batch.finish();\n",
     """        let mut batch = batch.finish();
        if !batch.commit.is_empty() {
            let early = Head { size: self.durable.size + batch.commit.len() as u64, root: self.durable.root };
            self.shared.publish(&batch.recorded, early);
            batch.recorded.clear();
        }
"""),
    ("view-behind", "publishes a head without its last event's view", "crates/engine/src/engine.rs",
     "        for recorded in events {\n            shown.views.apply(recorded);",
     """        for recorded in events.iter().take(events.len().max(2) - 1) {
            shown.views.apply(recorded);"""),
    ("go-on-after-failure", "goes on deciding after an append of unknown outcome", "crates/engine/src/writer.rs",
     "                Err(fault) => {\n                    self.shared.poison(&fault);",
     """                Err(fault) if fault.code == "outcome_unknown" && self.shared.poisoned().is_none() && waiting.asked.len() > 1 => {
                    for asked in waiting.asked.drain(..) {
                        let _ = asked.reply.send(Err(fault.clone()));
                    }
                }
                Err(fault) => {
                    self.shared.poison(&fault);"""),
    ("failure-is-success", "takes an append of unknown outcome for done", "crates/engine/src/writer.rs",
     "        appended.map_err(|error| match error {\n",
     """        let head = Head { size: self.durable.size + commit.len() as u64, root: self.durable.root };
        appended.or_else(|error| match error {
            AppendError::OutcomeUnknown(_) => Ok(head),
            error => Err(error),
        }).map_err(|error| match error {
"""),
    ("fold-skips", "opening skips the last event of a chunk", "crates/engine/src/fold.rs",
     "        chunk.iter().for_each(|recorded| fold.take(recorded));",
     "        chunk.iter().take(chunk.len().max(2) - 1).for_each(|recorded| fold.take(recorded));"),
    ("fold-twice", "opening applies the first event after a snapshot twice to the views", "crates/engine/src/fold.rs",
     "        let chunk = Arc::new(chunk);\n        let (deciding",
     """        if let Some(first) = chunk.first().filter(|first| from > 0 && first.position == from) {
            views.apply(first);
        }
        let chunk = Arc::new(chunk);
        let (deciding"""),
    ("snapshot-of-any-head", "uses snapshots of two different heads", "crates/engine/src/snapshots.rs",
     """    let of_one_head = (state.log_id, state.head) == (views.log_id, views.head)
        && (state.fold.size, views.fold.size()) == (state.head.size, state.head.size);""",
     "    let of_one_head = state.log_id == views.log_id;"),
    ("snapshot-wrong", "writes snapshots of the state without its keys", "crates/engine/src/writer.rs",
     "offload.begin(move || (snapshots::write_state(&folder, &state, log_id, head), state));",
     """offload.begin(move || {
            let mut older = (*state).clone();
            older.keys = Default::default();
            (snapshots::write_state(&folder, &older, log_id, head), state)
        });"""),
    ("keys-lost", "idempotency keys do not survive recovery", "crates/engine/src/engine.rs",
     "        let sequencer = Sequencer::new(state,",
     """        let mut state = state;
        state.keys = Default::default();
        let sequencer = Sequencer::new(state,"""),
    ("due-after", "decides what is due after the command", "crates/engine/src/sequencer.rs",
     """            open.more_due = time.is_ok_and(|now| self.decide_due(now, ids, &mut open.writing));
""",
     """            open.more_due = !open.decided.is_empty() && time.is_ok_and(|now| self.decide_due(now, ids, &mut open.writing));
"""),
    ("due-a-moment-late", "what is due at this very moment is left for the next", "crates/engine/src/sequencer.rs",
     "        let is_due = |state: &State| state.next_due().is_some_and(|due| due <= now);",
     "        let is_due = |state: &State| state.next_due().is_some_and(|due| due < now);"),
    ("key-not-written", "now and then does not write the key with the event", "crates/engine/src/sequencer.rs",
     "            .map(|keyed| Idempotency { key: keyed.key.clone(), fingerprint: keyed.fingerprint }),",
     """            .filter(|_| recorded.position % 7 != 3)
            .map(|keyed| Idempotency { key: keyed.key.clone(), fingerprint: keyed.fingerprint }),"""),
    ("keys-not-asked", "does not find every key that it remembers", "crates/core/src/keys.rs",
     "        self.oldest_first.get(self.place(&digest(actor, key))?).map(|entry| &entry.remembered)",
     "        self.oldest_first.get(self.place(&digest(actor, key))?).map(|entry| &entry.remembered).filter(|it| it.first % 5 != 3)"),
    ("time-from-wall", "the clock follows the wall clock backwards", "crates/core/src/clock.rs",
     "        let now = steady.max(readings.wall);\n        self.latest",
     "        let now = readings.wall;\n        self.latest"),
    ("jump-believed", "believes any jump of the wall clock on opening", "crates/core/src/clock.rs",
     "        Self { jump, ..Self::anchored(readings.wall.max(last_event), readings) }",
     "        Self { jump: jump.filter(|_| false), ..Self::anchored(readings.wall, readings) }"),
    ("head-not-moved", "publishes not every head", "crates/engine/src/writer.rs",
     "            self.published.send_replace(head);\n",
     """            if head.size % 5 != 4 {
                self.published.send_replace(head);
            }
"""),
    ("answers-swapped", "answers two requests of a batch with each other's outcome", "crates/engine/src/writer.rs",
     "        for (decided, reply) in batch.decided.into_iter().zip(replies) {\n",
     """        let mut decided = batch.decided;
        if decided.len() > 1 {
            decided.swap(0, 1);
        }
        for (decided, reply) in decided.into_iter().zip(replies) {
"""),
    ("request-forgotten", "forgets a request when things are still due", "crates/engine/src/writer.rs",
     "            self.fill(&mut waiting, WAITING_MAX);\n",
     """            self.fill(&mut waiting, WAITING_MAX);
            if waiting.asked.len() > 1 {
                std::mem::forget(waiting.asked.pop_back());
            }
"""),
    ("store-no-sync", "the store acknowledges before the sync", "crates/store/src/simulated.rs",
     "        pause(sync).await;\n        self.disk.sync(stored);",
     "        if sync.is_zero() { self.disk.sync(stored); } else { drop(stored); }"),
    ("cascade-torn", "a cascade is split into two commits", "crates/engine/src/sequencer.rs",
     "        for recorded in events {\n            // The first event",
     """        for recorded in events {
            if recorded.causation.is_some() && recorded.position % 11 == 5 { continue; }
            // The first event"""),
]


def run(*command, **more):
    return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, **more)


def build():
    return run("cargo", "build", "-q", "-p", "convoke-tests", "--bin", "simulate", *PROFILE)


def verdict(target):
    try:
        ran = run(str(target), "--seeds", SEEDS, timeout=400)
    except subprocess.TimeoutExpired:
        return "hangs", "the run does not end"
    if ran.returncode == 0:
        return None, None
    text = ran.stderr + ran.stdout
    seed = re.search(r"FAIL seed (\d+)", text)
    said = re.search(r"panicked at [^\n]*\n([^\n]*)", text)
    return (seed.group(1) if seed else "?"), (said.group(1)[:110] if said else text[-200:])


PROFILE = ["--release"] if os.environ.get("RELEASE") else []


def main():
    wanted, survived = set(sys.argv[1:]), []
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / ("release" if PROFILE else "debug") / "simulate"
    print("| fault | | first seed | what it says |\n| --- | --- | --- | --- |")
    for name, what, file, find, replace in FAULTS:
        if wanted and name not in wanted:
            continue
        path = ROOT / file
        text = path.read_text()
        if text.count(find) != 1:
            sys.exit(f"{name}: the text stands {text.count(find)} times in {file}")
        try:
            path.write_text(text.replace(find, replace))
            built = build()
            if built.returncode != 0:
                seed, said = None, "DOES NOT BUILD: " + built.stderr[:600]
            else:
                seed, said = verdict(target)
        finally:
            path.write_text(text)
        if seed is None:
            survived.append(name)
        print(f"| {name} | {what} | {seed} | {said} |", flush=True)
    if survived:
        sys.exit("not found: " + ", ".join(survived))


main()
