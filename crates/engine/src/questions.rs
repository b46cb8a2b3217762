//! Questions: views, events, proofs, checks. None changes anything.

use std::{fs, path::Path, sync::Arc, time::Instant};

use convoke_core::{
    id::IdReference,
    log::{Checkpoint, ConsistencyProof, Head, InclusionProof, consistency_path, inclusion_path},
    time::Timestamp,
    workspace::State,
};
use convoke_projections::{Query, View, Views, query::Reference};
use convoke_store::Log;

use crate::{
    api::{AsOf, Ask, EventView, Fault, Health, LogFilter, Question, Replayed, Reply, Verified, VerifyAsk},
    engine::{Engine, SNAPSHOTS, STORE},
    fault::internal,
    fold, render,
    snapshots::Origin,
};

/// Events shown by `log` if nobody says how many.
const LOG_LIMIT: u32 = 20;
/// The most events shown by `log`.
const LOG_LIMIT_MAX: u32 = 10_000;
/// Events looked at in one step of a filtered `log`.
const LOOK_EVENTS: u64 = 4_096;

impl<L: Log> Engine<L> {
    /// Answers a question, with the durable head that the answer rests on.
    ///
    /// # Errors
    /// What is asked for is not there, or the log cannot be read.
    pub async fn ask(&self, ask: Ask) -> Result<(Reply, Head), Fault> {
        let mut head = self.head();
        let size = match ask.as_of {
            None => head.size,
            Some(AsOf::Size(size)) if size <= head.size => size,
            Some(AsOf::Size(size)) => {
                let what = format!("the log holds {} events; there is no state after {size}", head.size);
                return Err(Fault::new("not_found", what));
            }
            Some(AsOf::Time(time)) if time > self.shared.now() => {
                return Err(Fault::new("not_found", format!("there is no state of {time} yet")));
            }
            Some(AsOf::Time(time)) => self.size_at(time, head.size).await?,
        };
        let reply = match ask.question {
            Question::State(query) => {
                let (view, seen) = self.view(&query, ask.as_of, size).await?;
                head = seen.unwrap_or(head);
                Reply::State(view)
            }
            Question::Log(filter) => self.log(&filter, size).await?,
            Question::Show(reference) => Reply::Event(Box::new(self.show(&reference, size).await?)),
            Question::History(reference) => self.history(reference, ask.as_of, size).await?,
            Question::Checkpoint => Reply::Checkpoint(self.checkpoint(size, head).await?),
            Question::Prove(position) => Reply::Proof(Box::new(self.prove(position, size, head).await?)),
            Question::Extends(old) => Reply::Extension(self.extends(old, size, head).await?),
            Question::Verify(ask) => Reply::Verified(self.verify(&ask).await?),
            Question::Replay => Reply::Replayed(self.replay(ask.as_of, size).await?),
            Question::Health => Reply::Health(self.health(head).await?),
        };
        Ok((reply, head))
    }

