//! The keys of a scenario outside `[emulator]`: each with its form, its default and what it means.
//!
//! Refuses to read a text; `parse` does.

use std::time::Duration;

use super::{Overflow, Pacing, TokenUse, Transport};
use crate::emulator::config::keys::{EMULATOR, session_ttl};
use crate::key::{Given, TableKey, TableKeys, TextRule, ValueForm, Variant, Words as _, words};
use crate::limiter::QUOTA;
use crate::schedule::{Arrivals, MAX_LENGTH};
use crate::service::operation::Operation;

words!(Overflow { "miss" => Miss, "wait" => Wait });
words!(Arrivals { "even" => Even, "poisson" => Poisson });
words!(Transport { Self::Sdk.name() => Sdk, Self::Wire.name() => Wire });
words!(Pacing { "timer" => Timer, "spin" => Spin });
words!(TokenUse { "fresh" => Fresh, "none" => None });
words!(Operation { Self::Create.name() => Create, Self::GetResults.name() => GetResults });

/// No run schedules more calls.
pub(super) const MOST_CALLS: u64 = 10_000_000;
/// Calls in flight, or workers.
const MOST_AT_ONCE: u64 = 100_000;
/// Names become parts of file names and cells of tables.
const NAME: &str = "^[a-z0-9][a-z0-9_-]{0,63}$";
const WHOLE: u64 = i64::MAX.unsigned_abs();

/// A scenario.
pub(super) static SCENARIO: TableKeys = TableKeys {
    never: &[&["emulator.credentials"]],
    ..TableKeys::new(
        "scenario",
        "What `livebench run` drives: the load, the requests, and what must hold.",
        &[
            TableKey::required(
                "name",
                ValueForm::Text(TextRule::matching(NAME)),
                "name = \"...\"; it names the directory of the run",
                "Names the directory of the run: `a-z0-9-_`, up to 64 characters.",
            )
            .like("\"first\""),
            TableKey::default(
                "description",
                ValueForm::Text(TextRule::of_length(0, 2000)),
                Given::Text(""),
                "What the scenario shows.",
            )
            .like("\"what it shows\""),
            TableKey::default(
                "seed",
                ValueForm::Integer(0..=WHOLE),
                Given::Integer(1),
                "Every random draw of the run comes from it.",
            ),
            TableKey::required("load", ValueForm::Table(&LOAD), "[load] with stages = [ { for = \"10s\", rate = 5 } ]", ""),
            TableKey::optional(
                "mix",
                ValueForm::Tables { of: &MIX, count: 1..=1000 },
                "every call is the empty request with a fresh token",
                "Weighted request settings.",
            ),
            TableKey::optional("idempotency", ValueForm::Table(&IDEMPOTENCY), "", ""),
            TableKey::optional("budget", ValueForm::Table(&BUDGET), "", ""),
            TableKey::optional(
                "thresholds",
                ValueForm::Thresholds,
                "",
                "What must hold: a metric and a comparison. Each becomes one line of the verdict, with the value observed.",
            ),
            TableKey::optional("emulator", ValueForm::Table(&EMULATOR), "", ""),
        ],
    )
};

/// The file of `livebench emulate --config`.
pub(super) static EMULATOR_FILE: TableKeys = TableKeys::new(
    "emulator_file",
    "The emulator that `livebench emulate` runs.",
    &[TableKey::required("emulator", ValueForm::Table(&EMULATOR), "the table [emulator], as a scenario has it", "")],
);

/// The body of `POST /_livebench/quota`.
pub(super) static QUOTA_CHANGE: TableKeys = TableKeys::new(
    "quota_change",
    "Another quota for an operation.",
    &[
        TableKey::optional("operation", ValueForm::Word(Operation::NAMES), "that of creates", "Whose quota."),
        TableKey::optional("quota", ValueForm::Table(&QUOTA), "what is documented for each region", "The emulator's settings."),
    ],
);

const fn stages(of: &'static TableKeys, remedy: &'static str, help: &'static str) -> TableKey {
    TableKey::required("stages", ValueForm::Tables { of, count: 1..=1000 }, remedy, help)
}

