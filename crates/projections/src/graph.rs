//! A campaign's graph as text, DOT or Mermaid. Pure functions of the view: equal views give equal texts.

use std::{collections::BTreeMap, fmt::Write};

use convoke_core::id::CountdownId;

use crate::view::{CountdownState, GraphNode, GraphView};

/// For a terminal: level after level, each countdown with what it waits for.
#[must_use]
pub fn text(graph: &GraphView) -> String {
    let names: BTreeMap<CountdownId, &str> = graph.nodes.iter().map(|node| (node.id, node.name.as_str())).collect();
    let width = graph.nodes.iter().map(|node| node.name.as_str().chars().count()).max().unwrap_or(0);
    let mut out = format!("{} {} ({})\n", graph.campaign.short, graph.campaign.name, graph.state.as_str());
    let mut level = None;
    for node in &graph.nodes {
        if level != Some(node.level) {
            level = Some(node.level);
            line(&mut out, format_args!("level {}", node.level + 1));
        }
        let before: Vec<&str> = graph
            .edges
            .iter()
            .filter(|edge| edge.after == node.id)
            .filter_map(|edge| names.get(&edge.before).copied())
            .collect();
        let state = node.state.as_str();
        if before.is_empty() {
            line(&mut out, format_args!("  {}  {:width$}  {state}", node.short, node.name));
        } else {
            let before = before.join(", ");
            line(&mut out, format_args!("  {}  {:width$}  {state:8}  after {before}", node.short, node.name));
        }
    }
    out
}

/// For Graphviz.
#[must_use]
pub fn dot(graph: &GraphView) -> String {
    let mut out = String::new();
    line(&mut out, format_args!("digraph {} {{", dot_string(graph.campaign.name.as_str())));
    line(&mut out, format_args!("  rankdir=LR;"));
    line(&mut out, format_args!("  node [shape=box, style=\"rounded,filled\"];"));
    for node in &graph.nodes {
        let label = dot_string(&label(node));
        line(&mut out, format_args!("  \"{}\" [label={label}, fillcolor=\"{}\"];", node.id, colour(node.state)));
    }
    for edge in &graph.edges {
        line(&mut out, format_args!("  \"{}\" -> \"{}\";", edge.before, edge.after));
    }
    out.push_str("}\n");
    out
}

/// For Markdown pages that draw Mermaid.
#[must_use]
pub fn mermaid(graph: &GraphView) -> String {
    let numbers: BTreeMap<CountdownId, usize> =
        graph.nodes.iter().enumerate().map(|(number, node)| (node.id, number)).collect();
    let mut out = String::from("flowchart LR\n");
    for (number, node) in graph.nodes.iter().enumerate() {
        let label = mermaid_string(&label(node));
        line(&mut out, format_args!("  n{number}[\"{label}\"]:::{}", node.state.as_str()));
    }
    for edge in &graph.edges {
        if let (Some(before), Some(after)) = (numbers.get(&edge.before), numbers.get(&edge.after)) {
            line(&mut out, format_args!("  n{before} --> n{after}"));
        }
    }
    for state in STATES {
        if graph.nodes.iter().any(|node| node.state == state) {
            line(&mut out, format_args!("  classDef {} fill:{},color:#000000", state.as_str(), colour(state)));
        }
    }
    out
}

const STATES: [CountdownState; 6] = [
    CountdownState::Held,
    CountdownState::Counting,
    CountdownState::OnHold,
    CountdownState::Fired,
    CountdownState::Missed,
    CountdownState::Scrubbed,
];

fn colour(state: CountdownState) -> &'static str {
    match state {
        CountdownState::Held => "#eeeeee",
        CountdownState::Counting => "#cfe8ff",
        CountdownState::OnHold => "#fff3b0",
        CountdownState::Fired => "#c8f0c8",
        CountdownState::Missed => "#ffcccc",
        CountdownState::Scrubbed => "#dddddd",
    }
}

/// Name above id and state.
fn label(node: &GraphNode) -> String {
    format!("{}\n{} {}", node.name, node.short, node.state.as_str())
}

/// A quoted string of DOT: the quote, the backslash and (for entities) the ampersand mean something in it.
fn dot_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '&' => out.push_str("&amp;"),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A label of Mermaid, to stand between quotes. It is read as Markdown and HTML there, so all but letters, digits and the harmless is given as
/// an entity, and so is what would make a list of its beginning.
fn mermaid_string(text: &str) -> String {
    let mut out = String::new();
    let mut at_the_beginning = true;
    for c in text.chars() {
        match c {
            '\n' => out.push_str("<br/>"),
            '-' | '.' | '+' if at_the_beginning => out.push_str(&format!("#{};", u32::from(c))),
            ' ' | '-' | '.' | '+' | ',' | ':' => out.push(c),
            _ if c.is_alphanumeric() => out.push(c),
            _ => out.push_str(&format!("#{};", u32::from(c))),
        }
        at_the_beginning &= c.is_ascii_digit();
    }
    out
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a String does not fail.
    let _ = writeln!(out, "{text}");
}
