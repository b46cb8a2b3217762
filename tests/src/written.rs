//! The log as its export tells it: every event, and the root after every size, computed anew.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use convoke_core::{
    event::Recorded,
    log::{Frontier, Hash, Head, export::ExportReader},
};

use crate::workspace::{ORGANIZER, Workspace};

/// A whole log.
#[derive(Debug)]
pub struct Written {
    /// Every event, in order.
    pub events: Vec<Recorded>,
    /// The events of each commit: the position of the first, and the one after the last.
    pub commits: Vec<(u64, u64)>,
    /// The root over the first N events, for each N.
    roots: Vec<Hash>,
}

impl Written {
    /// Reads the log of a workspace, through the program.
    #[track_caller]
    #[must_use]
    pub fn in_workspace(workspace: &Workspace) -> Self {
        let file = workspace.inside("written.ndjson");
        let path = file.to_str().expect("test folders are UTF-8");
        let exported = workspace.run(ORGANIZER, &["export", "--output", path]);
        assert_eq!(exported.exit, 0, "{exported}");
        Self::in_export(&file)
    }

    /// Reads an export.
    ///
    /// # Panics
    /// If it is not one.
    #[must_use]
    pub fn in_export(file: &Path) -> Self {
        Self::read(BufReader::new(File::open(file).expect("the export is there")))
    }

    fn read(mut input: impl BufRead) -> Self {
        let (mut events, mut commits) = (Vec::new(), Vec::new());
        let mut frontier = Frontier::default();
        let mut roots = vec![Head::EMPTY.root];
        let mut line = || {
            let mut line = Vec::new();
            input.read_until(b'\n', &mut line).expect("the export can be read");
            Some(line).filter(|line| !line.is_empty())
        };
        let mut reader = ExportReader::open(&line().expect("an export")).expect("an export");
        while let Some(line) = line() {
            let Some(exported) = reader.line(&line).expect("the export holds") else { continue };
            for event in exported.commit.events() {
                frontier.push(event.leaf());
                roots.push(frontier.root());
                events.push(Recorded::of(event).expect("every event is known"));
            }
            commits.push((exported.commit.first(), exported.commit.end()));
        }
        reader.finish().expect("the export ends with its checkpoint");
        Self { events, commits, roots }
    }

    /// Whether this was the head at some time.
    #[must_use]
    pub fn had(&self, head: Head) -> bool {
        usize::try_from(head.size).ok().and_then(|size| self.roots.get(size)) == Some(&head.root)
    }

    /// The events of one kind.
    pub fn of_kind<'w>(&'w self, kind: &'w str) -> impl Iterator<Item = &'w Recorded> {
        self.events.iter().filter(move |recorded| recorded.event.kind() == kind)
    }
}
