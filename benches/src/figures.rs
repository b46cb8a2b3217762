//! Figures: what was measured, what was asked, and how both are shown.

use std::{fs, path::Path};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{Outcome, machine};

const BEGIN: &str = "<!-- figures -->";
const END: &str = "<!-- /figures -->";

/// What a figure has to be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl Target {
    fn met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Figure {
    what: String,
    value: f64,
    unit: &'static str,
    target: Target,
    met: bool,
    /// What the value was made of.
    from: String,
}

/// Everything that one run measured.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    rows: Vec<Figure>,
    skipped: Vec<String>,
    raw: Map<String, Value>,
}

impl Figures {
    /// Adds a figure, and says so.
    pub(crate) fn add(&mut self, what: &str, value: f64, unit: &'static str, target: Target, from: String) {
        let met = target.met(value);
        eprintln!("{} {what}: {} ({from})", if met { "   " } else { "!! " }, shown(value, unit));
        self.rows.push(Figure { what: what.to_owned(), value, unit, target, met, from });
    }

    /// Keeps what a figure was computed from.
    pub(crate) fn keep(&mut self, name: &str, raw: impl Into<Value>) {
        self.raw.insert(name.to_owned(), raw.into());
    }

    /// Says why a figure is missing.
    pub(crate) fn skip(&mut self, sentence: String) {
        eprintln!("    {sentence}");
        self.skipped.push(sentence);
    }

    /// The table, as Markdown.
    pub(crate) fn table(&self) -> String {
        let mut table = String::from("| what | measured | asked | |\n| --- | --- | --- | --- |\n");
        for Figure { what, value, unit, target, met, from } in &self.rows {
            let asked = match target {
                Target::AtLeast(least) => format!("≥ {}", shown(*least, unit)),
                Target::AtMost(most) => format!("≤ {}", shown(*most, unit)),
            };
            let verdict = if *met { "" } else { "**missed** " };
            table += &format!("| {what} | {} | {asked} | {verdict}{from} |\n", shown(*value, unit));
        }
        for sentence in &self.skipped {
            table += &format!("\n{sentence}\n");
        }
        table + &format!("\nMeasured {} by `benches/run` on {}.\n", machine::today(), machine::describe())
    }

    /// Writes the table between the markers of a file. Says whether it has them.
    pub(crate) fn write_into(&self, file: &Path) -> Outcome<bool> {
        let Ok(text) = fs::read_to_string(file) else { return Ok(false) };
        let Some((before, rest)) = text.split_once(BEGIN) else { return Ok(false) };
        let Some((_, after)) = rest.split_once(END) else { return Ok(false) };
        fs::write(file, format!("{before}{BEGIN}\n{}{END}{after}", self.table()))?;
        Ok(true)
    }

    /// Writes everything as JSON.
    pub(crate) fn save(&self, file: &Path) -> Outcome<()> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let all = json!({
            "measured": machine::today(),
            "machine": machine::describe(),
            "figures": self.rows,
            "skipped": self.skipped,
            "raw": self.raw,
        });
        fs::write(file, serde_json::to_string_pretty(&all)? + "\n")?;
        Ok(())
    }
}

fn shown(value: f64, unit: &str) -> String {
    let number = match value {
        v if v >= 1_000_000.0 => format!("{:.2} M", v / 1_000_000.0),
        v if v >= 10_000.0 => format!("{:.0} k", v / 1000.0),
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    };
    match unit {
        "×" => format!("{number}×"),
        unit => format!("{number} {unit}"),
    }
}

/// The middle one.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
