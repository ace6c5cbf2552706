//! A comparison as one page that needs nothing else: the verdict and its table first, then both sides over each other in the same charts.

use std::io::{self, Write};
use std::time::Duration;

use maud::{Markup, html};

use super::{overlay, words};
use crate::compare::{ChangeVerdict, Comparison, MetricLine, RunLine};
use crate::record::calls::Calls;
use crate::report::html::{chart, frame, licence, table};

/// Half the width of a drawn interval, in pixels, and how many smallest effects it shows.
const HALF: f64 = 90.0;
const EFFECTS: f64 = 3.0;

/// What the page is made of.
#[derive(Debug, Clone, Copy)]
pub struct Overlay<'a> {
    /// The comparison.
    pub comparison: &'a Comparison,
    /// The calls of the runs before.
    pub base: &'a [&'a Calls],
    /// The calls of the runs after.
    pub new: &'a [&'a Calls],
    /// When each stage of the load begins, and what it does.
    pub stages: &'a [(Duration, String)],
}

/// Writes the page.
pub fn html(page: &Overlay<'_>, out: &mut impl Write) -> io::Result<()> {
    let comparison = page.comparison;
    let title = format!("{}: {}", comparison.verdict, words::sides(comparison));
    let body = html! {
        (verdict(comparison))
        (metrics(comparison))
        (differences(comparison))
        (charts())
        (runs(comparison))
        (licence())
    };
    let payload = overlay::payload(page.base, page.new, page.stages);
    out.write_all(frame(&title, &body, &payload).into_string().as_bytes())?;
    out.write_all(b"\n")
}

/// How a verdict is coloured.
const fn tone(verdict: ChangeVerdict) -> &'static str {
    match verdict {
        ChangeVerdict::Improved => "good",
        ChangeVerdict::Regressed => "bad",
        ChangeVerdict::Inconclusive | ChangeVerdict::Incomparable => "warn",
        ChangeVerdict::Unchanged => "",
    }
}

fn verdict(comparison: &Comparison) -> Markup {
    let class = match comparison.verdict {
        ChangeVerdict::Improved | ChangeVerdict::Unchanged => "verdict",
        ChangeVerdict::Inconclusive | ChangeVerdict::Incomparable => "verdict suspect",
        ChangeVerdict::Regressed => "verdict invalid",
    };
    html! {
        header class=(class) {
            h1 { (words::sides(comparison)) }
            p { strong.word { (comparison.verdict.name().to_uppercase()) } " " strong { (comparison.sentence) } }
            @for line in words::summary(comparison) { p { (line) } }
        }
    }
}

fn metrics(comparison: &Comparison) -> Markup {
    let shown = words::shown(comparison);
    html! {
        h2 { "Metrics" }
        (rows(&shown.first))
        p.dim { "Line: the change with its limits; an arrow where they reach beyond the drawing. Shaded: changes too small to matter." }
        @for line in words::legend(comparison).into_iter().chain(words::own(&shown.own)) { p.dim { (line) } }
        details {
            summary { (words::folded(&[&shown.folded[..], &shown.own].concat()).unwrap_or_else(|| "Notes".to_owned())) }
            (rows(&shown.folded))
            h3 { "livebench's own lateness" }
            (rows(&shown.own))
            @for line in words::remarks(comparison, &shown).into_iter().chain(comparison.checks.iter().map(words::check)) { p.dim { (line) } }
        }
    }
}

fn rows(shown: &[&MetricLine]) -> Markup {
    let mut rows = words::table(shown).into_iter();
    let head = rows.next().unwrap_or_default();
    html! {
        div.wide tabindex="0" role="region" aria-label="metrics" {
            table.tight {
                // The verdict is last on the terminal, where a row is read to its end; on a narrow page that end is out of sight.
                @if let [metric, numbers @ .., verdict] = &*head {
                    thead { tr {
                        th scope="col" { (metric) } th scope="col" { (verdict) } td {}
                        @for name in numbers { th.n scope="col" { (name) } }
                    } }
                }
                tbody { @for (row, line) in rows.zip(shown) { @if let [metric, numbers @ .., verdict] = &*row {
                    tr {
                        th scope="row" { (metric) } td class=(tone(line.verdict)) { (verdict) } td { (drawn(line)) }
                        @for cell in numbers { td.n { (cell) } }
                    }
                } } }
            }
        }
    }
}

/// The change with its limits, in smallest effects. The numbers stand beside it.
fn drawn(metric: &MetricLine) -> Markup {
    let place = |pct: f64| (pct / metric.min_effect_pct).clamp(-EFFECTS, EFFECTS) / EFFECTS * HALF + HALF;
    // On which side a limit leaves the drawing.
    let beyond = |pct: f64| if (pct / metric.min_effect_pct).abs() > EFFECTS { pct } else { 0.0 };
    let text = |x: f64| format!("{x:.1}");
    let (width, band) = (2.0 * HALF, HALF / EFFECTS);
    html! {
        @if let (Some(change), true) = (metric.change_pct, metric.min_effect_pct > 0.0) {
            svg.limits width=(text(width)) height="14" viewBox=(format!("0 0 {width} 14")) aria-hidden="true" {
                rect.band x=(text(HALF - band)) y="0" width=(text(2.0 * band)) height="14" {}
                line.zero x1=(text(HALF)) x2=(text(HALF)) y1="0" y2="14" {}
                line class=(format!("range {}", tone(metric.verdict))) x1=(text(metric.low_pct.map_or(0.0, place)))
                    x2=(text(metric.high_pct.map_or(width, place))) y1="7" y2="7" {}
                @if metric.low_pct.is_none_or(|low| beyond(low) < 0.0) { path class=(format!("range {}", tone(metric.verdict))) d="M6 3 L0 7 L6 11" fill="none" {} }
                @if metric.high_pct.is_none_or(|high| beyond(high) > 0.0) {
                    path class=(format!("range {}", tone(metric.verdict))) d=(format!("M{} 3 L{width} 7 L{} 11", width - 6.0, width - 6.0)) fill="none" {}
                }
                circle class=(format!("point {}", tone(metric.verdict))) cx=(text(place(change))) cy="7" r="3" {}
            }
        }
    }
}

fn differences(comparison: &Comparison) -> Markup {
    html! {
        h2 { "Differences in setup" }
        @if comparison.differences.is_empty() { p.dim { "Nothing." } }
        @else { div.texts.tight { (table(words::differences(comparison))) } }
    }
}

fn charts() -> Markup {
    html! {
        h2 { "Overlay" }
        (chart("spectrum", "Percentile spectrum", "Times of both sides by percentile on a logarithmic scale; the table under Metrics has the usual ones."))
        (chart("change", "Change of the response time by percentile", "The change of the response time in per cent by percentile; the table under Metrics has the usual ones."))
        (chart("times", "Response percentiles over time, ok answers", "Response percentiles of both sides over time; the table under Metrics has the whole."))
        (chart("rate", "Calls per second of a run", "Calls per second of both sides over time; the table under Metrics has rates and shares."))
    }
}

fn runs(comparison: &Comparison) -> Markup {
    let mut rows = vec![["side", "run", "started", "seed", "calls"].map(str::to_owned).to_vec()];
    let mut side = |name: &str, runs: &[RunLine]| {
        for run in runs {
            rows.push(vec![
                name.to_owned(),
                run.name.clone(),
                run.start_utc.clone(),
                run.seed.to_string(),
                run.calls.to_string(),
            ]);
        }
    };
    side("base", &comparison.base);
    side("new", &comparison.new);
    html! { h2 { "Runs" } div.texts.tight { (table(rows)) } }
}
