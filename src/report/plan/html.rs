//! A plan as one page that needs nothing else. Its charts are drawings in the page: no script.

use std::fmt::Write as _;
use std::io::{self, Write};

use maud::{Markup, html};
use serde_json::Value;

use super::axes::{Axes, BOTTOM, DrawnRows, HEIGHT, TOP, WIDTH, escaped, figure};
use super::queue;
use super::words::{self, QuotaUnit, clock, number};
use crate::plan::PlanReport;
use crate::plan::contract::{InputEffect, QuotaFigures};
use crate::plan::judge::PlanVerdict;
use crate::report::html::chart::ChartData;
use crate::report::html::frame::{frame, licence, section, table};
use crate::report::html::ticks::{short, ticks};

/// Writes the page.
pub fn write(report: &PlanReport, out: &mut impl Write) -> io::Result<()> {
    let title = format!("{}: {}", report.verdict.word(), report.name);
    let body = html! {
        (head(report))
        @for part in words::sections(report) {
            (section(&heading(part.title), &html! {
                @if !part.says.is_empty() { p.dim { (part.says) } }
                (table(&heading(part.title), part.rows))
                @if part.title == "DEMAND" { (demand(report)) }
                @if part.title == "QUOTAS" { (cumulative(report)) }
                @if part.title == "USERS WOULD FEEL" { (timeline(report)) }
                @if part.title == "MEASURE FIRST" { (tornado(report)) }
            }))
        }
        @for (title, lines) in words::notes(report) {
            (section(&heading(title), &html! { ul { @for line in lines { li { (line) } } } }))
        }
        (licence())
    };
    out.write_all(frame(&title, &body, &ChartData::default().in_script()).into_string().as_bytes())?;
    out.write_all(b"\n")
}

/// A title of the terminal as the other pages write theirs.
fn heading(title: &str) -> String {
    let (first, rest) = title.split_at(title.chars().next().map_or(0, char::len_utf8));
    format!("{first}{}", rest.to_lowercase())
}

fn head(report: &PlanReport) -> Markup {
    let class = match report.verdict {
        PlanVerdict::Enough => "verdict",
        PlanVerdict::Unsure => "verdict suspect",
        PlanVerdict::NotEnough => "verdict invalid",
    };
    html! {
        header class=(class) {
            h1 { strong.word { (report.verdict.word()) } " " (report.name) }
            p { (words::subject(report)) }
            @for reason in &report.reasons { p { (reason) } }
        }
    }
}

/// Demand as a band with the quota and what would be refused above it.
fn demand(report: &PlanReport) -> Markup {
    let demand = &report.demand;
    let bands = &demand.bands;
    let checks = demand.checks_per_user;
    let create = report.quotas.first().and_then(|quota| quota.rate_per_s).map(|rate| rate.point);
    let top = bands.iter().map(|band| band.p90 * checks).fold(create.unwrap_or(0.0), f64::max);
    let axes = Axes::over_time(demand.length_s, top, "checks per second");
    let of = |pick: fn(&crate::plan::contract::Band) -> f64| bands.iter().map(move |band| (band.at_s, pick(band) * checks));
    let mut inner = axes.area(of(|band| band.p90), of(|band| band.p10), "fill:var(--c1);opacity:.18");
    if let Some(quota) = create {
        let over = bands.iter().map(|band| (band.at_s, (band.p90 * checks).max(quota)));
        inner += &axes.area(over, bands.iter().map(|band| (band.at_s, quota)), "fill:var(--c3);opacity:.35");
        inner += &axes.level(quota, "c3", &format!("Create quota {}/s", number(quota)));
    }
    inner += &axes.line(of(|band| band.expected), "stroke:var(--c1);stroke-width:2");
    let rows = bands.iter().map(|band| vec![band.at_s, band.p10 * checks, band.expected * checks, band.p90 * checks]);
    let rows = DrawnRows::new(["second", "p10 (checks/s)", "expected (checks/s)", "p90 (checks/s)"], rows);
    axes.drawing("Checks per second: expected, and from p10 to p90; red where the p90 case exceeds Create's quota", &inner, &rows)
}

