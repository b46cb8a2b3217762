use clap::Args;
use convoke_projections::{Query, query::QueueMetricsQuery};

use crate::{args::Look, context::Context, stop::Stop};

/// Show how the queue does: what became of the changes, how long they took, what waits
#[derive(Debug, Args)]
pub(crate) struct Metrics {
    #[command(flatten)]
    look: Look,
}

impl Metrics {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        context.look(self.look, Query::QueueMetrics(QueueMetricsQuery {}))
    }
}
