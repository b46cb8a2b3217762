//! `[roles]`: names that stand for several actors where a rule names who may do something.
//!
//! Actors and roles share one name space, so a rule writes both alike. What a name means must then never be in doubt: a role's
//! name is no actor's, which holds for its members, for the default actor and for Convoke's own names. So a role cannot stand
//! for another role either.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use convoke_core::name::ActorName;
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};

/// `[roles]`: each with its members.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roles(BTreeMap<ActorName, BTreeSet<ActorName>>);

impl Roles {
    /// The actors that these names mean: a role's members in place of the role.
    pub(super) fn actors(&self, named: &BTreeSet<ActorName>) -> BTreeSet<ActorName> {
        let mut actors = BTreeSet::new();
        for name in named {
            match self.0.get(name) {
                Some(members) => actors.extend(members.iter().cloned()),
                None => _ = actors.insert(name.clone()),
            }
        }
        actors
    }

    /// What is wrong with them, if anything.
    pub(super) fn fault(&self, default_actor: Option<&ActorName>) -> Option<String> {
        let fault_of = |(role, members): (&ActorName, &BTreeSet<ActorName>)| {
            if role.is_reserved() {
                Some(format!("{role} is Convoke's own name; a role has another"))
            } else if default_actor == Some(role) {
                Some(format!("{role} is the default_actor, so no role has this name"))
            } else if members.is_empty() {
                Some(format!("{role} has no members: name at least one actor"))
            } else if members.contains(role) {
                Some(format!("{role} names itself; the members of a role are actors, which have other names"))
            } else if let Some(member) = members.iter().find(|member| self.0.contains_key(*member)) {
                Some(format!("{role} names {member}, which is a role; the members of a role are actors"))
            } else {
                members
                    .iter()
                    .find(|member| member.is_reserved())
                    .map(|member| format!("{role} names {member}, which is Convoke's own name and nobody's"))
            }
        };
        self.0.iter().find_map(fault_of).map(|fault| format!("[roles] {fault}"))
    }
}

impl<'de> Deserialize<'de> for Roles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Table)
    }
}

/// Reads the table. Two of its keys may be one name: upper case is folded.
struct Table;

impl<'de> Visitor<'de> for Table {
    type Value = Roles;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("roles, each with a list of actors: reviewers = [\"ann\", \"bob\"]")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut table: M) -> Result<Roles, M::Error> {
        let mut roles = BTreeMap::new();
        while let Some((role, members)) = table.next_entry::<ActorName, BTreeSet<ActorName>>()? {
            if roles.contains_key(&role) {
                return Err(de::Error::custom(format!("the role {role} is there twice; upper case does not count")));
            }
            roles.insert(role, members);
        }
        Ok(Roles(roles))
    }
}
