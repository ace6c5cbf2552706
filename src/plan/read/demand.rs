//! `[demand]`: a plateau, a base, a file, events.

use super::value::{self, Inputs, NumberOrWord};
use crate::key::ValueForm;
use crate::num::count;
use crate::plan::demand::{Bins, Demand, Event, ResponseShape};
use crate::plan::import::import;
use crate::plan::spread::Uncertain;
use crate::scenario::{Found, Problem, Reader, Source, Table, quoted, text_up_to};

/// A file of counts is at most so large: 64 MiB, some two million timestamps.
const MAX_CURVE: u64 = 64 << 20;

/// How long a plan goes on after its last event.
const AFTER_S: f64 = 7200.0;

/// What could be read, or a demand of nothing; problems are in `reader`.
pub(super) fn read(plan: &Table<'_>, reader: &mut Reader<'_>, inputs: &mut Inputs) -> Demand {
    let _ = plan.required("demand", "the plan", &mut reader.found);
    let nothing = Demand {
        length_s: 600.0,
        peak: None,
        base: Uncertain::known(0.0),
        events: Vec::new(),
        file: None,
        dispersion: 0.0,
        source: String::new(),
    };
    let Some(table) = plan.table("demand", &mut reader.found) else { return nothing };
    let (file, estimated, note) = curve(&table, reader);
    let found = &mut reader.found;
    let peak_for = table.duration("peak_for", found).map_or(600.0, |d| d.as_secs_f64());
    let peak = inputs.any(&table, "peak", "peak of the users", found).map(|rate| (rate, peak_for));
    let base = inputs.any(&table, "base", "users besides", found);
    let events = events(&table, inputs, found);
    if ["peak", "base", "curve", "event"].iter().all(|key| table.get(key).is_none()) {
        let help = "add peak = \"20/s\", base, a curve or an event";
        found.add(table.span, "the demand is empty", help);
    }
    let dispersion = dispersion(&table, estimated, inputs, found);
    let length_s = length(&table, peak.as_ref().map(|(_, length)| *length), &events, file.as_ref());
    let length_s = table.duration("length", found).map_or(length_s, |d| d.as_secs_f64());
    for event in events.iter().filter(|event| event.at_s >= length_s) {
        let what = format!("an event at {} s is after the end of the plan, {length_s} s", event.at_s);
        found.add(table.key_span("event"), what, "move it, or raise `length`");
    }
    let demand = Demand { length_s, peak, base: base.unwrap_or(Uncertain::known(0.0)), events, file, dispersion, source: note };
    if found.list.is_empty() && demand.curve(&crate::plan::spread::Case::Expected, None).users() <= 0.0 {
        found.add(table.span, "the demand is empty: nobody comes", "give numbers above 0");
    }
    Demand { source: source(&demand), ..demand }
}

/// What the demand is made of, in a few words.
fn source(demand: &Demand) -> String {
    let mut parts = Vec::new();
    if let Some((rate, length)) = &demand.peak {
        parts.push(format!("{}/s for {length} s", rate.expected));
    }
    if demand.base.high > 0.0 {
        parts.push(format!("{}/s all the time", demand.base.expected));
    }
    for event in &demand.events {
        let users = event.audience.expected * event.responds.expected;
        parts.push(match event.shape {
            ResponseShape::Message { send_over_s, .. } if send_over_s.expected > 0.0 => {
                format!("{} messages over {} min, {users:.0} respond", event.audience.expected, send_over_s.expected / 60.0)
            }
            ResponseShape::Message { .. } => format!("{} messages at once, {users:.0} respond", event.audience.expected),
            ResponseShape::Pulse { .. } => format!("a spot that {users:.0} respond to"),
            ResponseShape::Tail { .. } => format!("{users:.0} at one instant"),
            ResponseShape::Day { ratio } => format!("{users:.0} a day, peak {} times the mean", ratio.expected),
        });
    }
    if !demand.source.is_empty() {
        parts.push(demand.source.clone());
    }
    parts.join("; ")
}

/// The file's counts, what its dispersion was estimated to, and what it is.
fn curve(table: &Table<'_>, reader: &mut Reader<'_>) -> (Option<Bins>, Option<f64>, String) {
    let Some(curve) = table.table("curve", &mut reader.found) else { return (None, None, String::new()) };
    let _ = curve.required("file", "the curve", &mut reader.found);
    let scale = curve.number("scale", &mut reader.found).unwrap_or(1.0);
    let Some(name) = curve.text("file", &mut reader.found) else { return (None, None, String::new()) };
    let path = reader.base_dir.join(name);
    let text = match text_up_to(&path, MAX_CURVE) {
        Ok(text) => text,
        Err((what, help)) => {
            let message = format!("the file {}: {what}", quoted(&path.to_string_lossy()));
            reader.found.add(curve.value_span("file"), message, format!("{help}; it is relative to the plan's directory"));
            return (None, None, String::new());
        }
    };
    match import(&text) {
        Ok(imported) => {
            let rates = imported.bins.rates.iter().map(|rate| rate * scale).collect();
            let note = format!("{name}: {} x {scale}", imported.note);
            (Some(Bins { rates, ..imported.bins }), imported.dispersion.or(Some(f64::NAN)), note)
        }
        Err(problems) => {
            let mut inner = Found::default();
            inner.list.extend(problems.into_iter().map(|p| Problem::new(p.span, p.message, p.help)));
            reader.blame(Source { name: path.to_string_lossy().into_owned(), text }, inner);
            (None, None, String::new())
        }
    }
}