/// `[load]`.
pub(super) static LOAD: TableKeys = TableKeys {
    tag: "model",
    variants: &[
        &Variant {
            name: "open",
            help: "The open model: arrivals do not wait for answers.",
            keys: &[
                TableKey::default(
                    "concurrency",
                    ValueForm::Integer(1..=MOST_AT_ONCE),
                    Given::Integer(64),
                    "Maximum calls in flight.",
                ),
                TableKey::default(
                    "overflow",
                    ValueForm::Word(Overflow::NAMES),
                    Given::Text("miss"),
                    "A call that is due while `concurrency` are in flight is counted as missed and never sent, or waits; its lateness \
                     tells.",
                ),
                TableKey::default(
                    "arrivals",
                    ValueForm::Word(Arrivals::NAMES),
                    Given::Text("even"),
                    "Even spacing along the rate curve, or a seeded Poisson process.",
                ),
                stages(
                    &OPEN_STAGE,
                    "stages = [ { for = \"30s\", rate = 5 } ]",
                    "The rate over time, one stage after the other; up to a week and 10000000 calls.",
                ),
            ],
        },
        &Variant {
            name: "closed",
            help: "The closed model: workers each wait for their answer.",
            keys: &[
                stages(
                    &CLOSED_STAGE,
                    "stages = [ { for = \"30s\", workers = 8 } ]",
                    "Workers over time, one stage after the other; up to a week.",
                ),
                TableKey::default(
                    "think_time",
                    ValueForm::Duration(Duration::ZERO..=Duration::from_secs(3600)),
                    Given::Text("0s"),
                    "Pause of a worker between an answer and its next call.",
                )
                .like("\"100ms\""),
            ],
        },
    ],
    ..TableKeys::new(
        "load",
        "What is sent, and when.",
        &[
            TableKey::optional(
                "max_rate",
                ValueForm::PositiveRate,
                "none",
                "A token bucket (calls per second) over everything that is sent, whatever the stages say.",
            ),
            TableKey::default(
                "transport",
                ValueForm::Word(Transport::NAMES),
                Given::Text("sdk"),
                "How a call reaches the service: through the AWS SDK for Rust, or the same without its orchestrator, for a fifth of its \
                 CPU.",
            ),
            TableKey::default(
                "pacing",
                ValueForm::Word(Pacing::NAMES),
                Given::Text("timer"),
                "How due times are kept: an absolute kernel timer, or that and a short spin, which is exact and costs CPU.",
            ),
        ],
    )
};

const LENGTH: TableKey = TableKey::required(
    "for",
    ValueForm::Duration(Duration::from_millis(1)..=MAX_LENGTH),
    "`for`, its length: for = \"30s\"",
    "Length of the stage.",
)
.like("\"30s\"");

/// A stage of the open model.
pub(super) static OPEN_STAGE: TableKeys = TableKeys {
    variants: &[
        &Variant {
            name: "constant",
            help: "A constant rate for a time.",
            keys: &[LENGTH, TableKey::required("rate", ValueForm::Rate, "", "Calls per second.")],
        },
        &Variant {
            name: "ramp",
            help: "A rate that goes in a straight line from one value to another.",
            keys: &[
                LENGTH,
                TableKey::required("from", ValueForm::Rate, "`from`, the rate at its start", "Calls per second at its start."),
                TableKey::required("to", ValueForm::Rate, "`to`, the rate at its end", "Calls per second at its end."),
            ],
        },
        &Variant {
            name: "burst",
            help: "This many calls at one instant.",
            keys: &[TableKey::required("calls", ValueForm::Integer(1..=MOST_CALLS), "", "How many calls.")],
        },
    ],
    foreign: &["workers"],
    ..TableKeys::new("stage", "A piece of the rate curve.", &[])
};

/// A stage of the closed model.
pub(super) static CLOSED_STAGE: TableKeys = TableKeys {
    foreign: &["rate", "from", "to", "calls"],
    ..TableKeys::new(
        "workers",
        "A number of workers for a time; each waits for its answer before its next call.",
        &[
            LENGTH,
            TableKey::required(
                "workers",
                ValueForm::Integer(1..=MOST_AT_ONCE),
                "`workers`, like { for = \"60s\", workers = 8 }",
                "How many workers.",
            ),
        ],
    )
};

