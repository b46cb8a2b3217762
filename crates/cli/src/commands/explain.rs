use clap::Args;
use convoke::api::Fault;
use convoke_core::codes::{self, Row};
use serde::Serialize;

use crate::{
    context::Context,
    render::{Cell, Page, Show, Table},
    stop::Stop,
};

/// Explain an error's code, or list them all
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The code, as in error[CODE]
    code: Option<String>,
}

impl Explain {
    pub(super) fn run(self, context: &mut Context) -> Result<(), Stop> {
        let Some(code) = self.code else {
            return context.out.show(&Codes(codes::ROWS), None);
        };
        match codes::find(&code) {
            Some(row) => context.out.show(&Explained(row), None),
            None => Err(Fault::new("unknown_code", format!("there is no code {code:?}")).into()),
        }
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Explained(&'static Row);

impl Show for Explained {
    fn show(&self, page: &mut Page) {
        let Row { code, exit, retryable, what, remedy } = self.0;
        page.line(format!("{code} (exit code {}{})", exit.code(), if *retryable { ", may succeed later" } else { "" }));
        page.line(format!("  {what}"));
        page.line(format!("  {remedy}"));
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Codes(&'static [Row]);

impl Show for Codes {
    fn show(&self, page: &mut Page) {
        let mut table = Table::new();
        for row in self.0 {
            table.row([Cell::id(row.code), Cell::number(row.exit.code()), Cell::whole(row.what)]);
        }
        page.table(table);
    }
}
