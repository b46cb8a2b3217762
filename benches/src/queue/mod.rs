//! The queue on real git repositories: landings beside a shell script, lanes beside one lane, batches with guilty changes, claims.

mod bench;
mod claims;
mod lanes;
mod overhead;
mod replay;

use crate::{Outcome, figures::Figures};

pub(crate) fn run(figures: &mut Figures) -> Outcome<()> {
    overhead::run(figures)?;
    lanes::run(figures)?;
    claims::run(figures)?;
    replay::run(figures)
}
