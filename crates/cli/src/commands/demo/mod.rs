//! `convoke demo`: real processes in a throw-away folder, each claim checked while it runs.

mod claims;
mod landing;
mod stage;

use std::time::Instant;

use clap::Args;
use convoke::api::Fault;

use crate::{context::Context, stop::Stop};
use stage::Stage;

/// See it work, in under a minute, in a throw-away folder
///
/// Runs this program as real processes: countdowns, a campaign, receivers that race and die, and a log with one byte altered. Every
/// claim is checked as it is made; the first one that does not hold ends the demo with exit code 1 and keeps the folder.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Keep the folder, to look around in it
    #[arg(long)]
    keep: bool,
}

impl Demo {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let began = Instant::now();
        let stage = Stage::set()?;
        let out = &context.out;
        if !out.is_json() {
            out.text(&format!("Real processes in {}\n\n", stage.folder().display()))?;
        }
        let mut held = Vec::new();
        for (claim, check) in claims::ALL {
            match check(&stage) {
                Ok(shown) => {
                    held.push(serde_json::json!({ "claim": claim, "shown": shown }));
                    if !out.is_json() {
                        out.text(&format!("ok  {claim}\n    {shown}\n"))?;
                    }
                }
                Err(what) => {
                    stage.stop();
                    let what = format!("{claim}: does not hold: {what} (see {})", stage.folder().display());
                    return Err(Fault::new("demo_failed", what).into());
                }
            }
        }
        stage.stop();
        let took = began.elapsed().as_secs_f64();
        let kept = self.keep.then(|| stage.folder().display().to_string());
        if !self.keep {
            stage.strike();
        }
        if out.is_json() {
            let view = serde_json::json!({ "claims": held, "seconds": took, "folder": kept });
            let mut line = serde_json::to_vec(&serde_json::json!({ "v": 1, "ok": true, "data": view }))
                .map_err(|error| Fault::new("internal", error.to_string()))?;
            line.push(b'\n');
            return out.raw(&line);
        }
        let folder =
            kept.map_or_else(|| "the folder is gone again".to_owned(), |kept| format!("look around in {kept}"));
        out.text(&format!("\n{} claims hold, in {took:.1} s; {folder}\n", held.len()))
    }
}
