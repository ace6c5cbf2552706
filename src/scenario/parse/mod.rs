//! The whole file: every table, every mix, and the conditions between them.
//!
//! Refuses to give a scenario while one problem is left.

use std::collections::BTreeSet;
use std::path::Path;

mod emulator;
mod file_kind;
mod load;
mod meant;
mod request;
mod table;
mod tree;

pub use self::emulator::read_quota_change;
use self::emulator::{Home, mask_secrets};
pub(crate) use self::file_kind::FileKind;
pub use self::meant::placed_in_scenario;
use self::request::Held;
pub(crate) use self::table::{Found, Table};
use self::tree::Entry;
pub(crate) use self::tree::{Node, Value};
use super::file::text_of;
use super::keys::{EMULATOR_FILE, MIX, SCENARIO};
use super::problem::{Problem, Problems, Source, line_starts, quoted};
use super::threshold::{self, Threshold};
use super::{Budget, Idempotency, Load, Mix, Model, Open, Overflow, Pacing, Scenario, TokenUse, Transport};
use crate::client::request::CreateRequest;
use crate::emulator::config::EmulatorConfig;
use crate::schedule::Arrivals;

const LONGEST_DESCRIPTION: usize = 2_000;

/// Reads a scenario. `source_name` is what messages call the text; `base_dir` is where its `request_file`s are.
///
/// # Errors
/// Every problem of the text and of the files that it names, at once.
pub fn read(source_name: &str, text: &str, base_dir: &Path) -> Result<Scenario, Problems> {
    Reader::new(source_name, text, base_dir).finish(FileKind::Scenario, |reader, root| {
        let table = Table::open(root, "", &SCENARIO, &mut reader.found)?;
        Some(reader.scenario(&table))
    })
}

/// Reads the file of `livebench emulate --config`: a scenario's `[emulator]` table, and nothing else.
///
/// # Errors
/// Every problem of the text at once.
pub fn read_emulator(source_name: &str, text: &str) -> Result<EmulatorConfig, Problems> {
    Reader::new(source_name, text, Path::new("")).finish(FileKind::Emulator, |reader, root| {
        let found = &mut reader.found;
        let table = Table::open(root, "", &EMULATOR_FILE, found)?;
        let _ = table.required("emulator", "the file", found);
        let inner = table.table("emulator", found);
        Some(emulator::read(inner.as_ref(), SEED, Home::EmulatorFile, found))
    })
}

/// The seed of a scenario that names none.
const SEED: u64 = 1;

/// A document that is being read, with the files that it names and what was found wrong so far.
pub(crate) struct Reader<'a> {
    /// Where the files are that it names.
    pub(crate) base_dir: &'a Path,
    sources: Vec<Source>,
    /// The problems.
    pub(crate) found: Found,
}

impl<'a> Reader<'a> {
    /// A document that messages call `source_name`.
    pub(crate) fn new(source_name: &str, text: &str, base_dir: &'a Path) -> Self {
        let source = Source { name: source_name.to_owned(), text: text.to_owned() };
        Self { base_dir, sources: vec![source], found: Found::default() }
    }

    /// Parses, lets `body` read the tree, and gives its value when nothing was found. A file that is empty or of another kind is told as such.
    pub(crate) fn finish<T>(mut self, kind: FileKind, body: impl FnOnce(&mut Self, &Node) -> Option<T>) -> Result<T, Problems> {
        if self.sources[0].text.trim().is_empty() {
            let problem = Problem::new(0..0, "the file is empty", kind.smallest());
            return Err(Problems::new(self.sources, vec![problem]));
        }
        let (root, syntax) = tree::from_toml(&self.sources[0].text);
        if let Some(problem) = (!syntax.is_empty()).then(|| tree::other_language(&self.sources[0].text)).flatten() {
            return Err(Problems::new(self.sources, vec![problem]));
        }
        if let Some(problem) = kind.instead(&root).filter(|_| syntax.is_empty()) {
            mask_secrets(&mut self.sources[0].text, &root);
            return Err(Problems::new(self.sources, vec![problem]));
        }
        let value = body(&mut self, &root);
        mask_secrets(&mut self.sources[0].text, &root);
        let mut list = self.found.list;
        if !syntax.is_empty() {
            keep_certain(&self.sources[0].text, &syntax, &mut list);
            list.extend(syntax);
        }
        match value {
            Some(value) if list.is_empty() => Ok(value),
            _ => Err(Problems::new(self.sources, list)),
        }
    }

    fn scenario(&mut self, table: &Table<'_>) -> Scenario {
        let name = self.name(table);
        let description = self.description(table);
        let found = &mut self.found;
        let seed = table.integer("seed", found).unwrap_or(SEED);
        let _ = table.required("load", "the scenario", found);
        let load = table.table("load", found).map_or_else(nothing_sent, |t| load::read(&t, found));
        let mixes = self.mixes(table);
        let found = &mut self.found;
        let inner = table.table("emulator", found);
        let idempotency = table.table("idempotency", found);
        Scenario {
            emulator: emulator::read(inner.as_ref(), seed, Home::Scenario, found),
            idempotency: idempotency.map(|t| self::idempotency(&t, &load, &mixes, found)).unwrap_or_default(),
            budget: table.table("budget", found).map(|t| budget(&t, found)).unwrap_or_default(),
            thresholds: table.get("thresholds").map(|node| thresholds(node, found)).unwrap_or_default(),
            name,
            description,
            seed,
            load,
            mixes,
        }
    }