/// A row of `[[mix]]`.
pub(super) static MIX: TableKeys = TableKeys {
    never: &[&["request", "request_file"], &["token", "request.ClientRequestToken"]],
    lifts: Some(("unchecked", "request")),
    ..TableKeys::new(
        "mix",
        "Request settings that a share of the calls takes.",
        &[
            TableKey::default(
                "name",
                ValueForm::Text(TextRule::matching(NAME)),
                Given::Text("default"),
                "Unique among the mixes; needed when there are several.",
            )
            .like("\"plain\""),
            TableKey::default("weight", ValueForm::Integer(1..=1_000_000), Given::Integer(1), "Relative to the other mixes' weights."),
            TableKey::optional("request", ValueForm::Table(&REQUEST), "the empty request", ""),
            TableKey::optional(
                "request_file",
                ValueForm::Text(TextRule { pattern: None, length: 1..=usize::MAX }),
                "none",
                "A JSON file with the request, as `aws rekognition create-face-liveness-session --generate-cli-skeleton` prints it; \
                 relative to the scenario's directory.",
            )
            .like("\"requests/full.json\""),
            TableKey::default(
                "token",
                ValueForm::Word(TokenUse::NAMES),
                Given::Text("fresh"),
                "Every call brings a token that was never used, or none.",
            ),
            TableKey::default(
                "unchecked",
                ValueForm::Truth,
                Given::Truth(false),
                "Send the request though it breaks the constraints of the service's model, to see what is clamped and what is refused: \
                 `AuditImagesLimit = 9`, a bucket that cannot be. Names, types and required members are checked all the same.",
            ),
        ],
    )
};

/// The `request` of a mix.
pub(super) static REQUEST: TableKeys = TableKeys::new(
    "request",
    "The service's own request (CreateFaceLivenessSession), in its own spelling. Every member is optional; an absent one is not sent.",
    &[
        TableKey::optional(
            "KmsKeyId",
            ValueForm::Text(TextRule { pattern: Some("^[A-Za-z0-9][A-Za-z0-9:_/+=,@.-]{0,2048}$"), length: 1..=2048 }),
            "",
            "KMS key for reference and audit images: id, ARN or alias.",
        )
        .like("\"alias/liveness\""),
        TableKey::optional("Settings", ValueForm::Table(&SETTINGS), "", ""),
        TableKey::optional(
            "ClientRequestToken",
            ValueForm::Text(TextRule { pattern: Some("^[a-zA-Z0-9-_]+$"), length: 1..=64 }),
            "",
            "Idempotency token. Set here, every call of the mix sends it and all get one session; leave it out for fresh tokens.",
        )
        .like("\"my-token\""),
    ],
);

/// `Settings` of a request.
pub(super) static SETTINGS: TableKeys = TableKeys::new(
    "settings",
    "The session's settings.",
    &[
        TableKey::optional("OutputConfig", ValueForm::Table(&OUTPUT_CONFIG), "", ""),
        TableKey::optional("AuditImagesLimit", ValueForm::Integer(0..=4), "", "How many audit images are kept.").like("4"),
        TableKey::optional(
            "ChallengePreferences",
            ValueForm::Tables { of: &CHALLENGE, count: 0..=usize::MAX },
            "",
            "Which challenges the caller prefers.",
        ),
    ],
);

/// `OutputConfig` of a request.
pub(super) static OUTPUT_CONFIG: TableKeys = TableKeys::new(
    "output_config",
    "Where images go; without it they come back as bytes.",
    &[
        TableKey::required(
            "S3Bucket",
            ValueForm::Text(TextRule { pattern: Some(r"^[0-9A-Za-z\.\-_]*$"), length: 3..=255 }),
            "it, like \"my-bucket\": the service requires it here",
            "The bucket.",
        )
        .like("\"my-bucket\""),
        TableKey::optional(
            "S3KeyPrefix",
            ValueForm::Text(TextRule { pattern: Some(r"^\S*$"), length: 0..=950 }),
            "",
            "The prefix of the keys.",
        )
        .like("\"liveness/\""),
    ],
);

