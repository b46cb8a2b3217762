//! Finds things by what people call them: a full id, a short id, or an exact name.
//!
//! An exact name prefers what is still live: it is ambiguous only among live things, or among ended ones if none lives.

use std::collections::BTreeSet;

use crate::{
    id::{EventId, IdReference, SHORT_CHARS_MAX, text},
    name::{Name, shorten},
    refusal::Refusal,
};

/// How many candidates an ambiguous reference lists.
const CANDIDATES_SHOWN_MAX: usize = 10;
/// How many it counts. A name that comes again every five minutes means a hundred thousand ended things after a year.
const CANDIDATES_COUNTED_MAX: usize = 100;

/// Things by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Names<Id: Ord> {
    /// Of one name the live ones first, each in order of the ids (of their creation, to the millisecond).
    all: BTreeSet<(Name, Ended, Id)>,
}

type Ended = bool;

impl<Id: Ord> Default for Names<Id> {
    fn default() -> Self {
        Self { all: BTreeSet::new() }
    }
}

impl<Id: Copy + Ord + From<EventId>> Names<Id> {
    /// Enters a thing.
    pub fn enter(&mut self, id: Id, name: &Name, ended: bool) {
        self.all.insert((name.clone(), ended, id));
    }

    /// Takes a thing out.
    pub fn leave(&mut self, id: Id, name: &Name) {
        for ended in [false, true] {
            self.all.remove(&(name.clone(), ended, id));
        }
    }

    /// Whether nothing is here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Notes that a live thing ended: live ones of its name are preferred from now on.
    pub fn end(&mut self, id: Id, name: &Name) {
        if self.all.remove(&(name.clone(), false, id)) {
            self.enter(id, name, true);
        }
    }

    /// The live things of this name; the ended ones if none lives. Looks at one more than are counted.
    #[must_use]
    pub fn find(&self, name: &Name) -> Vec<Id> {
        let live = self.some(name, false);
        if live.is_empty() { self.some(name, true) } else { live }
    }

    fn some(&self, name: &Name, ended: Ended) -> Vec<Id> {
        let [lowest, highest] = ends();
        let same = self.all.range((name.clone(), ended, lowest)..=(name.clone(), ended, highest));
        same.map(|(_, _, id)| *id).take(CANDIDATES_COUNTED_MAX + 1).collect()
    }
}

/// An index of named things by name and by the random end of their ids. It can be rebuilt from the things themselves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Directory<Id: Ord> {
    names: Names<Id>,
    /// By the id's tail with its bits reversed: what a short id fixes comes first, so that its matches are one range.
    tails: BTreeSet<(u64, Id)>,
}

impl<Id: Ord> Default for Directory<Id> {
    fn default() -> Self {
        Self { names: Names::default(), tails: BTreeSet::new() }
    }
}

impl<Id: Copy + Ord + Into<EventId> + From<EventId>> Directory<Id> {
    /// Enters a thing.
    pub fn enter(&mut self, id: Id, name: &Name, ended: bool) {
        self.names.enter(id, name, ended);
        self.tails.insert((id.into().tail().reverse_bits(), id));
    }

    /// Notes that a live thing ended: live ones of its name are preferred from now on.
    pub fn end(&mut self, id: Id, name: &Name) {
        self.names.end(id, name);
    }

    /// The thing that `reference` means. If it is a name that `preferred` things have, one of them is meant.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] and [`Refusal::Ambiguous`], naming `what` was looked for.
    pub fn find(
        &self,
        what: &'static str,
        reference: &str,
        preferred: Option<&Names<Id>>,
        name_of: impl Fn(Id) -> Option<Name>,
    ) -> Result<Id, Refusal> {
        let found = match (IdReference::parse(reference), Name::parse(reference)) {
            (Some(id), _) => self.by_id(id),
            (None, Ok(name)) => {
                let preferred = preferred.map(|names| names.find(&name)).unwrap_or_default();
                if preferred.is_empty() { self.names.find(&name) } else { preferred }
            }
            (None, Err(_)) => Vec::new(),
        };
        match found[..] {
            [] => Err(Refusal::NotFound { what, reference: shorten(reference) }),
            [only] => Ok(only),
            _ => {
                let listed = found.iter().take(CANDIDATES_SHOWN_MAX).map(|id| {
                    let name = name_of(*id).map(|name| format!(" {name}")).unwrap_or_default();
                    format!("{}{name}", text((*id).into().tail(), SHORT_CHARS_MAX))
                });
                let mut candidates: Vec<String> = listed.collect();
                if found.len() > CANDIDATES_COUNTED_MAX {
                    candidates.push("and many more".to_owned());
                } else if found.len() > CANDIDATES_SHOWN_MAX {
                    candidates.push(format!("and {} more", found.len() - CANDIDATES_SHOWN_MAX));
                }
                Err(Refusal::Ambiguous { what, reference: shorten(reference), candidates })
            }
        }
    }

    fn by_id(&self, reference: IdReference) -> Vec<Id> {
        let (first, last) = match reference {
            IdReference::Full(bytes) => {
                let tail = EventId::from_bytes(bytes).tail().reverse_bits();
                (tail, tail)
            }
            IdReference::Short { chars, bits } => {
                let first = bits.reverse_bits();
                (first, first | (u64::MAX >> (5 * chars)))
            }
        };
        let [lowest, highest] = ends();
        let in_range = self.tails.range((first, lowest)..=(last, highest));
        in_range.map(|(_, id)| *id).filter(|id| reference.matches((*id).into())).collect()
    }
}

