//! A page of text: lines, and tables whose columns are aligned.

use std::borrow::Cow;

use anstyle::{AnsiColor, Style};
use convoke_core::{id::EventId, time::Timestamp};
use unicode_width::UnicodeWidthStr as _;

use super::times;

/// The widest that a name or a line of text is shown in a table.
const CELL_WIDTH_MAX: usize = 48;
/// A terminal narrower than this wraps.
const TERMINAL_WIDTH_MIN: usize = 30;

const ID: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Cyan)));
const GOOD: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green)));
const BAD: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red)));
const LIVE: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow)));
const FAINT: Style = Style::new().dimmed();

/// What is being written for people.
pub(crate) struct Page {
    text: String,
    now: Timestamp,
    told_again: bool,
    verbose: bool,
    width: Option<usize>,
}

impl Page {
    /// An empty page, written at this time. On a terminal of this width the lines of tables are cut to fit; what is read by a
    /// program is not.
    pub(crate) fn new(now: Timestamp, verbose: bool, width: Option<usize>) -> Self {
        Self {
            text: String::new(),
            now,
            told_again: false,
            verbose,
            width: width.filter(|width| *width >= TERMINAL_WIDTH_MIN),
        }
    }

    /// From here on, times are relative to this one: the time that a view is of.
    pub(crate) fn as_at(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// From here on, what is told was told before: all times are relative to now, as what was far then may be near or over.
    pub(crate) fn tell_again(&mut self) {
        self.told_again = true;
    }

    /// Whether what is told was told before.
    pub(crate) fn is_told_again(&self) -> bool {
        self.told_again
    }

    /// A line.
    pub(crate) fn line(&mut self, text: impl AsRef<str>) {
        self.text.push_str(text.as_ref());
        self.text.push('\n');
    }

    /// Text of somebody else, each line indented; control characters made visible.
    pub(crate) fn quote(&mut self, text: &str) {
        for line in text.lines() {
            self.line(format!("  {}", clean(line)));
        }
    }

    /// The last lines of such a text; all of them with `--verbose`.
    pub(crate) fn quote_end(&mut self, text: &str, lines_max: usize) {
        let skipped = if self.verbose { 0 } else { text.lines().count().saturating_sub(lines_max) };
        if skipped > 0 {
            self.line(format!("  {FAINT}… {} before: --verbose{FAINT:#}", many(skipped as u64, "line")));
        }
        let rest: Vec<&str> = text.lines().skip(skipped).collect();
        self.quote(&rest.join("\n"));
    }

    /// Whether everything was asked for.
    pub(crate) fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// A table.
    pub(crate) fn table(&mut self, table: Table) {
        let columns = table.rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut widths = vec![0; columns];
        for row in &table.rows {
            for (cell, width) in row.iter().zip(&mut widths) {
                *width = (*width).max(cell.text.width());
            }
        }
        for mut row in table.rows {
            while row.last().is_some_and(|cell| cell.text.is_empty()) {
                row.pop();
            }
            self.fit(&mut row, &widths, table.indent);
            let mut line = " ".repeat(table.indent);
            let mut gap = 0;
            for (cell, width) in row.iter().zip(&widths).filter(|(_, width)| **width > 0) {
                line.push_str(&" ".repeat(gap));
                let fill = width - cell.text.width();
                if cell.right {
                    line.push_str(&" ".repeat(fill));
                }
                if cell.style == Style::new() || cell.text.is_empty() {
                    line.push_str(&cell.text);
                } else {
                    line.push_str(&format!("{}{}{:#}", cell.style, cell.text, cell.style));
                }
                gap = if cell.right { 2 } else { fill + 2 };
            }
            self.line(line);
        }
    }

    /// Cuts the last cell of a row so that the row fits the terminal.
    fn fit(&self, row: &mut [Cell], widths: &[usize], indent: usize) {
        let (Some(width), Some((last, before))) = (self.width, row.split_last_mut()) else { return };
        let used: usize = widths[..before.len()].iter().filter(|width| **width > 0).map(|width| width + 2).sum();
        if let Some(left) = width.checked_sub(indent + used).filter(|left| *left > 0) {
            last.text = cut(&last.text, left);
        }
    }

    /// That a list was cut: `… 7 more: --limit N`.
    pub(crate) fn more(&mut self, count: u64, which: &str, how_to_see_them: &str) {
        if count > 0 {
            let colon = if how_to_see_them.is_empty() { "" } else { ": " };
            self.line(format!("{FAINT}… {count} {which}{colon}{how_to_see_them}{FAINT:#}"));
        }
    }

    /// A time: relative, and with `--verbose` absolute besides.
    pub(crate) fn when(&self, at: Timestamp) -> String {
        let relative = times::relative(at, self.now);
        if self.verbose { format!("{relative} ({at})") } else { relative }
    }

    /// A time as it was seen from another: what an event said when it happened, which does not change as time passes.
    pub(crate) fn when_from(&self, at: Timestamp, then: Timestamp) -> String {
        let relative = times::relative(at, if self.told_again { self.now } else { then });
        if self.verbose { format!("{relative} ({at})") } else { relative }
    }

    /// The end of a lease, as `when_from` says it.
    pub(crate) fn lease_end_from(&self, until: Timestamp, then: Timestamp) -> String {
        let ends = if self.told_again && until <= self.now { "ended" } else { "ends" };
        format!("lease {ends} {}", self.when_from(until, then))
    }

    /// An id: short, and with `--verbose` whole.
    pub(crate) fn id(&self, id: impl Into<EventId>) -> String {
        let id = id.into();
        if self.verbose { id.to_string() } else { id.short() }
    }

    /// The text.
    pub(crate) fn finish(self) -> String {
        self.text
    }
}

/// Rows of cells.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
    indent: usize,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A table below a heading.
    pub(crate) fn indented() -> Self {
        Self { rows: Vec::new(), indent: 2 }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }
}