/// A row of `ChallengePreferences`.
pub(super) static CHALLENGE: TableKeys = TableKeys::new(
    "challenge",
    "A challenge that the caller prefers.",
    &[
        TableKey::required(
            "Type",
            ValueForm::Word(&["FaceMovementAndLightChallenge", "FaceMovementChallenge"]),
            "it, like \"FaceMovementChallenge\": the service requires it here",
            "Which challenge.",
        )
        .like("\"FaceMovementChallenge\""),
        TableKey::optional("Versions", ValueForm::Table(&VERSIONS), "", ""),
    ],
);

const fn version(name: &'static str, help: &'static str) -> TableKey {
    let three = r"^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$";
    TableKey::optional(name, ValueForm::Text(TextRule { pattern: Some(three), length: 5..=11 }), "", help).like("\"1.0.0\"")
}

/// `Versions` of a challenge.
pub(super) static VERSIONS: TableKeys = TableKeys::new(
    "versions",
    "A range of its versions.",
    &[version("Minimum", "The lowest."), version("Maximum", "The highest.")],
);

const fn repeats(name: &'static str, help: &'static str) -> TableKey {
    TableKey::default(name, ValueForm::Share, Given::Number(0.0), help)
}

/// `[idempotency]`.
pub(super) static IDEMPOTENCY: TableKeys = TableKeys::new(
    "idempotency",
    "Shares of the scheduled calls that repeat an earlier token instead of bringing a fresh one; at most 1 together.",
    &[
        repeats("replay", "After its answer: must give the same session."),
        repeats(
            "race",
            "With its twin, the next scheduled call, at the same instant: must give one session for both. Open model only.",
        ),
        repeats("mismatch", "With other settings; what then happens is reported, not judged."),
        repeats("expired", "After the session's life; what then happens is reported, not judged."),
        repeats("after_throttle", "After a first attempt that was throttled: must give one session for the token from then on."),
        repeats("after_loss", "After a first attempt whose answer was lost: must give one session for the token from then on."),
        session_ttl("How old a session must be to count as expired; 180s is what the service says."),
    ],
);

/// `[budget]`.
pub(super) static BUDGET: TableKeys = TableKeys::new(
    "budget",
    "Hard stops.",
    &[
        TableKey::optional("max_calls", ValueForm::Integer(1..=WHOLE), "none", "Maximum calls to send. Needed for --target aws."),
        TableKey::default(
            "max_spend_usd",
            ValueForm::Number(0.0..=1e9),
            Given::Number(0.0),
            "Maximum cost in US dollars, with each call at the price of a check ($0.015). Must be above 0 for --target aws.",
        ),
    ],
);

#[cfg(test)]
mod tests {
    use std::path::Path;

    use toml::{Table, Value};

    use super::*;
    use crate::key::Absent;
    use crate::scenario::{self, Problems, Scenario};

    /// A value that a key may have.
    fn value(key: &'static TableKey) -> Value {
        let shown = key.shown();
        if !shown.is_empty() {
            return toml::from_str::<Table>(&format!("x = {shown}")).unwrap()["x"].clone();
        }
        match &key.form {
            ValueForm::Integer(range) => Value::Integer(i64::try_from(*range.start()).unwrap().max(1)),
            ValueForm::Rate | ValueForm::PositiveRate => Value::Float(5.0),
            ValueForm::Word(words) => Value::String(words[0].to_owned()),
            ValueForm::Table(keys) => Value::Table(table(keys, keys.variants.first().copied(), true)),
            ValueForm::Tables { of, .. } => Value::Array(vec![Value::Table(table(of, of.variants.first().copied(), false))]),
            ValueForm::Thresholds => Value::Table(Table::new()),
            form => panic!("{} has no example: {form:?}", key.name),
        }
    }

