//! One session at a shell, with everything that differs from run to run replaced: ids, times, processes, folders.
//!
//! Ids become made-up ones, in the order of their appearance; where a command uses a made-up one, the real one is put in.

use std::collections::BTreeMap;

use regex_lite::{Captures, Regex};

use crate::place::Place;

pub(crate) struct Session<'p> {
    place: &'p Place,
    /// From the real short ids to the made-up ones.
    made_up: BTreeMap<String, String>,
    rules: Rules,
}

struct Rules {
    ids: Regex,
    token: Regex,
    made_up: Regex,
    plain: Vec<(Regex, &'static str)>,
    minutes: Regex,
}

const UUID: &str = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
const TOKEN: &str = r"[0-9a-hjkmnp-tv-z]{13}\.[0-9]+";
const SHORT: &str = "[0-9a-hjkmnp-tv-z]{8,12}";

impl Rules {
    fn new() -> Self {
        let regex = |text: &str| Regex::new(text).unwrap();
        Self {
            ids: regex(&format!(r"\b({UUID}|{TOKEN}|{SHORT})\b")),
            token: regex(TOKEN),
            made_up: regex(r"\bk[0-9]{2}m[0-9][a-z]{2}[0-9]\b"),
            plain: vec![
                (regex(r"\b[0-9a-f]{64}\b"), "<64 hex digits>"),
                (regex(r"\b[0-9a-f]{40}\b"), "<40 hex digits>"),
                (regex(r"\b(content|commit|as) [0-9a-f]{12}\b"), "$1 <12 hex digits>"),
                (regex(r"\bafter [0-9]+m?s\b"), "after 1s"),
                (regex(r"\bonce, again in [0-9]+s\b"), "once, again in 2s"),
                (regex(r"(?m)^(  passed .*)  [0-9]+m?s"), "$1  7ms"),
                (
                    regex(r"(?m)^(from (?:handed in to the end|claimed to landing)|each check)( +[0-9]+) .*$"),
                    "$1$2  1s  1s  1s",
                ),
                // Its columns are as wide as the times below.
                (regex(r"(?m)^( +count) +p50 +p95 +p99$"), "$1  p50  p95  p99"),
                (regex(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z"), "2026-11-21T15:00:00Z"),
                (regex(r"\b[0-9]+s ago\b"), "just now"),
                (regex(r"\bprocess [0-9]+\b"), "process 4242"),
                (regex(r#""pid":[0-9]+"#), r#""pid":4242"#),
                (regex(r#""(uptime_ms|took_ms)":[0-9]+"#), r#""$1":7"#),
                (regex(r"\bin [0-9]+ ms\b"), "in 7 ms"),
                (regex(r"\bup [0-9]+m?s\b"), "up 7s"),
                (regex(r"\b[0-9.]+ [KM]iB in use\b"), "4.0 MiB in use"),
            ],
            // A moment after it was said, "in 20m" is "in 19m".
            minutes: regex(r"\b([0-9]+)m(5[0-9]s)?\b"),
        }
    }
}

impl<'p> Session<'p> {
    pub(crate) fn new(place: &'p Place) -> Self {
        Self { place, made_up: BTreeMap::new(), rules: Rules::new() }
    }

    /// Runs a line: standard output, then standard error marked with `! `, then the exit code if it is not 0.
    pub(crate) fn run(&mut self, line: &str) -> String {
        let real = self.with_real_ids(line);
        let output = self.place.shell(&real);
        let mut printed = String::from_utf8(output.stdout).unwrap();
        if !printed.is_empty() && !printed.ends_with('\n') {
            printed.push('\n');
        }
        for error in String::from_utf8(output.stderr).unwrap().lines() {
            printed.push_str(&format!("! {error}\n"));
        }
        if !output.status.success() {
            printed.push_str(&format!("[exit {}]\n", output.status.code().unwrap()));
        }
        self.normalised(&printed, line)
    }

    fn with_real_ids(&self, line: &str) -> String {
        let real = |made_up: &str| {
            self.made_up.iter().find(|(_, id)| *id == made_up).map_or(made_up.to_owned(), |(real, _)| real.clone())
        };
        let line = self.rules.token.replace_all(line, |token: &Captures| {
            // A token ends with its message's id; what comes before that is only known to those who were given it.
            let (tail, fence) = token[0].split_once('.').unwrap();
            let made_up = &tail[tail.len() - 8..];
            match self.made_up.iter().find(|(_, id)| *id == made_up) {
                Some((real, _)) => format!("{}.{fence}", self.whole_tail(real)),
                None => token[0].to_owned(),
            }
        });
        self.rules.made_up.replace_all(&line, |id: &Captures| real(&id[0])).into_owned()
    }

    /// The 13 characters of a token of the message with this short id.
    fn whole_tail(&self, short: &str) -> String {
        let event = self.place.data("dana", &["show", short]);
        let id = event["event"]["id"].as_str().unwrap().replace('-', "");
        let tail = u64::from_str_radix(&id[16..], 16).unwrap();
        (0..13)
            .rev()
            .map(|i| char::from(b"0123456789abcdefghjkmnpqrstvwxyz"[(tail >> (5 * i)) as usize & 31]))
            .collect()
    }

    fn normalised(&mut self, text: &str, line: &str) -> String {
        let Self { made_up, rules, place } = self;
        let folder = place.root().canonicalize().unwrap();
        let mut text = text.replace(folder.to_str().unwrap(), "/home/dana");
        for (rule, with) in &rules.plain {
            text = rule.replace_all(&text, *with).into_owned();
        }
        text = rules
            .minutes
            .replace_all(&text, |found: &Captures| {
                let minutes: u64 = found[1].parse().unwrap();
                let up = found.get(2).is_some() || minutes % 10 == 9;
                format!("{}m", minutes + u64::from(up))
            })
            .into_owned();
        // A letter after a backslash (a line's end, in a string of another language) is no part of an id.
        text = text.replace("\\n", "\u{0}");
        let mut name = |real: &str| {
            let next = made_up.len() as u64;
            made_up.entry(real.to_owned()).or_insert_with(|| invented(next)).clone()
        };
        rules
            .ids
            .replace_all(&text, |found: &Captures| {
                let id = &found[0];
                if EXAMPLES.contains(&id) || line.contains(id) {
                    id.to_owned()
                } else if id.contains('-') {
                    let digits = id.replace('-', "");
                    let tail = u64::from_str_radix(&digits[16..], 16).unwrap();
                    format!("01a1fd8e-0000-7000-8000-0000{}", hex_of(&name(&short(tail))))
                } else if let Some((tail, fence)) = id.split_once('.') {
                    format!("0k7q2{}.{fence}", name(&short(value(tail))))
                } else if id.bytes().any(|b| b.is_ascii_digit()) && id.bytes().any(|b| b.is_ascii_lowercase()) {
                    name(id)
                } else {
                    id.to_owned()
                }
            })
            .replace('\u{0}', "\\n")
    }
}

/// Ids in the program's own explanations.
const EXAMPLES: [&str; 2] = ["k7q2m9xa", "0k7q2m9xa3b4c.1"];

fn value(text: &str) -> u64 {
    text.bytes().fold(0, |value, byte| {
        value << 5 | b"0123456789abcdefghjkmnpqrstvwxyz".iter().position(|digit| *digit == byte).unwrap() as u64
    })
}

/// The short form of an id with this tail, as the program shows it.
fn short(tail: u64) -> String {
    let text = |chars: u32| -> String {
        (0..chars)
            .rev()
            .map(|i| char::from(b"0123456789abcdefghjkmnpqrstvwxyz"[(tail >> (5 * i)) as usize & 31]))
            .collect()
    };
    (8..=12).map(text).find(|text| text.bytes().any(|b| b.is_ascii_digit())).unwrap_or_else(|| text(12))
}

/// The nth made-up id.
fn invented(n: u64) -> String {
    let letter = |n: u64| char::from(b"abcdefghjkmnpqrstvwxyz"[(n % 22) as usize]);
    format!("k{:02}m{}{}{}{}", (n * 37 + 72) % 100, (n * 3 + 2) % 10, letter(n * 5 + 13), letter(n * 7 + 3), n % 10)
}

/// Eight hex digits that stand for a made-up id.
fn hex_of(id: &str) -> String {
    let value = id.bytes().fold(7u32, |value, byte| value.wrapping_mul(31).wrapping_add(u32::from(byte)));
    format!("{value:08x}")
}