/// One cell of a table.
pub(crate) struct Cell {
    text: String,
    style: Style,
    right: bool,
}

impl Cell {
    /// Plain text. Control characters are made visible, and what is too wide is cut.
    pub(crate) fn text(text: impl ToString) -> Self {
        Self { text: cut(&clean(&text.to_string()), CELL_WIDTH_MAX), style: Style::new(), right: false }
    }

    /// Text that is cut to so many columns.
    pub(crate) fn within(text: impl ToString, width_max: usize) -> Self {
        Self { text: cut(&clean(&text.to_string()), width_max), style: Style::new(), right: false }
    }

    /// Text that is cut by nothing but a terminal's width.
    pub(crate) fn whole(text: impl ToString) -> Self {
        Self { text: clean(&text.to_string()).into_owned(), style: Style::new(), right: false }
    }

    /// An id.
    pub(crate) fn id(text: impl ToString) -> Self {
        Self { style: ID, ..Self::whole(text) }
    }

    /// A number, aligned at its right end.
    pub(crate) fn number(number: impl ToString) -> Self {
        Self { text: number.to_string(), style: Style::new(), right: true }
    }

    /// Something that is well.
    pub(crate) fn good(text: impl ToString) -> Self {
        Self { style: GOOD, ..Self::text(text) }
    }

    /// Something that is not.
    pub(crate) fn bad(text: impl ToString) -> Self {
        Self { style: BAD, ..Self::text(text) }
    }

    /// Something that is going on.
    pub(crate) fn live(text: impl ToString) -> Self {
        Self { style: LIVE, ..Self::text(text) }
    }

    /// Something of less interest.
    pub(crate) fn faint(text: impl ToString) -> Self {
        Self { style: FAINT, ..Self::text(text) }
    }
}

fn cut(text: &str, width_max: usize) -> String {
    if text.width() <= width_max {
        return text.to_owned();
    }
    let mut short = String::new();
    for c in text.chars() {
        if short.width() + unicode_width::UnicodeWidthChar::width(c).unwrap_or(0) >= width_max {
            break;
        }
        short.push(c);
    }
    short.push('…');
    short
}

/// A number of things: `1 event`, `2 events`.
pub(crate) fn many(count: u64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// Text that was written by somebody else, with what could command a terminal made visible.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    let is_unsafe = |c: char| {
        (c.is_control() && c != '\t')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if is_unsafe(c) { '\u{fffd}' } else { c }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        Page::new(Timestamp::from_us(0).unwrap(), false, None)
    }

    #[test]
    fn a_row_is_cut_to_the_terminals_width_and_to_nothing_elsewhere() {
        let rows = || {
            let mut table = Table::indented();
            table.row([Cell::id("abc"), Cell::whole("x".repeat(100))]);
            table
        };
        let mut narrow = Page::new(Timestamp::from_us(0).unwrap(), false, Some(40));
        narrow.table(rows());
        let line = anstream::adapter::strip_str(&narrow.finish()).to_string();
        assert_eq!(line.trim_end().width(), 40);
        assert!(line.ends_with("x…\n"), "{line:?}");
        let mut wide = page();
        wide.table(rows());
        assert!(wide.finish().contains(&"x".repeat(100)));
    }

    #[test]
    fn columns_are_aligned_by_what_is_seen_and_empty_ones_are_left_out() {
        let mut table = Table::new();
        table.row([Cell::text("a"), Cell::text(""), Cell::number(7), Cell::text("end")]);
        table.row([Cell::text("日本"), Cell::text(""), Cell::number(12), Cell::text("end")]);
        table.row([Cell::text("b"), Cell::text(""), Cell::text(""), Cell::text("")]);
        let mut page = page();
        page.table(table);
        assert_eq!(page.finish(), "a      7  end\n日本  12  end\nb\n", "and nothing stands at a line's end");
    }

    #[test]
    fn a_message_cannot_command_the_terminal() {
        assert_eq!(clean("a\x1b[2Jb\u{202e}c\td"), "a\u{fffd}[2Jb\u{fffd}c\td");
        let mut page = page();
        page.quote("one\n\x07two");
        assert_eq!(page.finish(), "  one\n  \u{fffd}two\n");
    }

    #[test]
    fn of_a_long_output_the_end_is_shown() {
        let text = "one\ntwo\nthree";
        let mut short = page();
        short.quote_end(text, 2);
        assert_eq!(
            anstream::adapter::strip_str(&short.finish()).to_string(),
            "  … 1 line before: --verbose\n  two\n  three\n"
        );
        let mut whole = Page::new(Timestamp::from_us(0).unwrap(), true, None);
        whole.quote_end(text, 2);
        assert_eq!(whole.finish(), "  one\n  two\n  three\n");
    }

    #[test]
    fn what_is_too_wide_is_cut() {
        let text = "日".repeat(60);
        assert!(Cell::text(&text).text.width() <= CELL_WIDTH_MAX + 1);
        assert_eq!(Cell::whole(&text).text, text);
    }
}