    fn name(&mut self, table: &Table<'_>) -> String {
        let found = &mut self.found;
        let _ = table.required("name", "the scenario", found);
        let Some(name) = table.text("name", found) else { return String::new() };
        check_name(name, table, found);
        name.to_owned()
    }

    fn description(&mut self, table: &Table<'_>) -> String {
        let text = table.text("description", &mut self.found).unwrap_or_default();
        if text.chars().count() > LONGEST_DESCRIPTION || text.contains(|c: char| c.is_control() && c != '\n' && c != '\t') {
            let help = format!("it can have up to {LONGEST_DESCRIPTION} characters, no control characters");
            self.found.add(table.key_span("description"), "`description` is not readable text", help);
        }
        text.trim().to_owned()
    }

    fn mixes(&mut self, table: &Table<'_>) -> Vec<Mix> {
        const EXAMPLE: &str = "[[mix]], with double brackets, before its keys";
        let Some(nodes) = table.list("mix", EXAMPLE, &mut self.found) else { return vec![plain_mix()] };
        let most = table.most("mix");
        if nodes.is_empty() || nodes.len() > most {
            let message = format!("there are {} mixes", nodes.len());
            self.found.add(table.key_span("mix"), message, format!("write 1 to {most}, or leave `mix` out: one empty request"));
        }
        let mut mixes: Vec<Mix> = Vec::new();
        for node in nodes.iter().take(most) {
            let Some(table) = Table::open(node, "the mix", &MIX, &mut self.found) else { continue };
            let mix = self.mix(&table, nodes.len() == 1);
            if !mix.name.is_empty() && mixes.iter().any(|m| m.name == mix.name) {
                let message = format!("another mix is named {}, too", quoted(&mix.name));
                self.found.add(table.key_span("name"), message, "reports tell mixes apart by name: give each its own");
            }
            mixes.push(mix);
        }
        mixes
    }

    fn mix(&mut self, table: &Table<'_>, single: bool) -> Mix {
        let found = &mut self.found;
        let unnamed = table.get("name").is_none();
        let name = table.text("name", found).filter(|_| single || !unnamed).unwrap_or_default();
        if !unnamed {
            check_name(name, table, found);
        } else if !single {
            let _ = table.needed("name", "the mix", "name = \"plain\"; with several mixes each has its own", found);
        }
        let weight = table.integer("weight", found).unwrap_or_default();
        let token = table.word("token", found).unwrap_or(TokenUse::Fresh);
        let request = self.request(table);
        let fixed = request.client_request_token.is_some();
        if fixed {
            let why = "`token` has no place beside the request's own `ClientRequestToken`";
            table.refuse("token", why, "delete one of the two", &mut self.found);
        }
        Mix { name: name.to_owned(), weight, fresh_token: !fixed && token == TokenUse::Fresh, request }
    }

    fn request(&mut self, table: &Table<'_>) -> CreateRequest {
        if table.get("request").is_some() {
            let why = "`request_file` has no place beside `request`";
            table.refuse("request_file", why, "delete one of the two", &mut self.found);
        }
        let against = if table.truth("unchecked", &mut self.found) == Some(true) { Held::Form } else { Held::Model };
        let inline = table.get("request").map(|node| request::read(node, against, &mut self.found));
        let from_file = table.text("request_file", &mut self.found);
        let from_file = from_file.map(|name| self.request_file(name, against, table));
        inline.or(from_file.flatten()).unwrap_or_default()
    }

    /// Reads the JSON of `request_file`; its problems stand in that file.
    fn request_file(&mut self, name: &str, against: Held, table: &Table<'_>) -> Option<CreateRequest> {
        let path = self.base_dir.join(name);
        let text = match text_of(&path) {
            Ok(text) => text,
            Err((what, help)) => {
                let message = format!("the request file {}: {what}", quoted(&path.to_string_lossy()));
                let help = format!("{help}; it is relative to the scenario's directory");
                self.found.add(table.key_span("request_file"), message, help);
                return None;
            }
        };
        let node = tree::from_json(&text);
        let mut inner = Found::default();
        let request = match &node {
            Ok(node) => Some(request::read(node, against, &mut inner)),
            Err(problem) => {
                inner.list.push(problem.clone());
                None
            }
        };
        self.blame(Source { name: path.to_string_lossy().into_owned(), text }, inner);
        request
    }

    /// Takes what was found in a file that the document names.
    pub(crate) fn blame(&mut self, source: Source, inner: Found) {
        let number = self.sources.iter().position(|s| *s == source).unwrap_or_else(|| {
            self.sources.push(source);
            self.sources.len() - 1
        });
        self.found.list.extend(inner.list.into_iter().map(|p| Problem { source: number, ..p }));
    }
}

