//! The room as a whole: what is read, what is refused, and the worked example.

use std::path::Path;

use super::chance::{Chances, DRAWS};
use super::judge::{self, PlanVerdict};
use super::{Plan, Probes, read};
use crate::probe::ProbeFinding;

/// A disk without probes.
struct NoProbes;

impl Probes for NoProbes {
    fn finding(&self, _: &Path) -> Result<ProbeFinding, (String, String)> {
        Err(("there is no such directory".to_owned(), "name the directory of a probe".to_owned()))
    }
}

fn plan(text: &str) -> Plan {
    read("plan.toml", text, Path::new("/nonexistent"), &NoProbes).unwrap_or_else(|problems| panic!("{problems}"))
}

fn refused(text: &str) -> String {
    read("plan.toml", text, Path::new("/nonexistent"), &NoProbes).unwrap_err().to_string()
}

/// The worked example, whose figures have been published.
pub(crate) const EXAMPLE: &str = include_str!("../../scenarios/plans/reverify.toml");

/// The smallest plan has every default, and says so.
#[test]
fn the_smallest_plan() {
    let plan = plan("name = \"a\"\n[demand]\npeak = \"20/s\"\n");
    let chances = Chances::of(&plan, 200);
    assert!((chances.expected.users_peak - 20.0).abs() < 1e-9 && (chances.expected.users - 12_000.0).abs() < 1e-6);
    assert_eq!(judge::of_plan(&chances), PlanVerdict::NotEnough, "75 sessions at once do not carry 20/s");
    let quotas = plan.assumed.iter().filter(|line| line.contains("AWS's default"));
    assert_eq!(quotas.count(), 4, "{:?}", plan.assumed);
    assert_eq!(plan.inputs.len(), 1, "the session's length alone is uncertain: {:?}", plan.inputs);
}

/// Every problem at once, each with its line and its remedy.
#[test]
fn every_problem_at_once() {
    insta::assert_snapshot!(refused(
        "name = \"My Plan\"\nregion = \"us-east-2\"\ntarget = \"0%\"\nlaunch = \"soon\"\nsead = 1\n[demand]\nbase = -1\n\
         dispersion = \"from-fiel\"\ncurve = { file = \"none.csv\" }\n[[demand.event]]\nkind = \"push\"\naudience = { low = 5, expected = 4, high = 6 }\n\
         responds = \"120%\"\ntail = \"1m\"\n[users]\nsession = 7\nready = { from = \"9s\", to = \"5s\" }\n[client]\nattempts = 0\n[quota]\n\
         create = { probe = \"gone\" }\nstart = 0\nget = { kind = \"delay\", rate = 5 }\nconcurrent = 0\n[[option]]\nname = \"nothing\"\n"
    ));
    insta::assert_snapshot!("empty_demand", refused("name = \"a\"\n[demand]\n"));
    insta::assert_snapshot!("nobody", refused("name = \"a\"\n[demand]\nbase = 0\n"));
    insta::assert_snapshot!("empty", refused(""));
}

