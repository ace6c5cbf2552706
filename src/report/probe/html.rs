//! What a probe found as a page: the limiter first, the intervals beside one another, the odds, and every answer over time.

use std::io::{self, Write};

use maud::{Markup, html};

use super::answers;
use super::{ended, kind, lines, number, spent};
use crate::num::count;
use crate::probe::{Kind, ProbeFinding};
use crate::report::html::frame::{chart, frame, licence, pairs, section, table};
use crate::report::html::ticks::{short, ticks};

/// What the page is made of.
#[derive(Debug, Clone, Copy)]
pub struct ProbePage<'a> {
    /// What was found.
    pub finding: &'a ProbeFinding,
    /// Where it comes from, in pairs of name and value.
    pub provenance: &'a [(String, String)],
}

/// Writes the page.
pub fn html(page: &ProbePage<'_>, out: &mut impl Write) -> io::Result<()> {
    let finding = page.finding;
    let title = format!("{}: {}", word(finding), limiter(finding));
    let body = html! {
        (head(finding))
        (section("Result", &result(finding)))
        (section("Interval", &intervals(finding)))
        (section("Odds", &odds(finding)))
        (section("Answers", &answers_over_time(finding)))
        (section("Where this comes from", &pairs("the probe", page.provenance)))
        (licence())
    };
    out.write_all(frame(&title, &body, &answers::payload(finding)).into_string().as_bytes())?;
    out.write_all(b"\n")
}

/// How sure the result is, in a word.
const fn word(finding: &ProbeFinding) -> &'static str {
    match (finding.kind, finding.guaranteed) {
        (Kind::Inconclusive, _) => "INCONCLUSIVE",
        (Kind::None, _) => "NO LIMIT SEEN",
        (_, true) => "GUARANTEED",
        (_, false) => "LIKELY",
    }
}

/// What it is that was found.
fn limiter(finding: &ProbeFinding) -> String {
    match finding.kind {
        Kind::Inconclusive => "no single type was told from the others".to_owned(),
        Kind::None => format!("up to {}/s", number(finding.tried_per_s)),
        kind => kind.words().to_owned(),
    }
}

fn head(finding: &ProbeFinding) -> Markup {
    let class = match (finding.kind, finding.guaranteed) {
        (Kind::Inconclusive, _) => "verdict invalid",
        (Kind::None, _) | (_, false) => "verdict suspect",
        (_, true) => "verdict",
    };
    let numbers = lines(finding).into_iter().filter(|(name, _)| ["rate", "burst", "in flight"].contains(name));
    html! {
        header class=(class) {
            h1 { strong.word { (word(finding)) } " " (limiter(finding)) }
            @for (name, text) in numbers { p { strong { (name) " " (text) } } }
            p { "CreateFaceLivenessSession: " (spent(finding)) "; ended " (ended(finding.stop)) }
            @for note in &finding.notes { p.note { (note) } }
        }
    }
}

/// Everything that is said on the terminal, a row each.
fn result(finding: &ProbeFinding) -> Markup {
    let mut rows = vec![("kind".to_owned(), kind(finding))];
    rows.extend(lines(finding).into_iter().skip(1).map(|(name, text)| (name.to_owned(), text)));
    html! {
        (pairs("result", &rows))
        @if finding.guaranteed {
            p.dim { "Guaranteed under its conditions: nobody else uses the quota, it does not change meanwhile, and no slower limit lies behind it." }
        }
    }
}

/// A bar of the drawing of intervals.
struct DrawnRange {
    name: String,
    low: f64,
    point: Option<f64>,
    high: f64,
}

/// What is left for the rate under every kind that is not refuted, with what Service Quotas says.
fn ranges(finding: &ProbeFinding) -> Vec<DrawnRange> {
    let own = finding.rate_per_s.map(|rate| (finding.kind, rate));
    let also = finding.also.iter().filter_map(|other| Some((other.kind, other.rate_per_s?)));
    let drawn = |(kind, rate): (Kind, crate::probe::Estimate)| DrawnRange {
        name: kind.words().to_owned(),
        low: rate.low,
        point: Some(rate.point),
        high: rate.high,
    };
    let applied = finding.applied_per_s.map(|at| DrawnRange {
        name: "applied, by Service Quotas".to_owned(),
        low: at,
        point: None,
        high: at,
    });
    own.into_iter().chain(also).map(drawn).chain(applied).collect()
}

/// Parts of the width that are left free on either side of the intervals.
const MARGIN: f64 = 0.1; // derived: ends do not touch the edge, and four fifths of the width are the intervals'

fn intervals(finding: &ProbeFinding) -> Markup {
    let ranges = ranges(finding);
    let low = ranges.iter().map(|range| range.low).fold(f64::INFINITY, f64::min);
    let high = ranges.iter().map(|range| range.high).fold(f64::NEG_INFINITY, f64::max);
    if ranges.is_empty() || !low.is_finite() || !high.is_finite() {
        return html! { p.dim { "This result has no rate." } (bursts(finding)) };
    }
    // One value alone is drawn in the middle of a hundredth on either side of it.
    let room = ((high - low) * MARGIN).max(high.abs() / 100.0 * f64::from(u8::from(high <= low))).max(f64::MIN_POSITIVE);
    let (from, to) = ((low - room).max(0.0), high + room);
    let percent = |rate: f64| (rate - from) / (to - from) * 100.0;
    html! {
        p { "Calls per second that it lets through for long:" }
        div.bars {
            @for range in &ranges {
                span { (range.name) }
                span.track aria-hidden="true" {
                    span.range style=(format!("left:{:.2}%;width:{:.2}%", percent(range.low), percent(range.high) - percent(range.low))) {}
                    @if let Some(point) = range.point { span.at style=(format!("left:{:.2}%", percent(point))) {} }
                }
                span.n { @if range.low < range.high { "[" (number(range.low)) ", " (number(range.high)) "]" } @else { (number(range.low)) } }
            }
            span {}
            span.scale aria-hidden="true" { @for rate in ticks(from, to) { span style=(format!("left:{:.2}%", percent(rate))) { (short(rate, to - from)) } } }
            span.n { "/s" }
        }
        (bursts(finding))
    }
}