/// After errors of syntax the rest of the tree may be wrong for their sake: keeps only the problems that stand on their own.
fn keep_certain(text: &str, syntax: &[Problem], list: &mut Vec<Problem>) {
    let starts = line_starts(text);
    let line = |p: &Problem| starts.partition_point(|s| *s <= p.span.start);
    let broken: BTreeSet<usize> = syntax.iter().map(line).collect();
    let header = |n: &usize| text[starts[n - 1]..].trim_start_matches([' ', '\t']).starts_with('[');
    // Keys after a broken header have landed in another table.
    let misplaced = broken.iter().any(header);
    list.retain(|p| p.source != 0 || !(misplaced || p.missing || broken.contains(&line(p))));
}

fn nothing_sent() -> Load {
    let open = Open { concurrency: 1, overflow: Overflow::Miss, arrivals: Arrivals::Even, stages: Vec::new() };
    Load { model: Model::Open(open), max_rate: None, transport: Transport::Sdk, pacing: Pacing::Timer }
}

fn plain_mix() -> Mix {
    Mix { name: "default".to_owned(), weight: 1, request: CreateRequest::default(), fresh_token: true }
}

/// Names become parts of file names and cells of tables.
pub(crate) fn check_name(name: &str, table: &Table<'_>, found: &mut Found) {
    let sound = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let first = name.bytes().next().is_some_and(sound);
    if !first || name.len() > 64 || !name.bytes().all(|b| sound(b) || b == b'-' || b == b'_') {
        let help = "a name has 1 to 64 characters of a-z, 0-9, - and _, and begins with a letter or a digit";
        found.add(&table.get("name").map_or(0..0, |n| n.span.clone()), format!("{} is not a name", quoted(name)), help);
    }
}

fn idempotency(table: &Table<'_>, load: &Load, mixes: &[Mix], found: &mut Found) -> Idempotency {
    let idempotency = Idempotency {
        replay: table.share("replay", found),
        race: table.share("race", found),
        mismatch: table.share("mismatch", found),
        expired: table.share("expired", found),
        after_throttle: table.share("after_throttle", found),
        after_loss: table.share("after_loss", found),
        session_ttl: emulator::session_ttl(table, found),
    };
    let sum = idempotency.sum();
    if sum > 1.0 + emulator::ROUNDING {
        let message = "the shares of repeated tokens are more than 1 together";
        found.add(table.span, message, "they are shares of the scheduled calls: lower them");
    }
    if idempotency.race.as_f64() > 0.0
        && sum <= 1.0 + emulator::ROUNDING
        && sum + idempotency.race.as_f64() > 1.0 + emulator::ROUNDING
    {
        let message = "the shares leave no room for the first calls of the races";
        found.add(table.span, message, "a race is two calls: the shares and `race` once more are at most 1 together");
    }
    if sum > 0.0 && !mixes.iter().any(|m| m.fresh_token) {
        let message = "no mix sends fresh tokens, so there is nothing to repeat";
        found.add(table.span, message, "let a mix have token = \"fresh\" and no `ClientRequestToken`, or delete the shares");
    }
    if idempotency.race.as_f64() > 0.0 && matches!(load.model, Model::Closed(_)) {
        let help = "workers have no instants to share: delete `race`, or write model = \"open\"";
        found.add(table.key_span("race"), "`race` needs the open model", help);
    }
    idempotency
}

fn budget(table: &Table<'_>, found: &mut Found) -> Budget {
    Budget {
        max_calls: table.integer("max_calls", found),
        max_spend_usd: table.number("max_spend_usd", found).unwrap_or_default(),
    }
}

fn thresholds(node: &Node, found: &mut Found) -> Vec<Threshold> {
    let Value::Table(entries) = &node.value else {
        found.mistyped(node, "thresholds", "a table", "[thresholds], then \"response.p99\" = \"< 800ms\"");
        return Vec::new();
    };
    entries.iter().filter_map(|entry| threshold(entry, found)).collect()
}

fn threshold(entry: &Entry, found: &mut Found) -> Option<Threshold> {
    if let Value::Table(inner) = &entry.node.value {
        let example = inner.first().map_or("p99", |e| e.key.as_str());
        let help = format!("put the whole name in quotes: \"{}.{example}\" = ...", entry.key);
        found.add(&entry.key_span, format!("{} is not a threshold but a table", quoted(&entry.key)), help);
        return None;
    }
    let metric = threshold::named(&entry.key);
    if let Err(error) = &metric {
        found.add(&entry.key_span, error.to_string(), error.help());
    }
    let Value::Text(text) = &entry.node.value else {
        let example = metric.map_or("< 800ms", |m| m.quantity().example());
        found.mistyped(&entry.node, &entry.key, "a comparison in quotes", &format!("\"{example}\""));
        return None;
    };
    Threshold::parse(metric.ok()?, text).map_err(|error| found.add(&entry.node.span, error.to_string(), error.help())).ok()
}