    /// How many events there were up to and at a time. Times never decrease, so this is a binary search.
    async fn size_at(&self, time: Timestamp, size: u64) -> Result<u64, Fault> {
        let (mut low, mut high) = (0, size);
        while low < high {
            let middle = low + (high - low) / 2;
            let event = render::events(&*self.shared.log, middle, middle + 1).await?;
            if event.first().is_some_and(|event| event.time <= time) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// A view of the state after `size` events, or of the state as it is with its head; message texts are read from the log.
    async fn view(&self, query: &Query, as_of: Option<AsOf>, size: u64) -> Result<(View, Option<Head>), Fault> {
        let past = match as_of {
            None => None,
            Some(_) => {
                let _permit = self.shared.whole_log().await;
                Some(fold::fold(&self.shared.log, self.shared.offload, 0, size, Views::default()).await?)
            }
        };
        let (mut view, head) = match (&past, as_of) {
            (None, _) => {
                let now = self.shared.now();
                let shown = self.shared.shown();
                (shown.views.answer(query, now)?, Some(shown.head))
            }
            (Some(views), Some(AsOf::Time(time))) => (views.answer(query, time)?, None),
            (Some(views), _) => (views.answer(query, views.last_event_at().unwrap_or_default())?, None),
        };
        loop {
            let needed = view.positions_needed();
            if needed.is_empty() {
                return Ok((view, head));
            }
            let events = fold::decode_at(&*self.shared.log, &needed).await?;
            match &past {
                Some(views) => views.fill(&mut view, &events)?,
                None => self.shared.shown().views.fill(&mut view, &events)?,
            }
        }
    }

    /// The newest events that match, oldest first. It looks no further than it has to, so that it knows how many more there
    /// are only if every event matches.
    async fn log(&self, filter: &LogFilter, size: u64) -> Result<Reply, Fault> {
        let limit = filter.limit.unwrap_or(LOG_LIMIT).min(LOG_LIMIT_MAX) as usize;
        let lowest = filter.from.unwrap_or(0).min(size);
        let everything = filter.kind.is_none() && filter.actor.is_none() && filter.since.is_none();
        let mut found: Vec<EventView> = Vec::new();
        let mut end = size;
        while end > lowest && found.len() < limit {
            let step = if everything { (limit - found.len()) as u64 } else { LOOK_EVENTS };
            let start = end.saturating_sub(step).max(lowest);
            let mut events = render::events(&*self.shared.log, start, end).await?;
            let is_before = |event: &EventView| filter.since.is_some_and(|since| event.time < since);
            let reached = events.first().is_some_and(is_before);
            while let Some(event) = events.pop()
                && found.len() < limit
            {
                end = event.position;
                if filter.matches(&event) {
                    found.push(event);
                }
            }
            if reached {
                end = lowest;
            }
        }
        found.reverse();
        let more = if everything { Some(end - lowest) } else { (end == lowest).then_some(0) };
        Ok(Reply::Log { events: found, more })
    }

    /// One event: by its position or id, or the one that began what has this name.
    async fn show(&self, reference: &str, size: u64) -> Result<EventView, Fault> {
        let not_found = || {
            let reference = convoke_core::name::shorten(reference);
            Fault::new("not_found", format!("there is no event {reference:?} among the log's {size}"))
        };
        // Eight digits and more may be an id as well; a position that exists is meant first.
        let position = reference.parse().ok().filter(|position: &u64| *position < size);
        let position = match (position, IdReference::parse(reference)) {
            (Some(position), _) => position,
            (None, Some(_)) => {
                let found = self.shared.find(reference).await?;
                let mut found = found.iter().filter(|recorded| recorded.position < size);
                let first = found.next().ok_or_else(not_found)?;
                if let Some(second) = found.next() {
                    let what = format!("{reference:?} may mean event {} or {}", first.id, second.id);
                    return Err(Fault::new("ambiguous", what));
                }
                first.position
            }
            (None, None) => {
                let query = Query::History(Reference { reference: reference.to_owned() });
                let positions = match self.view(&query, None, size).await {
                    Ok((View::History(history), _)) => history.positions,
                    Err(fault) if fault.code == "ambiguous" => return Err(fault),
                    _ => Vec::new(),
                };
                positions.first().copied().filter(|position| *position < size).ok_or_else(not_found)?
            }
        };
        render::events(&*self.shared.log, position, position + 1).await?.into_iter().next().ok_or_else(not_found)
    }

    /// Every event about one thing.
    async fn history(&self, reference: String, as_of: Option<AsOf>, size: u64) -> Result<Reply, Fault> {
        let query = Query::History(Reference { reference });
        let (View::History(history), _) = self.view(&query, as_of, size).await? else {
            return Err(internal("a history is not a history"));
        };
        let mut events = Vec::with_capacity(history.positions.len());
        for position in history.positions.iter().filter(|position| **position < size) {
            events.extend(render::events(&*self.shared.log, *position, position + 1).await?);
        }
        Ok(Reply::Log { events, more: Some(0) })
    }

    async fn head_at(&self, size: u64, head: Head) -> Result<Head, Fault> {
        if size == head.size {
            return Ok(head);
        }
        Ok(Head { size, root: self.shared.log.range_root(0, size).await? })
    }

    /// The head after `size` events, to be kept elsewhere.
    async fn checkpoint(&self, size: u64, head: Head) -> Result<Checkpoint, Fault> {
        let Head { size, root } = self.head_at(size, head).await?;
        let last = render::events(&*self.shared.log, size.saturating_sub(1), size).await?;
        let (Some(log_id), Some(last)) = (self.shared.log.log_id(), last.first()) else {
            return Err(Fault::new("not_found", "a log without events has no checkpoint"));
        };
        Ok(Checkpoint { convoke_checkpoint: Checkpoint::VERSION, log_id, size, root, time: last.time })
    }

    /// A proof that an event is in the log.
    async fn prove(&self, position: u64, size: u64, head: Head) -> Result<InclusionProof, Fault> {
        let beyond = || Fault::new("not_found", format!("there is no position {position} among {size} events"));
        if position >= size {
            return Err(beyond());
        }
        let head = self.head_at(size, head).await?;
        let ranges = ranges_of(|root_of| inclusion_path(position, size, root_of));
        let path = self.roots(&ranges).await?;
        let stored = self.shared.log.read(position, 1).await?;
        let event = stored.first().and_then(|stored| stored.commit.event(position)).ok_or_else(beyond)?;
        let log_id = self.shared.log.log_id().ok_or_else(beyond)?;
        let proof = InclusionProof::new(log_id, position, head, event, path);
        // What is handed out holds: damaged bytes are found here and not by whoever gets the proof.
        proof.check().map_err(|error| Fault::new("log_damaged", format!("position {position}: {error}")))?;
        Ok(proof)
    }

    /// A proof that the log extends its first `old` events.
    async fn extends(&self, old: u64, size: u64, head: Head) -> Result<ConsistencyProof, Fault> {
        if old == 0 || old > size {
            return Err(Fault::new("not_found", format!("there is no head after {old} among {size} events")));
        }
        let new = self.head_at(size, head).await?;
        let path = self.roots(&ranges_of(|root_of| consistency_path(old, size, root_of))).await?;
        let log_id = self.shared.log.log_id().ok_or_else(|| internal("a log with events has an id"))?;
        let old = self.head_at(old, head).await?;
        Ok(ConsistencyProof { convoke_consistency: ConsistencyProof::VERSION, log_id, old, new, path })
    }

    async fn roots(&self, ranges: &[(u64, u64)]) -> Result<Vec<convoke_core::log::Hash>, Fault> {
        let mut roots = Vec::with_capacity(ranges.len());
        for (start, end) in ranges {
            roots.push(self.shared.log.range_root(*start, *end).await?);
        }
        Ok(roots)
    }

    async fn verify(&self, ask: &VerifyAsk) -> Result<Verified, Fault> {
        let _permit = self.shared.whole_log().await;
        crate::verify::verify(Arc::clone(&self.shared.log), ask.against.clone()).await
    }

    /// Folds the log from zero; without `as_of`, compares with the state that decides and with the views that are shown.
    async fn replay(&self, as_of: Option<AsOf>, size: u64) -> Result<Replayed, Fault> {
        let running = match as_of {
            Some(_) => None,
            None => {
                let shared = Arc::clone(&self.shared);
                // Between two batches both are at the same head.
                Some(
                    self.inspect(move |state| {
                        let shown = shared.shown();
                        Origin::of(state, &shown.views, shown.head)
                    })
                    .await?,
                )
            }
        };
        let size = running.map_or(size, |running| running.head.size);
        let _permit = self.shared.whole_log().await;
        let began = Instant::now();
        let (log, offload) = (&self.shared.log, self.shared.offload);
        let (state, views) = fold::fold_both(log, offload, 0, size, State::default(), Views::default()).await?;
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let head = self.head_at(size, self.head()).await?;
        let replayed = Origin::of(&state, &views, head);
        let matches = running.is_none_or(|running| running == replayed);
        Ok(Replayed { head, state_digest: replayed.state.to_string(), matches, took_ms })
    }

    async fn health(&self, head: Head) -> Result<Health, Fault> {
        let disk_bytes = self
            .shared
            .folder
            .as_ref()
            .map_or(0, |folder| bytes_below(&folder.join(STORE)) + bytes_below(&folder.join(SNAPSHOTS)));
        Ok(Health {
            checkpoint: self.checkpoint(head.size, head).await?,
            now: self.shared.now(),
            clock_jumped: self.shared.clock_jumped(),
            poisoned: self.shared.poisoned().is_some(),
            audit: self.shared.audit_fault(),
            events_since_snapshot: head.size.saturating_sub(self.shared.snapshot_size()),
            disk_bytes,
            next_due: self.shared.next_due(),
        })
    }
}

/// The ranges whose roots a path consists of, in the path's order.
fn ranges_of(
    path: impl FnOnce(
        &mut dyn FnMut(u64, u64) -> Result<convoke_core::log::Hash, std::convert::Infallible>,
    ) -> Result<Vec<convoke_core::log::Hash>, std::convert::Infallible>,
) -> Vec<(u64, u64)> {
    let mut ranges = Vec::new();
    let Ok(_) = path(&mut |start, end| {
        ranges.push((start, end));
        Ok(convoke_core::log::Hash::ZERO)
    });
    // A path is collected from the root down and then turned round.
    ranges.reverse();
    ranges
}

fn bytes_below(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