static DISPERSION: ValueForm = ValueForm::NumberOr { range: 0.0..=3.0, word: "from-file" };

/// The coefficient of variation that is taken where a file is too short to tell.
const UNKNOWN_CV: f64 = 0.2;

fn dispersion(table: &Table<'_>, estimated: Option<f64>, inputs: &mut Inputs, found: &mut Found) -> f64 {
    match value::number_or(table, "dispersion", &DISPERSION, found) {
        None => {
            inputs.assume("users come independently of each other (demand.dispersion)");
            0.0
        }
        Some(NumberOrWord::Number(cv)) => cv,
        Some(NumberOrWord::Word) => match estimated {
            Some(cv) if cv.is_nan() => {
                inputs.assume("dispersion 0.2: the file has fewer than 60 bins, so it was not estimated");
                UNKNOWN_CV
            }
            Some(cv) => cv,
            None => {
                if table.get("curve").is_none() {
                    found.add(
                        table.value_span("dispersion"),
                        "there is no file to estimate `dispersion` from",
                        "add a curve, or write a number",
                    );
                }
                0.0
            }
        },
    }
}

fn events(table: &Table<'_>, inputs: &mut Inputs, found: &mut Found) -> Vec<Event> {
    let Some(rows) = table.list("event", "[[demand.event]], with double brackets", found) else { return Vec::new() };
    let several = rows.len() > 1;
    let mut events = Vec::new();
    for (n, node) in rows.iter().enumerate() {
        let Some(event) = Table::open(node, "the event", table.keys_of("event"), found) else { continue };
        let Some((event, kind)) = event.tagged(found) else { continue };
        for key in event.beside(kind) {
            let why = format!("`{key}` has no place beside kind = \"{}\"", kind.name);
            event.refuse(key, &why, &format!("delete it; this kind has {}", names(kind.keys)), found);
        }
        let called = |what: &str| if several { format!("{what} of event {}", n + 1) } else { what.to_owned() };
        for key in ["audience", "responds"] {
            let _ = event.required(key, "the event", found);
        }
        let (audience, responds) = (
            inputs.any(&event, "audience", &called("audience"), found),
            inputs.share(&event, "responds", &called("share that responds"), found),
        );
        let shape = shape(&event, kind.name, (inputs, &called), found);
        let at_s = event.duration("at", found).unwrap_or_default().as_secs_f64();
        if let (Some(audience), Some(responds)) = (audience, responds) {
            events.push(Event { at_s, audience, responds, shape });
        }
    }
    events
}

fn names(keys: &[crate::key::TableKey]) -> String {
    keys.iter().map(|key| key.name).collect::<Vec<_>>().join(", ")
}

fn shape(
    event: &Table<'_>,
    kind: &str,
    (inputs, called): (&mut Inputs, &dyn Fn(&str) -> String),
    found: &mut Found,
) -> ResponseShape {
    let mut or = |key: &str, name: &str, without: f64, words: &str, found: &mut Found| {
        inputs.any(event, key, &called(name), found).unwrap_or_else(|| {
            if event.get(key).is_none() && !words.is_empty() {
                inputs.assume(called(words));
            }
            Uncertain::known(without)
        })
    };
    match kind {
        "tv" => ResponseShape::Pulse { mean_s: or("mean_delay", "mean delay", 60.0, "mean delay 60 s", found) },
        "step" => ResponseShape::Tail { mean_s: or("tail", "tail", 60.0, "mean delay 60 s", found) },
        "daily" => ResponseShape::Day { ratio: or("ratio", "peak to mean", 2.5, "peak to mean 2.5", found) },
        _ => ResponseShape::Message {
            median_s: or(
                "median_delay",
                "median delay to respond",
                1200.0,
                "median delay to respond 20 min, no source given",
                found,
            ),
            sigma: or("sigma", "spread of the delays", 1.2, "spread of the delays 1.2, no source given", found),
            send_over_s: or("send_over", "length of the sending", 0.0, "", found),
        },
    }
}

fn length(table: &Table<'_>, peak: Option<f64>, events: &[Event], file: Option<&Bins>) -> f64 {
    let of = |event: &Event| match event.shape {
        ResponseShape::Message { send_over_s, .. } => {
            event.at_s + send_over_s.expected + AFTER_S - send_over_s.expected.min(600.0)
        }
        ResponseShape::Pulse { .. } | ResponseShape::Tail { .. } => event.at_s + 1800.0,
        ResponseShape::Day { .. } => 86_400.0,
    };
    let events = events.iter().map(of).fold(0.0, f64::max);
    let file = file.map_or(0.0, |bins| bins.width_s * count(bins.rates.len()));
    let given = peak.unwrap_or(0.0).max(events).max(file);
    // A base alone has no end of its own.
    if given <= 0.0 && table.get("base").is_some() { 3600.0 } else { given.clamp(1.0, 604_800.0) }
}