/// The lowest and the highest id.
fn ends<Id: From<EventId>>() -> [Id; 2] {
    [Id::from(EventId::from_bytes([0; 16])), Id::from(EventId::from_bytes([0xff; 16]))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{CountdownId, uuid_v7};

    fn id(end: u8) -> CountdownId {
        CountdownId::from_bytes(uuid_v7(1_765_845_503_000, [9, 9, 9, 9, 9, 9, 9, 1, 1, end]))
    }

    fn directory(things: &[(CountdownId, &str, bool)]) -> Directory<CountdownId> {
        let mut directory = Directory::default();
        for (id, name, ended) in things {
            directory.enter(*id, &Name::parse(name).unwrap(), *ended);
        }
        directory
    }

    fn find(directory: &Directory<CountdownId>, reference: &str) -> Result<CountdownId, &'static str> {
        let found = directory.find("countdown", reference, None, |_| Name::parse("thing").ok());
        found.map_err(|refusal| refusal.code())
    }

    #[test]
    fn a_full_id_a_short_id_and_an_exact_name_find_the_same_thing() {
        let directory = directory(&[(id(1), "review", false), (id(2), "deploy", false)]);
        assert_eq!(find(&directory, &id(2).to_string()), Ok(id(2)));
        assert_eq!(find(&directory, &id(2).short()), Ok(id(2)));
        assert_eq!(find(&directory, &id(2).short().to_uppercase()), Ok(id(2)));
        assert_eq!(find(&directory, "deploy"), Ok(id(2)));
        assert_eq!(find(&directory, "Deploy"), Err("not_found"));
        assert_eq!(find(&directory, "depl"), Err("not_found"));
        assert_eq!(find(&directory, &id(3).to_string()), Err("not_found"));
        assert_eq!(find(&directory, &id(3).short()), Err("not_found"));
        assert_eq!(find(&directory, ""), Err("not_found"));
    }

    #[test]
    fn a_name_prefers_what_lives_and_is_ambiguous_only_among_those() {
        let mut directory = directory(&[(id(1), "review", true), (id(2), "review", false)]);
        assert_eq!(find(&directory, "review"), Ok(id(2)));
        directory.enter(id(3), &Name::parse("review").unwrap(), false);
        assert_eq!(find(&directory, "review"), Err("ambiguous"));
        directory.end(id(2), &Name::parse("review").unwrap());
        assert_eq!(find(&directory, "review"), Ok(id(3)));
        directory.end(id(3), &Name::parse("review").unwrap());
        assert_eq!(find(&directory, "review"), Err("ambiguous"));
    }

    #[test]
    fn a_short_id_that_fits_two_lists_both_at_full_length() {
        let twin =
            |first: u8| CountdownId::from_bytes(uuid_v7(1_765_845_503_000, [first, 9, first, 9, 9, 9, 9, 1, 1, 1]));
        let directory = directory(&[(twin(1), "a", false), (twin(2), "b", false)]);
        let refusal = directory.find("countdown", &twin(1).short(), None, |_| Name::parse("thing").ok());
        let Err(Refusal::Ambiguous { candidates, .. }) = refusal else { panic!("{refusal:?}") };
        assert_eq!(candidates.len(), 2);
        assert!(candidates.iter().all(|candidate| candidate.len() == SHORT_CHARS_MAX + " thing".len()));
    }

    #[test]
    fn many_candidates_are_counted_not_listed() {
        let many: Vec<_> = (0..25).map(|end| (id(end), "review", false)).collect();
        let Err(Refusal::Ambiguous { candidates, .. }) = directory(&many).find("countdown", "review", None, |_| None)
        else {
            panic!("25 things of one name are ambiguous")
        };
        assert_eq!(candidates.last().map(String::as_str), Some("and 15 more"));
    }

    #[test]
    fn the_preferred_are_considered_first_and_the_others_if_there_is_none() {
        let review = Name::parse("review").unwrap();
        let directory = directory(&[(id(1), "review", false), (id(2), "review", true)]);
        let preferring = |names: &Names<_>| directory.find("countdown", "review", Some(names), |_| None);
        let mut names = Names::default();
        assert_eq!(preferring(&names), Ok(id(1)));
        names.enter(id(2), &review, false);
        assert_eq!(preferring(&names), Ok(id(2)));
        names.end(id(2), &review);
        assert_eq!(preferring(&names), Ok(id(2)), "an ended one that is preferred goes before a live one that is not");
    }

    #[test]
    fn a_name_that_many_ended_things_had_is_found_as_fast_as_any() {
        let mut directory = Directory::default();
        let heartbeat = Name::parse("heartbeat").unwrap();
        let nth = |n: u64| {
            let mut random = [0; 10];
            random[2..].copy_from_slice(&n.to_be_bytes());
            CountdownId::from_bytes(uuid_v7(1_765_845_503_000 + n, random))
        };
        (0..100_000).for_each(|n| directory.enter(nth(n), &heartbeat, true));
        let Err(Refusal::Ambiguous { candidates, .. }) = directory.find("countdown", "heartbeat", None, |_| None)
        else {
            panic!("all have ended")
        };
        assert_eq!(candidates.last().map(String::as_str), Some("and many more"));
        directory.enter(nth(100_000), &heartbeat, false);
        // To look at all of them each time takes minutes.
        let begun = std::time::Instant::now();
        for _ in 0..10_000 {
            assert_eq!(find(&directory, "heartbeat"), Ok(nth(100_000)));
        }
        assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    }
}
