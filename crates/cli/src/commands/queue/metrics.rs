use clap::Args;
use convoke::api::Fault;
use convoke_projections::{Query, View, query::QueueMetricsQuery};

use crate::{args::Look, context::Context, render::prometheus, stop::Stop};

/// Show how the queue does: what became of the changes, how long they took, what waits
#[derive(Debug, Args)]
pub(crate) struct Metrics {
    /// Print them in the text format of Prometheus
    #[arg(long)]
    prometheus: bool,
    #[command(flatten)]
    look: Look,
}

impl Metrics {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let query = Query::QueueMetrics(QueueMetricsQuery {});
        if !self.prometheus {
            return context.look(self.look, query);
        }
        if context.out.is_json() {
            return Err(Fault::new("usage", "--prometheus is a text format; give it or --json").into());
        }
        match context.view(self.look, query)? {
            (View::QueueMetrics(metrics), _) => context.out.raw(prometheus::text(&metrics).as_bytes()),
            _ => Err(Fault::new("bad_answer", "the answer is not the queue's metrics").into()),
        }
    }
}
