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

/// An index of named things by name and by the random end of their ids. It can be rebuilt from the things themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct Directory<Id: Ord> {
    /// By name; of one name the live ones first, each in order of creation.
    names: BTreeSet<(Name, Ended, Id)>,
    /// By the id's tail with its bits reversed: what a short id fixes comes first, so that its matches are one range.
    tails: BTreeSet<(u64, Id)>,
}

type Ended = bool;

impl<Id: Ord> Default for Directory<Id> {
    fn default() -> Self {
        Self { names: BTreeSet::new(), tails: BTreeSet::new() }
    }
}

impl<Id: Copy + Ord + Into<EventId> + From<EventId>> Directory<Id> {
    /// Enters a thing.
    pub fn enter(&mut self, id: Id, name: &Name, ended: bool) {
        self.names.insert((name.clone(), ended, id));
        self.tails.insert((id.into().tail().reverse_bits(), id));
    }

    /// Notes that a live thing ended: live ones of its name are preferred from now on.
    pub fn end(&mut self, id: Id, name: &Name) {
        if self.names.remove(&(name.clone(), false, id)) {
            self.names.insert((name.clone(), true, id));
        }
    }

    /// The thing that `reference` means. Where things that are `preferred` match, only they are considered.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] and [`Refusal::Ambiguous`], naming `what` was looked for.
    pub fn find(
        &self,
        what: &'static str,
        reference: &str,
        preferred: impl Fn(Id) -> bool,
        name_of: impl Fn(Id) -> Option<Name>,
    ) -> Result<Id, Refusal> {
        let found = match IdReference::parse(reference) {
            Some(id) => self.by_id(id),
            None => self.by_name(reference, preferred),
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
                if found.len() > CANDIDATES_SHOWN_MAX {
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

    fn by_name(&self, reference: &str, preferred: impl Fn(Id) -> bool) -> Vec<Id> {
        let Ok(name) = Name::parse(reference) else { return Vec::new() };
        let [lowest, highest] = ends();
        let same_name = self.names.range((name.clone(), false, lowest)..=(name, true, highest));
        let all: Vec<(Ended, Id)> = same_name.map(|(_, ended, id)| (*ended, *id)).collect();
        let narrowed: Vec<(Ended, Id)> = all.iter().copied().filter(|(_, id)| preferred(*id)).collect();
        let candidates = if narrowed.is_empty() { all } else { narrowed };
        let none_lives = candidates.first().is_some_and(|(ended, _)| *ended);
        candidates.into_iter().filter(|(ended, _)| *ended == none_lives).map(|(_, id)| id).collect()
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
        let found = directory.find("countdown", reference, |_| true, |_| Name::parse("thing").ok());
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
        let refusal = directory.find("countdown", &twin(1).short(), |_| true, |_| Name::parse("thing").ok());
        let Err(Refusal::Ambiguous { candidates, .. }) = refusal else { panic!("{refusal:?}") };
        assert_eq!(candidates.len(), 2);
        assert!(candidates.iter().all(|candidate| candidate.len() == SHORT_CHARS_MAX + " thing".len()));
    }

    #[test]
    fn many_candidates_are_counted_not_listed() {
        let many: Vec<_> = (0..25).map(|end| (id(end), "review", false)).collect();
        let Err(Refusal::Ambiguous { candidates, .. }) =
            directory(&many).find("countdown", "review", |_| true, |_| None)
        else {
            panic!("25 things of one name are ambiguous")
        };
        assert_eq!(candidates.last().map(String::as_str), Some("and 15 more"));
    }

    #[test]
    fn the_preferred_are_considered_first_and_the_others_if_there_is_none() {
        let directory = directory(&[(id(1), "review", false), (id(2), "review", true)]);
        let preferring = |wanted| directory.find("countdown", "review", |id| id == wanted, |_| None);
        assert_eq!(preferring(id(2)), Ok(id(2)));
        assert_eq!(preferring(id(7)), Ok(id(1)));
    }
}
