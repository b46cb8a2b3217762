//! Whether the log holds: verifications, replays, proofs, checkpoints, health.

use convoke::api::{Health, Replayed, Verified};
use convoke_core::log::{Checkpoint, ConsistencyProof, InclusionProof};

use super::{Cell, Page, Show, Table, page::many};

impl Show for Checkpoint {
    fn show(&self, page: &mut Page) {
        let mut facts = Table::new();
        facts.row([Cell::faint("log"), Cell::id(self.log_id.to_string())]);
        facts.row([Cell::faint("size"), Cell::whole(self.size.to_string())]);
        facts.row([Cell::faint("root"), Cell::whole(self.root.to_string())]);
        facts.row([Cell::faint("time"), Cell::whole(self.time.to_string())]);
        page.table(facts);
    }
}

impl Show for Verified {
    fn show(&self, page: &mut Page) {
        let erased = if self.erased > 0 { format!(", {} of them erased", self.erased) } else { String::new() };
        page.line(format!(
            "the log holds: {} in {}{erased}; every hash and the root are right",
            many(self.checkpoint.size, "event"),
            many(self.commits, "commit")
        ));
        if let Some(against) = &self.against {
            page.line(format!(
                "it extends the checkpoint of {} from {}",
                many(against.size, "event"),
                page.when(against.time)
            ));
        }
        self.checkpoint.show(page);
    }
}

impl Show for Replayed {
    fn show(&self, page: &mut Page) {
        let agreement = if self.matches { "the same as what is served" } else { "NOT what is served" };
        page.line(format!("{} folded from zero in {} ms: {agreement}", many(self.head.size, "event"), self.took_ms));
        let mut facts = Table::new();
        facts.row([Cell::faint("root"), Cell::whole(self.head.root.to_string())]);
        facts.row([Cell::faint("state"), Cell::whole(&self.state_digest)]);
        page.table(facts);
    }
}

impl Show for InclusionProof {
    fn show(&self, page: &mut Page) {
        page.line(format!("event {} is in the log {} of {}", self.position, self.log_id, many(self.size, "event")));
        page.line(format!("root {}", self.root));
    }
}

impl Show for ConsistencyProof {
    fn show(&self, page: &mut Page) {
        page.line(format!(
            "the log of {} begins with the log of {}",
            many(self.new.size, "event"),
            many(self.old.size, "event")
        ));
    }
}

impl Show for Health {
    fn show(&self, page: &mut Page) {
        let mut facts = Table::new();
        let mut fact = |name: &str, value: Cell| facts.row([Cell::faint(name), value]);
        fact("log", Cell::whole(format!("{}, root {}", many(self.checkpoint.size, "event"), self.checkpoint.root)));
        fact("disk", Cell::whole(bytes(self.disk_bytes)));
        fact("writes", if self.poisoned { Cell::bad("refused after a failed one") } else { Cell::good("accepted") });
        fact(
            "clock",
            if self.clock_jumped { Cell::bad("jumped; see `convoke clock accept`") } else { Cell::good("steady") },
        );
        fact("unsaved", Cell::whole(format!("{} since the last snapshot", many(self.events_since_snapshot, "event"))));
        if let Some(due) = self.next_due {
            fact("next due", Cell::whole(page.when(due)));
        }
        page.table(facts);
    }
}

/// A size in the largest unit that leaves a number above one.
pub(crate) fn bytes(bytes: u64) -> String {
    let (mut value, mut unit) = (bytes as f64, "bytes");
    for larger in ["KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            break;
        }
        (value, unit) = (value / 1024.0, larger);
    }
    if unit == "bytes" { format!("{bytes} bytes") } else { format!("{value:.1} {unit}") }
}