/// The published answers of the worked example: loads exactly, percentiles and chances within three standard errors of 2,000 draws each.
#[test]
fn the_worked_example() {
    let plan = plan(EXAMPLE);
    let chances = Chances::of(&plan, DRAWS);
    let near = |found: f64, wanted: f64, by: f64| assert!((found / wanted - 1.0).abs() < by, "{found} {wanted}");
    near(chances.expected.users_peak, 18.41, 1e-3);
    near(chances.expected.calls[0], 20.0, 1e-3);
    near(chances.expected.erlangs, 140.0, 1e-3);
    near(chances.rates[0].expected, 22.3, 2e-3);
    assert!((chances.concurrent.expected - 173.0).abs() < 0.5);
    for (share, rate, sessions) in [(0.1, 14.0, 109.0), (0.5, 22.7, 184.0), (0.9, 37.8, 326.0), (0.95, 43.4, 376.0)] {
        near(chances.rates[0].in_share(share), rate, 0.05);
        near(chances.concurrent.in_share(share), sessions, 0.05);
    }
    for (have, chance) in [(200.0, 0.57), (250.0, 0.76), (300.0, 0.86), (350.0, 0.93), (400.0, 0.97)] {
        assert!((chances.concurrent.within(have) - chance).abs() < 0.047, "{have}: {}", chances.concurrent.within(have));
    }
    for (have, chance) in [(25.0, 0.60), (30.0, 0.76), (40.0, 0.92), (50.0, 0.98)] {
        assert!((chances.rates[0].within(have) - chance).abs() < 0.047, "{have}: {}", chances.rates[0].within(have));
    }
    assert!((chances.enough[0][1] - 0.60).abs() < 0.04 && chances.enough[3][1] < 0.03, "{:?}", chances.enough);
    let first: Vec<&str> = chances.effects.iter().take(3).map(|effect| effect.input.as_str()).collect();
    assert_eq!(first, ["share that responds", "median delay to respond", "session length"]);
    for (effect, needed, rank) in [(0, [121.0, 240.0], 0.60), (1, [237.0, 119.0], -0.57), (2, [151.0, 238.0], 0.36)] {
        let found = &chances.effects[effect];
        near(found.needed[0], needed[0], 0.02);
        near(found.needed[1], needed[1], 0.02);
        assert!((found.spearman - rank).abs() < 0.06, "{found:?}");
    }
    let ask = judge::ask(&plan, &chances);
    assert_eq!(ask.map(Option::unwrap_or_default).map(crate::num::whole), [40, 40, 40, 350]);
}

/// The same seed draws the same bytes, another one others.
#[test]
fn draws_are_seeded() {
    let of = |seed: u64| format!("{:?}", Chances::of(&Plan { seed, ..plan(EXAMPLE) }, 50));
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
}

/// Where the interval of a quota straddles what is needed nobody is sure, and dispersion asks for more.
#[test]
fn intervals_and_dispersion() {
    let text = |quota: &str, dispersion: f64| {
        format!(
            "name = \"a\"\n[demand]\npeak = 20\ndispersion = {dispersion}\n[users]\nsession = \"1s\"\n[quota]\nconcurrent = 500\n\
             start = {{ kind = \"none\" }}\nget = {{ kind = \"none\" }}\ncreate = {quota}\n"
        )
    };
    let verdict = |quota: &str| judge::of_plan(&Chances::of(&plan(&text(quota, 0.0)), 20));
    assert_eq!(verdict("{ rate = { low = 21.9, expected = 22.5, high = 23 }, burst = 25 }"), PlanVerdict::Unsure);
    assert_eq!(verdict("{ rate = { low = 22.2, expected = 22.5, high = 23 }, burst = 25 }"), PlanVerdict::Enough);
    assert_eq!(verdict("{ rate = { low = 20, expected = 21, high = 21.5 }, burst = 25 }"), PlanVerdict::NotEnough);
    assert_eq!(verdict("25"), PlanVerdict::Unsure, "a burst that nobody knows");
    let needed = |dispersion: f64| Chances::of(&plan(&text("{ rate = 25, burst = 25 }", dispersion)), 20);
    assert!(needed(0.2).rates[0].expected > 1.3 * needed(0.0).rates[0].expected);
    assert!(needed(0.2).concurrent.expected > needed(0.0).concurrent.expected);
}

/// What is published for editors is a schema, accepts the plans that are shipped, and refuses others.
#[test]
fn the_schema() {
    let document: serde_json::Value = serde_json::from_str(&super::schema()).unwrap();
    let schema = jsonschema::draft202012::new(&document).unwrap();
    let value = |text: &str| serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap();
    assert!(
        schema.is_valid(&value(EXAMPLE)),
        "{:?}",
        schema.iter_errors(&value(EXAMPLE)).map(|e| e.to_string()).collect::<Vec<_>>()
    );
    assert!(schema.is_valid(&value("name = \"a\"\n[demand]\npeak = \"20/s\"\n")));
    for wrong in ["name = \"a\"\n", "name = \"a\"\n[demand]\npaek = 1\n", "name = \"a\"\n[demand]\npeak = -1\n"] {
        assert!(!schema.is_valid(&value(wrong)), "{wrong}");
    }
}
