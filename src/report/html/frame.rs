//! What every page is made of: the frame with its style and its scripts, parts that fold, tables, and places for charts.
//!
//! A page needs nothing else and works without its scripts, but for the charts. Refuses to load anything.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::report::parts::TableRows;

pub(super) const CHARTS_CSS: &str = include_str!("uPlot.min.css");
pub(super) const CHARTS_JS: &str = include_str!("uPlot.min.js");
pub(super) const PAGE_CSS: &str = include_str!("page.css");
pub(super) const DRAW_JS: &str = include_str!("charts.js");
pub(super) const PAGE_JS: &str = include_str!("page.js");

/// A page that needs nothing else: its text, and the data that its charts draw.
pub(in crate::report) fn frame(title: &str, body: &Markup, payload: &str) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
                title { (title) }
                style { (PreEscaped(CHARTS_CSS)) (PreEscaped(PAGE_CSS)) }
            }
            body {
                main { (body) }
                script id="data" type="application/json" { (PreEscaped(payload)) }
                script { (PreEscaped(CHARTS_JS)) }
                script { (PreEscaped(DRAW_JS)) }
                script { (PreEscaped(PAGE_JS)) }
            }
        }
    }
}

/// A part of the page that can be folded.
pub(in crate::report) fn section(title: &str, body: &Markup) -> Markup {
    html! { details.section open { summary { h2 { (title) } } (body) } }
}

/// The place of a chart, with what it shows for those who cannot see it.
pub(in crate::report) fn chart(kind: &str, title: &str, says: &str) -> Markup {
    html! { figure { figcaption { (title) } div data-chart=(kind) data-says=(says) {} } }
}

/// A table whose first column names its rows, and that scrolls where it is too wide.
pub(in crate::report) fn table(name: &str, rows: TableRows) -> Markup {
    let mut rows = rows.into_iter();
    let head = rows.next().unwrap_or_default();
    scrolling(
        name,
        &html! {
            table {
                thead { tr { @for (i, cell) in head.iter().enumerate() {
                    @if cell.is_empty() { td {} } @else { th scope="col" class=(if i == 0 { "" } else { "n" }) { (cell) } }
                } } }
                tbody { @for row in rows { tr { @for (i, cell) in row.iter().enumerate() {
                    @if i == 0 { th scope="row" { (cell) } } @else { td.n { (cell) } }
                } } } }
            }
        },
    )
}

/// What scrolls where it is too wide, with a name by which readers of the screen tell it from others.
pub(in crate::report) fn scrolling(name: &str, inner: &Markup) -> Markup {
    html! { div.wide tabindex="0" role="region" aria-label=(name) { (inner) } }
}

/// Pairs of name and value.
pub(in crate::report) fn pairs(name: &str, rows: &[(String, String)]) -> Markup {
    scrolling(
        name,
        &html! { table { tbody { @for (name, value) in rows { tr { th scope="row" { (name) } td.mono { (value) } } } } } },
    )
}

/// Whose charts these are.
pub(in crate::report) fn licence() -> Markup {
    html! { p.dim { "Charts: uPlot 1.6.32, MIT licence, © 2022 Leon Sorokin." } }
}
