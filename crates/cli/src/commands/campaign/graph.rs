use clap::{Args, ValueEnum};
use convoke::api::Fault;
use convoke_projections::{Query, View, graph, query::Reference};

use crate::{args::Look, context::Context, stop::Stop};

/// Print the graph of a campaign
#[derive(Debug, Args)]
pub(crate) struct Graph {
    /// The campaign
    campaign: String,
    /// As text, or for Graphviz or Mermaid
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    look: Look,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Dot,
    Mermaid,
}

impl Graph {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let (view, head) = context.view(self.look, Query::Graph(Reference { reference: self.campaign }))?;
        if context.out.is_json() {
            return context.out.show(&view, Some(head));
        }
        let View::Graph(view) = view else { return Err(Fault::new("bad_answer", "the answer is not a graph").into()) };
        context.out.text(&match self.format {
            Format::Text => graph::text(&view),
            Format::Dot => graph::dot(&view),
            Format::Mermaid => graph::mermaid(&view),
        })
    }
}
