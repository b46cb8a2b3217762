//! Renderings of a campaign's graph, pinned. Names are as nasty as names may be.

use convoke_core::countdown::events::{CountdownFired, CountdownReleased};
use convoke_projections::{Query, View, graph, query::Reference, view::GraphView};

use crate::history::History;

fn release() -> GraphView {
    let mut history = History::new();
    let campaign = history.campaign("Release \"2026\"");
    let build = history.schedule("build & test", Some(campaign));
    let notes = history.schedule("1. notes", Some(campaign));
    let sign = history.schedule("sign_off [final] \\ <b>", Some(campaign));
    let ship = history.schedule("ship", Some(campaign));
    history.link(campaign, notes, ship);
    history.link(campaign, sign, ship);
    history.link(campaign, build, sign);
    history.start(campaign);
    let fire_at = history.now();
    history.append("ann", CountdownReleased { countdown: build, fire_at });
    history.append("ann", CountdownReleased { countdown: notes, fire_at });
    history.append("bob", CountdownFired { countdown: build, confirmed: 2 });
    let query = Query::Graph(Reference { reference: "Release \"2026\"".into() });
    let Ok(View::Graph(graph)) = history.ask(&query) else { panic!("a graph") };
    graph
}

#[test]
fn the_text_shows_level_after_level() {
    assert_eq!(graph::text(&release()), include_str!("golden/graph.txt"));
}

#[test]
fn the_dot_form_escapes_what_graphviz_would_read_otherwise() {
    assert_eq!(graph::dot(&release()), include_str!("golden/graph.dot"));
}

#[test]
fn the_mermaid_form_escapes_what_mermaid_would_read_otherwise() {
    assert_eq!(graph::mermaid(&release()), include_str!("golden/graph.mmd"));
}

#[test]
fn levels_are_by_what_is_waited_for_and_then_by_when_it_was_scheduled() {
    let graph = release();
    let levels: Vec<(u32, &str)> = graph.nodes.iter().map(|node| (node.level, node.name.as_str())).collect();
    assert_eq!(levels, [(0, "build & test"), (0, "1. notes"), (1, "sign_off [final] \\ <b>"), (2, "ship")]);
}