/// Sessions at once and users who wait, of the first simulated launch.
fn timeline(report: &PlanReport) -> Markup {
    // A point a second of hours is more than a drawing shows.
    let step = (report.timeline.len() / 400).max(1);
    let seconds: Vec<(f64, f64, f64, f64)> = report
        .timeline
        .chunks(step)
        .map(|chunk| {
            let most = |pick: fn(&crate::plan::launch::LaunchSecond) -> u64| {
                crate::num::float(chunk.iter().map(pick).max().unwrap_or(0))
            };
            let mean = |pick: fn(&crate::plan::launch::LaunchSecond) -> u64| {
                crate::num::float(chunk.iter().map(pick).sum::<u64>()) / crate::num::count(chunk.len())
            };
            (
                crate::num::float(chunk[0].second),
                most(|second| second.concurrent),
                mean(|second| second.offered),
                mean(|second| second.refused),
            )
        })
        .collect();
    let cap = report.quotas.iter().find_map(|quota| quota.limit).map_or(0.0, f64::from);
    let end = seconds.last().map_or(1.0, |second| second.0);
    let sessions = Axes::over_time(end, seconds.iter().map(|second| second.1).fold(cap, f64::max), "sessions at once");
    let mut inner = sessions.line(seconds.iter().map(|s| (s.0, s.1)), "stroke:var(--c5);stroke-width:1.5");
    inner += &sessions.level(cap, "c3", &format!("{cap:.0} may stream at once"));
    let calls = Axes::over_time(end, seconds.iter().map(|second| second.2).fold(0.0, f64::max), "calls per second");
    let mut lines =
        calls.area(seconds.iter().map(|s| (s.0, s.3)), seconds.iter().map(|s| (s.0, 0.0)), "fill:var(--c3);opacity:.35");
    lines += &calls.line(seconds.iter().map(|s| (s.0, s.2)), "stroke:var(--c1);stroke-width:1.5");
    let at_once = DrawnRows::new(["second", "sessions at once"], seconds.iter().map(|s| vec![s.0, s.1]));
    let sent = DrawnRows::new(["second", "creates sent (/s)", "refused (/s)"], seconds.iter().map(|s| vec![s.0, s.2, s.3]));
    html! {
        (sessions.drawing("Sessions at once in the first simulated launch as it is, against the cap", &inner, &at_once))
        (calls.drawing("Creates sent per second in that launch; red: creates and starts that were refused, per second", &lines, &sent))
        (queue(report))
    }
}

/// The waits before each waiting room that was tried: as a band over the demand's, and in the simulated launches.
fn queue(report: &PlanReport) -> Markup {
    let rooms = report.options.iter().filter_map(|option| Some((option, option.waiting_room_per_s?)));
    html! {
        @for (option, pace) in rooms {
            (waits(report, pace))
            p { "With " (option.name) ", simulated, half of the users wait up to " (clock(crate::num::float(option.launch.wait_p50_us) / 1e6))
                ", all but one in a hundred up to " (clock(crate::num::float(option.launch.wait_p99_us) / 1e6)) "." }
        }
    }
}

/// How long who comes at a time waits before a room of this pace.
fn waits(report: &PlanReport, pace: f64) -> Markup {
    let bands = &report.demand.bands;
    let every_s = bands.get(1).map_or(report.demand.length_s, |second| second.at_s - bands[0].at_s);
    let of = |pick: fn(&crate::plan::contract::Band) -> f64| {
        let rates: Vec<f64> = bands.iter().map(pick).collect();
        let minutes = queue::waits_s(&rates, every_s, pace).into_iter().map(|wait_s| wait_s / 60.0);
        bands.iter().map(|band| band.at_s).zip(minutes).collect::<Vec<(f64, f64)>>()
    };
    let [low, expected, high] = [of(|band| band.p10), of(|band| band.expected), of(|band| band.p90)];
    let top = high.iter().chain(&expected).map(|point| point.1).fold(0.0, f64::max);
    let axes = Axes::over_time(report.demand.length_s, top, "minutes of waiting");
    let inner = axes.area(high.iter().copied(), low.iter().copied(), "fill:var(--c1);opacity:.18")
        + &axes.line(expected.iter().copied(), "stroke:var(--c1);stroke-width:2");
    let says = format!(
        "Minutes that a user waits who comes at this time, before a room that lets in {}/s: at the expected demand, and at its p10 and p90 all along",
        number(pace)
    );
    let rows = low.iter().zip(&expected).zip(&high).map(|((low, expected), high)| vec![low.0, low.1, expected.1, high.1]);
    let rows = DrawnRows::new(["second", "p10 (min)", "expected (min)", "p90 (min)"], rows);
    axes.drawing(&says, &inner, &rows)
}

/// How much is needed in which share of the cases, with what there is and what is asked for.
fn cumulative(report: &PlanReport) -> Markup {
    let shown = report.quotas.iter().filter(|quota| quota.needed.p90 > quota.needed.p10 && quota.verdict != PlanVerdict::Enough);
    html! { @for quota in shown { (needed(report, quota)) } }
}