    fn keys_of(keys: &'static TableKeys, variant: Option<&'static Variant>) -> impl Iterator<Item = &'static TableKey> {
        variant.into_iter().flat_map(|variant| variant.keys).chain(keys.keys)
    }

    /// A table with every key of a variant, or with those alone that it must have.
    fn table(keys: &'static TableKeys, variant: Option<&'static Variant>, all: bool) -> Table {
        let mut table = Table::new();
        if let Some(variant) = variant.filter(|_| !keys.tag.is_empty()) {
            table.insert(keys.tag.to_owned(), Value::String(variant.name.to_owned()));
        }
        for key in keys_of(keys, variant).filter(|key| all || matches!(key.absent, Absent::Required(_))) {
            table.insert(key.name.to_owned(), value(key));
        }
        table
    }

    fn read(document: &Table) -> Result<Scenario, Problems> {
        scenario::read("a.toml", &toml::to_string(document).unwrap(), Path::new("scenarios"))
    }

    type Whole<'a> = &'a dyn Fn(Table) -> Table;

    /// Shows each key of `keys`, and of the tables within, to `check`: with its table, and with how that becomes a whole scenario.
    fn each(keys: &'static TableKeys, whole: Whole<'_>, all: bool, check: &mut dyn FnMut(&'static TableKey, &Table, Whole<'_>)) {
        let variants: Vec<Option<&'static Variant>> =
            if keys.variants.is_empty() { vec![None] } else { keys.variants.iter().copied().map(Some).collect() };
        for variant in variants {
            let full = table(keys, variant, all);
            for key in keys_of(keys, variant) {
                check(key, &full, whole);
                let within = |value: Value| {
                    let mut table = full.clone();
                    table.insert(key.name.to_owned(), value);
                    whole(table)
                };
                match &key.form {
                    ValueForm::Table(inner) => each(inner, &|table| within(Value::Table(table)), all, check),
                    ValueForm::Tables { of, .. } => {
                        each(of, &|table| within(Value::Array(vec![Value::Table(table)])), all, check);
                    }
                    _ => {}
                }
            }
        }
    }

    /// The readers read every key that is declared: each names the one whose value is of no type that it knows.
    #[test]
    fn every_key_is_read() {
        let date = || Value::Datetime("1979-05-27".parse().unwrap());
        let mut keys = 0;
        each(&SCENARIO, &|table| table, true, &mut |key, full, whole| {
            let mut table = full.clone();
            table.insert(key.name.to_owned(), date());
            let problems = read(&whole(table)).unwrap_err().to_string();
            let named = problems.lines().any(|line| line.contains(&format!("`{}`", key.name)) && line.contains("not a date"));
            assert!(named, "{} is declared and never read:\n{problems}", key.name);
            keys += 1;
        });
        assert!(keys > 150, "{keys}");
    }

    /// A default that is declared is the default: written down, it changes nothing.
    #[test]
    fn every_default_is_one() {
        let mut defaults = 0;
        each(&SCENARIO, &|table| table, false, &mut |key, least, whole| {
            if !matches!(key.absent, Absent::Is(_)) {
                return;
            }
            let Absent::Is(value) = key.absent else { return };
            let mut table = least.clone();
            table.insert(key.name.to_owned(), toml::from_str::<Table>(&format!("x = {value}")).unwrap()["x"].clone());
            let (without, with) = (read(&whole(least.clone())), read(&whole(table)));
            // Credentials have no place in a scenario.
            if let (Ok(without), Ok(with)) = (&without, &with) {
                assert_eq!(without, with, "{} = {value}", key.name);
                defaults += 1;
            } else {
                assert_eq!(key.name, "account", "{without:?}\n{with:?}");
            }
        });
        assert!(defaults > 50, "{defaults}");
    }

    /// What a table is when nothing is said is what it is when it is empty.
    #[test]
    fn empty_tables_are_the_defaults() {
        let text = "[emulator]\ncharge = {}\nfaults = {}\nsessions = {}\nchecks = {}\ntokens = {}\nvalidation = {}\n";
        let emulator = scenario::read_emulator("a.toml", text).unwrap();
        assert_eq!(emulator, crate::emulator::config::EmulatorConfig::of_region("us-east-1", 1));
        let plain = "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n";
        let with = scenario::read("a.toml", &format!("{plain}[[mix]]\n[idempotency]\n[budget]\n[thresholds]\n"), Path::new(""));
        assert_eq!(with.unwrap(), scenario::read("a.toml", plain, Path::new("")).unwrap());
    }

    /// Messages, editors and pages can show a value of every key that has a range.
    #[test]
    fn every_text_has_an_example() {
        each(&SCENARIO, &|table| table, true, &mut |key, _, _| {
            let texts = matches!(key.form, ValueForm::Text(_) | ValueForm::Duration(_) | ValueForm::Words(_));
            assert!(!texts || !key.shown().is_empty(), "{}", key.name);
        });
    }
}
