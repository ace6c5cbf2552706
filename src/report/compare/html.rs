//! A comparison as one page that needs nothing else: the verdict and its table first, then both sides over each other in the same charts.

use std::io::{self, Write};
use std::time::Duration;

use maud::{Markup, html};

use super::{overlay, words};
use crate::compare::{ChangeVerdict, Comparison, MetricLine, RunLine};
use crate::record::calls::Calls;
use crate::report::html::frame::{chart, frame, licence, scrolling, section, table};

/// Half the width of a drawn interval, in pixels, and how many smallest effects it shows.
const HALF: f64 = 90.0; // derived: both halves take half of the 390 px of a phone
const EFFECTS: f64 = 3.0; // derived: a change that matters leaves the middle third, and limits twice as far away are still seen

/// Height of a drawn interval, and of the axis above them.
const ROW: f64 = 14.0; // derived: a line of text
const AXIS: f64 = 18.0; // derived: a line of text and a tick

/// How far the tip of an arrow reaches, and how far its ends lie apart.
const TIP: f64 = 6.0; // derived: as wide as the point at the change, so that it is seen beside it

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
        (section("Metrics", &metrics(comparison)))
        (section("Differences in setup", &differences(comparison)))
        (section("Overlay", &charts()))
        (section("Runs", &runs(comparison)))
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
        (rows("metrics", &shown.first))
        p.dim {
            "Point and line: the change with its interval; an arrow where the interval goes further. Shaded: changes too small to matter. The axis \
             counts multiples of the smallest change that matters, which is in the last column."
        }
        @for line in words::legend(comparison).into_iter().chain(words::own(&shown.own)) { p.dim { (line) } }
        details {
            summary { (words::folded(&[&shown.folded[..], &shown.own].concat()).unwrap_or_else(|| "Notes".to_owned())) }
            (rows("more metrics", &shown.folded))
            h3 { "livebench's own lateness" }
            (rows("livebench's own lateness", &shown.own))
            @for line in words::remarks(comparison, &shown).into_iter().chain(comparison.checks.iter().map(words::check)) { p.dim { (line) } }
        }
    }
}

fn rows(name: &str, shown: &[&MetricLine]) -> Markup {
    let mut rows = words::table(shown).into_iter();
    let head = rows.next().unwrap_or_default();
    let table = html! {
        table.tight {
            // The verdict is last on the terminal, where a row is read to its end; on a narrow page that end is out of sight.
            @if let [metric, numbers @ .., verdict] = &*head {
                thead { tr {
                    th scope="col" { (metric) } th scope="col" { (verdict) } th scope="col" { (axis()) }
                    @for name in numbers { th.n scope="col" { (name) } }
                    th.n scope="col" { "smallest that matters" }
                } }
            }
            tbody { @for (row, line) in rows.zip(shown) { @if let [metric, numbers @ .., verdict] = &*row {
                tr {
                    th scope="row" { (metric) } td class=(tone(line.verdict)) { (verdict) } td { (drawn(line)) }
                    @for cell in numbers { td.n { (cell) } }
                    td.n { (words::smallest_effect(line)) }
                }
            } } }
        }
    };
    scrolling(name, &table)
}

/// Where a number of smallest effects is drawn.
fn place(effects: f64) -> f64 {
    effects.clamp(-EFFECTS, EFFECTS) / EFFECTS * HALF + HALF
}

fn pixels(x: f64) -> String {
    format!("{x:.1}")
}

/// The axis above the drawn intervals, in smallest effects.
fn axis() -> Markup {
    let width = 2.0 * HALF;
    // derived: the ends, the edges of the band and the middle
    let ticks = [(-EFFECTS, "start"), (-1.0, "middle"), (0.0, "middle"), (1.0, "middle"), (EFFECTS, "end")];
    html! {
        svg.limits.axis width=(pixels(width)) height=(pixels(AXIS)) viewBox=(format!("0 0 {width} {AXIS}")) role="img"
            aria-label=(format!("change in smallest effects that matter, from -{EFFECTS} to +{EFFECTS}")) {
            @for (at, anchor) in ticks {
                line.zero x1=(pixels(place(at))) x2=(pixels(place(at))) y1=(pixels(AXIS - TIP)) y2=(pixels(AXIS)) {}
                text x=(pixels(place(at))) y=(pixels(AXIS - TIP - 1.0)) text-anchor=(anchor) { @if at == 0.0 { "0" } @else { (format!("{at:+.0}x")) } }
            }
        }
    }
}

/// The change with its limits, in smallest effects. The numbers stand beside it.
fn drawn(metric: &MetricLine) -> Markup {
    let effects = |pct: f64| pct / metric.min_effect_pct;
    let (width, middle, tone) = (2.0 * HALF, ROW / 2.0, tone(metric.verdict));
    // Where a limit leaves the drawing, or is unknown, an arrow says so.
    let from = metric.low_pct.map(effects).filter(|low| *low >= -EFFECTS);
    let to = metric.high_pct.map(effects).filter(|high| *high <= EFFECTS);
    let line = (place(from.unwrap_or(-EFFECTS)), place(to.unwrap_or(EFFECTS)));
    let tip = |at: f64, back: f64| {
        let (back, top, bottom) = (pixels(at + back), pixels(middle - TIP / 2.0), pixels(middle + TIP / 2.0));
        format!("M{back} {top} L{} {} L{back} {bottom} Z", pixels(at), pixels(middle))
    };
    html! {
        @if let (Some(change), true) = (metric.change_pct, metric.min_effect_pct > 0.0) {
            svg.limits width=(pixels(width)) height=(pixels(ROW)) viewBox=(format!("0 0 {width} {ROW}")) aria-hidden="true" {
                rect.band x=(pixels(place(-1.0))) y="0" width=(pixels(place(1.0) - place(-1.0))) height=(pixels(ROW)) {}
                line.zero x1=(pixels(HALF)) x2=(pixels(HALF)) y1="0" y2=(pixels(ROW)) {}
                line class=(format!("range {tone}")) x1=(pixels(line.0)) x2=(pixels(line.1)) y1=(pixels(middle)) y2=(pixels(middle)) {}
                @if from.is_none() { path class=(format!("tip {tone}")) d=(tip(0.0, TIP)) {} }
                @if to.is_none() { path class=(format!("tip {tone}")) d=(tip(width, -TIP)) {} }
                @if effects(change).abs() <= EFFECTS { circle class=(format!("point {tone}")) cx=(pixels(place(effects(change)))) cy=(pixels(middle)) r="3" {} }
            }
        }
    }
}

fn differences(comparison: &Comparison) -> Markup {
    html! {
        @if comparison.differences.is_empty() { p.dim { "Nothing." } }
        @else { div.texts.tight { (table("differences in setup", words::differences(comparison))) } }
    }
}

fn charts() -> Markup {
    html! {
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
    html! { div.texts.tight { (table("runs", rows)) } }
}
