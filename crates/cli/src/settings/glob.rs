//! Patterns in the settings: for paths and branches, and for the commands that a request may ask to be run.

use serde::{Deserialize, Deserializer, de};

/// A pattern for paths and branches: `*` stands for anything within one part, `**` as a part for any number of parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathPattern(String);

/// A pattern for the commands of checks: each `*` stands for one or more letters, digits and `_ . , : = @ / + -`, not
/// beginning with `-` where it begins a word. So it cannot hold a space or anything that a shell reads, and what is allowed
/// stays one command with the options that were written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommandPattern(String);

impl PathPattern {
    /// Reads a pattern.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let is_bad = text.is_empty() || text.split('/').any(|part| matches!(part, "" | "." | ".."));
        if is_bad {
            Err(format!("{text:?} is not a pattern for paths; src/** is one"))
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// Whether it stands for this path or branch.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let pattern: Vec<&str> = self.0.split('/').collect();
        let path: Vec<&str> = path.split('/').collect();
        parts_match(&pattern, &path)
    }
}

impl CommandPattern {
    /// Reads a pattern.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() || text.contains("**") {
            return Err(format!("{text:?} is not a pattern for commands; \"cargo test -p *\" is one"));
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether it stands for this command.
    pub(crate) fn matches(&self, command: &str) -> bool {
        let may_hold = |text: &str, at: usize| {
            let begins_a_word = at == 0 || command.as_bytes()[at - 1] == b' ';
            let is_option = begins_a_word && text.starts_with('-');
            !text.is_empty() && !is_option && text.bytes().all(is_harmless)
        };
        wildcard(&self.0, command, 0, &may_hold)
    }
}

fn is_harmless(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.,:=@/+-".contains(&byte)
}

fn parts_match(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], []) => true,
        (["**"], rest) => !rest.is_empty(),
        (["**", more @ ..], rest) => (0..=rest.len()).any(|skipped| parts_match(more, &rest[skipped..])),
        ([part, more @ ..], [first, rest @ ..]) => wildcard(part, first, 0, &|_, _| true) && parts_match(more, rest),
        _ => false,
    }
}

/// Whether the text from this byte on is what the pattern says; `may_hold` says what a `*` may stand for, and from which byte.
fn wildcard(pattern: &str, text: &str, at: usize, may_hold: &dyn Fn(&str, usize) -> bool) -> bool {
    let rest = &text[at..];
    let Some((literal, more)) = pattern.split_once('*') else { return rest == pattern };
    let Some(after) = rest.strip_prefix(literal) else { return false };
    let from = at + literal.len();
    let ends = after.char_indices().map(|(end, _)| end).chain([after.len()]);
    ends.into_iter().any(|end| may_hold(&after[..end], from) && wildcard(more, text, from + end, may_hold))
}

impl<'de> Deserialize<'de> for PathPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for CommandPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_within_its_part_of_a_path_and_two_do_not() {
        for (pattern, path, expected) in [
            ("src/**", "src/lib.rs", true),
            ("src/**", "src/a/b.rs", true),
            ("src/**", "src", false),
            ("src/**", "srcs/a", false),
            ("**/*.sql", "a.sql", true),
            ("**/*.sql", "db/a/b.sql", true),
            ("**", "anything/at/all", true),
            ("src/*.rs", "src/a.rs", true),
            ("src/*.rs", "src/a/b.rs", false),
            ("release/*", "release/1.0", true),
            ("release/*", "release/1.0/x", false),
            ("release/*", "main", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("main", "main", true),
        ] {
            assert_eq!(PathPattern::parse(pattern).unwrap().matches(path), expected, "{pattern} {path}");
        }
        for bad in ["", "/src", "src/", "../x", "a//b"] {
            assert!(PathPattern::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_star_in_a_command_cannot_hold_another_command_or_an_option() {
        let pattern = CommandPattern::parse("cargo test -p *").unwrap();
        for allowed in ["cargo test -p parser", "cargo test -p convoke_core", "cargo test -p a-b"] {
            assert!(pattern.matches(allowed), "{allowed}");
        }
        for refused in [
            "cargo test -p ",
            "cargo test -p parser; rm -rf ~",
            "cargo test -p parser && true",
            "cargo test -p $(id)",
            "cargo test -p `id`",
            "cargo test -p a\nid",
            "cargo test -p a b",
            "cargo test -p --config=x",
            "cargo test -p a > /tmp/x",
            "cargo test",
            "true; cargo test -p a",
        ] {
            assert!(!pattern.matches(refused), "{refused}");
        }
        assert!(CommandPattern::parse("make test-*").unwrap().matches("make test-unit"));
        assert!(CommandPattern::parse("cargo test").unwrap().matches("cargo test"));
        assert!(CommandPattern::parse(" ").is_err());
    }
}