fn needed(report: &PlanReport, quota: &QuotaFigures) -> Markup {
    let have = quota.limit.map_or_else(|| quota.rate_per_s.map_or(0.0, |rate| rate.point), f64::from);
    let ask = report.ask.iter().find(|ask| ask.quota_code == quota.quota_code).map(|ask| ask.desired);
    let points: Vec<(f64, f64)> =
        quota.needed_quantiles.iter().zip(0u32..).map(|(needed, percent)| (*needed, f64::from(percent))).collect();
    // The last hundredth would stretch the drawing.
    let end = points.get(98).map_or(1.0, |point| point.0).max(have).max(ask.unwrap_or(0.0)) * 1.05;
    let title = if quota.limit.is_some() { "sessions at once" } else { "calls per second" };
    let axes = Axes { x: (0.0, end), y: (0.0, 100.0), titles: [title, "forecasts, %"] };
    let within = points.iter().copied().filter(|point| point.0 <= end);
    let mut inner = axes.line(within, "stroke:var(--c1);stroke-width:2");
    for (at, colour, name) in [(Some(have), "c3", "have"), (ask, "c2", "ask")] {
        if let Some(at) = at {
            let x = axes.at_x(at);
            // Where the curve is high the name stands below it.
            let covered = points.iter().take_while(|point| point.0 <= at).count() * 2 > points.len();
            let y = if covered { HEIGHT - BOTTOM - 8.0 } else { TOP + 12.0 };
            let _ = write!(
                inner,
                "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{:.1}\" style=\"stroke:var(--{colour});stroke-dasharray:6 4\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" style=\"fill:var(--{colour})\">{name} {}</text>",
                HEIGHT - BOTTOM,
                x + 5.0,
                y,
                number(at)
            );
        }
    }
    let rows = DrawnRows::new([title, "forecasts (%)"], points.iter().map(|point| vec![point.0, point.1]));
    axes.drawing(&format!("{}: share of the forecasts (%) in which so much is enough", quota.operation), &inner, &rows)
}

/// What each uncertain input does to the need.
fn tornado(report: &PlanReport) -> Markup {
    let effects: Vec<_> = report.sensitivity.iter().take(8).collect();
    let ends = effects.iter().flat_map(|effect| [effect.needed_low, effect.needed_high]);
    let (low, high) = ends.fold((f64::INFINITY, 0.0_f64), |(low, high), end| (low.min(end), high.max(end)));
    let quota = effects.first().map(|effect| effect.quota.as_str()).unwrap_or_default();
    let unit = words::needed_unit(report, quota);
    let (row, name) = (26.0, 240.0);
    let bottom = row * crate::num::count(effects.len()) + 12.0;
    let span = (high - low).max(1e-9);
    let at = |needed: f64| name + 20.0 + (needed - low) / span * (WIDTH - name - 190.0);
    let mut bars = tornado_axis([low, high], [name, bottom], &at, unit);
    for (i, effect) in effects.iter().enumerate() {
        let y = 8.0 + row * crate::num::count(i);
        let (from, to) = (effect.needed_low.min(effect.needed_high), effect.needed_low.max(effect.needed_high));
        let rises = effect.needed_high >= effect.needed_low;
        let _ = write!(
            bars,
            "<text x=\"{name}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" style=\"fill:var(--{});opacity:.75\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            y + 14.0,
            escaped(&effect.input),
            at(from),
            (at(to) - at(from)).max(1.0),
            row - 8.0,
            if rises { "c1" } else { "c4" },
            at(to) + 6.0,
            y + 14.0,
            unit.range(effect.needed_low, effect.needed_high)
        );
    }
    let says = format!(
        "What {quota} needs with each input low and high, the others as expected; brown: the higher the input, the less is needed"
    );
    let svg = format!(
        "<svg class=\"drawing\" viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{}\">{bars}</svg>",
        bottom + BOTTOM,
        escaped(&says)
    );
    figure(&says, svg, &effects_drawn(&effects, unit))
}

/// The horizontal axis below the bars: round numbers with a line each, and a title.
fn tornado_axis([low, high]: [f64; 2], [left, bottom]: [f64; 2], at: &dyn Fn(f64) -> f64, unit: QuotaUnit) -> String {
    let mut drawn = String::new();
    for tick in ticks(low, high) {
        let _ = write!(
            drawn,
            "<line x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"4\" y2=\"{bottom:.1}\" style=\"stroke:var(--line)\"/>\
             <text x=\"{0:.1}\" y=\"{1:.1}\" text-anchor=\"middle\">{2}</text>",
            at(tick),
            bottom + 14.0,
            short(tick, high - low)
        );
    }
    let middle = f64::midpoint(at(low), at(high)).max(left);
    let _ = write!(
        drawn,
        "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">needed: {}</text>",
        bottom + 34.0,
        unit.words()
    );
    drawn
}

/// The bars as rows, each number in the unit that its column or the column `unit` names.
fn effects_drawn(effects: &[&InputEffect], unit: QuotaUnit) -> DrawnRows {
    let needed = |end: &str| format!("needed with it {end} ({})", unit.words());
    let head = ["input".to_owned(), "unit".to_owned(), "low".to_owned(), "high".to_owned(), needed("low"), needed("high")];
    let rows = effects.iter().map(|effect| {
        let unit = serde_json::to_value(effect.unit).unwrap_or_default();
        let numbers = [effect.low, effect.high, effect.needed_low, effect.needed_high].map(Value::from);
        [Value::from(effect.input.as_str()), unit].into_iter().chain(numbers).collect()
    });
    DrawnRows::of(head.map(Value::from).to_vec(), rows)
}
