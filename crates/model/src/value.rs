//! Values as TLA+ has them, in one canonical text, so that a state of the code and one of a spec are equal or not.
//!
//! The text is what `specs/checker/values.py` makes of a checker's output: fields, elements and keys sorted by their own text,
//! a function whose keys are all strings written as a record, one space after each comma and around each `|->`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Serialize, Serializer};

/// A value of a specification.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// A number. The checkers have 32 bits for it.
    Int(i32),
    /// `TRUE` or `FALSE`.
    Bool(bool),
    /// A string; specs use no escapes, so it holds no quotes and no backslashes.
    Text(String),
    /// `{1, 2}`.
    Set(BTreeSet<Value>),
    /// `<<1, 2>>`.
    Sequence(Vec<Value>),
    /// `[a |-> 1, b |-> 2]`: a record, or a function of strings.
    Record(BTreeMap<String, Value>),
}

impl Value {
    /// A count; one that is beyond the checkers is the largest that they have.
    pub fn count(number: impl Into<u64>) -> Self {
        Self::Int(i32::try_from(number.into()).unwrap_or(i32::MAX))
    }

    /// A record of these fields, or a function of these keys.
    pub fn record<K: Into<String>, V: Into<Self>>(fields: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Record(fields.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }

    /// A set of these.
    pub fn set<V: Into<Self>>(elements: impl IntoIterator<Item = V>) -> Self {
        Self::Set(elements.into_iter().map(Into::into).collect())
    }

    /// A sequence of these.
    pub fn sequence<V: Into<Self>>(elements: impl IntoIterator<Item = V>) -> Self {
        Self::Sequence(elements.into_iter().map(Into::into).collect())
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// The canonical text.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => write!(f, "{number}"),
            Self::Bool(truth) => f.write_str(if *truth { "TRUE" } else { "FALSE" }),
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::Set(elements) => {
                let mut texts: Vec<String> = elements.iter().map(ToString::to_string).collect();
                texts.sort_unstable();
                write!(f, "{{{}}}", texts.join(", "))
            }
            Self::Sequence(elements) => {
                let texts: Vec<String> = elements.iter().map(ToString::to_string).collect();
                write!(f, "<<{}>>", texts.join(", "))
            }
            Self::Record(fields) if fields.is_empty() => f.write_str("<<>>"),
            Self::Record(fields) => {
                let texts: Vec<String> = fields.iter().map(|(key, value)| format!("{key} |-> {value}")).collect();
                write!(f, "[{}]", texts.join(", "))
            }
        }
    }
}

/// As JSON for people: sets and sequences are arrays, records are objects.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Int(number) => serializer.serialize_i32(*number),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Set(elements) => serializer.collect_seq(elements),
            Self::Sequence(elements) => serializer.collect_seq(elements),
            Self::Record(fields) => serializer.collect_map(fields),
        }
    }
}

/// One step of a specification: an action and its parameters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Step {
    /// The action's name: in most cases that of the first event that the step writes.
    pub action: String,
    /// What tells this step from others of the same action.
    pub params: Value,
}

impl Step {
    /// A step.
    pub fn new<K: Into<String>, V: Into<Value>>(action: &str, params: impl IntoIterator<Item = (K, V)>) -> Self {
        Self { action: action.to_owned(), params: Value::record(params) }
    }
}

/// `Action [a |-> 1]`; without parameters `Action <<>>`.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.action, self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canonical_text_is_sorted_by_text() {
        let value = Value::record([
            ("b", Value::set([10, 9])),
            ("a", Value::sequence(["x", "y"])),
            ("c", Value::record([("z", false)])),
        ]);
        assert_eq!(value.to_string(), r#"[a |-> <<"x", "y">>, b |-> {10, 9}, c |-> [z |-> FALSE]]"#);
        assert_eq!(Value::record::<&str, Value>([]).to_string(), "<<>>");
    }
}