/// What passes at once, for each kind that is left.
fn bursts(finding: &ProbeFinding) -> Markup {
    let own = finding.burst_between.map(|between| (finding.kind, between));
    let also = finding.also.iter().filter_map(|other| Some((other.kind, other.burst_between?)));
    let mut rows = vec![["kind", "burst, at least", "at most"].map(str::to_owned).to_vec()];
    rows.extend(own.into_iter().chain(also).map(|(kind, (low, high))| {
        let high = if high == crate::probe::UNBOUNDED { "unknown".to_owned() } else { high.to_string() };
        vec![kind.words().to_owned(), low.to_string(), high]
    }));
    html! { @if rows.len() > 1 { p { "Calls that pass at once after a rest:" } (table("burst", rows)) } }
}

/// The share below which a kind's odds are told in a word.
const SMALL: f64 = 0.001; // derived: a tenth of a per cent, the last digit that is shown

/// How probable each kind is that the answers leave.
fn odds(finding: &ProbeFinding) -> Markup {
    let mut odds: Vec<(&Kind, f64)> = finding.odds.iter().map(|(kind, share)| (kind, *share)).collect();
    odds.sort_by(|a, b| b.1.total_cmp(&a.1));
    let told = |share: f64| if share < SMALL { "< 0.1 %".to_owned() } else { format!("{:.1} %", share * 100.0) };
    html! {
        @if odds.is_empty() { p.dim { "No call was refused: there is nothing to tell types apart by." } }
        @else {
            p { "Every type predicts each answer from those before it, and all start alike. A type is named if its odds are above 20 to 1." }
            div.bars {
                @for (kind, share) in odds {
                    span { (kind.words()) }
                    span.track aria-hidden="true" { span.bar style=(format!("left:0;width:{:.2}%", share * 100.0)) {} }
                    span.n { (told(share)) }
                }
            }
        }
    }
}

fn answers_over_time(finding: &ProbeFinding) -> Markup {
    let accepted = count(finding.observations.iter().filter(|o| o.answer == crate::probe::AnswerClass::Accepted).count());
    let says = format!("Calls let through since the start, {accepted} in all, and where calls were refused.");
    html! {
        @if finding.observations.is_empty() { p.dim { "Nothing was answered." } }
        @else {
            (chart("answers", "Let through, in all", &says))
            p.dim { "Each point is a call, at the number of calls let through before it. The slope of the line is the rate; its steps after a rest are bursts." }
            (chart("rates", "Calls per second", "Calls sent, let through and refused in each second."))
            (chart("trips", "Round trip of each call", "Times from sending a call to its answer, by how it was answered."))
            p.dim { "observations.csv has every call." }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::testing::finding;

    fn page(finding: &ProbeFinding) -> String {
        let provenance = [("endpoint".to_owned(), "http://127.0.0.1:1".to_owned())];
        let mut bytes = Vec::new();
        html(&ProbePage { finding, provenance: &provenance }, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// The result comes first, with its interval and the odds drawn; what has no rate has no interval, and nothing is made up of nothing.
    #[test]
    fn the_limiter_comes_first() {
        let good = finding();
        let whole = page(&good);
        let body = &whole[whole.find("<main>").unwrap()..whole.find("</main>").unwrap()];
        assert!(body.starts_with("<main><header class=\"verdict\"><h1><strong class=\"word\">GUARANTEED"), "{body}");
        for part in
            ["guaranteed [4.9", "class=\"range\"", "100.0 %", "data-chart=\"answers\"", "data-chart=\"trips\"", "127.0.0.1"]
        {
            assert!(body.contains(part), "{part} in {body}");
        }
        let empty = ProbeFinding {
            kind: Kind::None,
            rate_per_s: None,
            burst_between: None,
            odds: std::collections::BTreeMap::new(),
            observations: Vec::new(),
            guaranteed: false,
            ..good
        };
        let whole = page(&empty);
        assert!(whole.contains("NO LIMIT SEEN") && whole.contains("This result has no rate."));
        assert!(!whole.contains("data-chart=\"answers\""));
    }

    /// An applied quota is a bar beside the interval, wherever it lies, and so is every other kind that is left; all are inside the drawing.
    #[test]
    fn ranges_fit() {
        let mut found = finding();
        found.applied_per_s = Some(25.0);
        let whole = page(&found);
        assert!(whole.contains("applied, by Service Quotas"));
        for percent in whole.split("left:").skip(1).filter_map(|rest| rest.split('%').next()?.parse::<f64>().ok()) {
            assert!((0.0..=100.0).contains(&percent), "{percent}");
        }
        found.rate_per_s = None;
        assert!(page(&found).contains("25.0000"));
    }
}
