//! The README and the guide are true: what it tells to type can be typed, what it shows is what comes, what it lists is what there is.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::livebench;
use clap::{CommandFactory as _, Parser as _};
use livebench::cli::Cli;
use livebench::guide::{TOPICS, Topic};
use livebench::metric::Metric;
use livebench::scenario::threshold::Op;
use livebench::units::human;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The README and, below it, every page of the guide.
fn readme() -> String {
    format!("{}\n{}", front(), guide())
}

/// Every page of the guide.
fn guide() -> String {
    TOPICS.iter().map(|topic| topic.text).collect::<Vec<_>>().join("\n")
}

/// The README alone.
fn front() -> String {
    std::fs::read_to_string(root().join("README.md")).unwrap()
}

/// A command of a console block, and what stands below it.
struct Shown {
    command: String,
    output: Vec<String>,
}

/// Every command of the console blocks.
fn shown() -> Vec<Shown> {
    shown_in(&readme())
}

fn shown_in(text: &str) -> Vec<Shown> {
    let mut all: Vec<Shown> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            all.push(Shown { command: command.to_owned(), output: Vec::new() });
        } else if inside {
            all.last_mut().unwrap().output.push(line.to_owned());
        }
    }
    all
}

/// The arguments of a livebench command, the program's name first; `None` for another program's.
fn arguments(command: &str) -> Option<Vec<String>> {
    let rest = command.strip_prefix("cargo run --release -- ").or_else(|| command.strip_prefix("livebench "))?;
    Some(std::iter::once("livebench").chain(rest.split_whitespace()).map(str::to_owned).collect())
}

/// Words in backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The README outside its blocks.
fn prose() -> String {
    let text = readme();
    let parts: Vec<&str> = text.split("\n```").collect();
    // Even parts lie outside; an odd one is a block, whose closing fence begins the next part.
    parts.into_iter().step_by(2).collect::<Vec<_>>().join("\n")
}

/// Every command of livebench can be typed as it stands, and there are some.
#[test]
fn commands_parse() {
    let commands: Vec<Vec<String>> = shown().iter().filter_map(|s| arguments(&s.command)).collect();
    assert!(commands.len() >= 4, "{commands:?}");
    for arguments in commands {
        if let Err(error) = Cli::try_parse_from(&arguments) {
            panic!("{arguments:?}: {error}");
        }
    }
    let text = prose();
    for inline in quoted(&text).into_iter().filter(|q| q.starts_with("livebench ") && !q.contains(char::is_uppercase)) {
        let complete = Cli::try_parse_from(inline.split_whitespace());
        let subcommand = inline.split_whitespace().nth(1).unwrap();
        let known = Cli::command().find_subcommand(subcommand).is_some();
        assert!(known, "{inline}");
        if inline.split_whitespace().count() > 2
            && let Err(error) = complete
        {
            panic!("{inline}: {error}");
        }
    }
}

/// Every option that is named exists, and every option that exists is named.
#[test]
fn options_are_those_of_the_help() {
    let cli = Cli::command();
    let of =
        |command: &clap::Command| command.get_arguments().filter_map(|a| a.get_long().map(str::to_owned)).collect::<Vec<_>>();
    let known: BTreeSet<String> = of(&cli).into_iter().chain(cli.get_subcommands().flat_map(of)).collect();
    let others = ["release", "path", "bench"];
    let text = prose();
    let named: BTreeSet<String> = text
        .match_indices("--")
        .filter(|(at, _)| text[..*at].ends_with(['`', ' ']))
        .map(|(at, _)| {
            text[at + 2..]
                .split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'))
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .filter(|name| !name.is_empty() && !others.contains(&name.as_str()))
        .collect();
    assert_eq!(named, known);
}

/// Every scenario that is named exists, and every shipped one is named.
#[test]
fn scenarios_exist() {
    let text = readme();
    for (at, _) in text.match_indices("scenarios/") {
        let path = text[at..].split(|c: char| c.is_whitespace() || "`:".contains(c)).next().unwrap();
        assert!(root().join(path).is_file(), "{path}");
    }
    for entry in std::fs::read_dir(root().join("scenarios")).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.extension().is_some_and(|e| e == "toml") {
            assert!(text.contains(&format!("`{stem}`")), "{stem}");
        }
    }
}

/// The table of the thresholds lists every metric and no other, and every comparison.
#[test]
fn metrics_are_all_there() {
    let text = readme();
    let part = text.split("**`[thresholds]`**").nth(1).unwrap().split("**`[").next().unwrap();
    let stats = quoted(part.split("STAT is").nth(1).unwrap().lines().next().unwrap());
    let rows = part.lines().filter(|line| line.starts_with("| `"));
    let named: BTreeSet<String> = rows
        .flat_map(|row| quoted(row.split('|').nth(1).unwrap()))
        .flat_map(|name| match name.strip_suffix(".STAT") {
            Some(series) => stats.iter().map(|stat| format!("{series}.{stat}")).collect(),
            None => vec![name.to_owned()],
        })
        .collect();
    let known: BTreeSet<String> = Metric::thresholds().map(|metric| metric.name().to_owned()).collect();
    assert_eq!(named, known);
    for op in Op::ALL {
        assert!(part.contains(&format!("`{op}`")), "{op}");
    }
}

/// Every key of a scenario is explained; those of the emulator at least in the file that the page names for them.
#[test]
fn keys_are_all_there() {
    let schema: serde_json::Value = serde_json::from_str(livebench::scenario::schema()).unwrap();
    let mut keys = BTreeSet::new();
    let tables = schema["$defs"].as_object().unwrap().values().chain([&schema]);
    let tables = tables.flat_map(|table| table["oneOf"].as_array().into_iter().flatten().chain([table]));
    for table in tables {
        keys.extend(table["properties"].as_object().into_iter().flatten().map(|(key, _)| key.clone()));
    }
    assert!(keys.len() > 50, "{keys:?}");
    let reference = Topic::find("scenario").unwrap().text;
    assert!(reference.contains("`deploy/emulator.toml` shows every key"));
    let emulator = std::fs::read_to_string(root().join("deploy/emulator.toml")).unwrap();
    let words: BTreeSet<&str> = quoted(reference)
        .into_iter()
        .chain(emulator.lines().map(|line| line.split('#').next().unwrap()))
        .flat_map(|q| q.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')))
        .collect();
    let missing: Vec<&String> = keys.iter().filter(|key| !words.contains(key.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The columns of the files are those that are listed.
#[test]
fn columns_are_all_there() {
    let text = readme();
    let row = |file: &str| {
        let row = text.lines().find(|line| line.starts_with(&format!("| `{file}`"))).unwrap();
        quoted(row.split('|').nth(2).unwrap()).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let example = std::fs::read_dir(root().join("results"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.to_string_lossy().contains("/example-"))
        .unwrap();
    for file in ["samples.csv", "timeline.csv"] {
        let text = std::fs::read_to_string(example.join(file)).unwrap();
        let header: Vec<String> = text.lines().next().unwrap().split(',').map(str::to_owned).collect();
        assert_eq!(row(file), header, "{file}");
    }
    assert_eq!(row("samples.csv"), livebench::results::SAMPLE_COLUMNS);
}

/// What the quick commands print is what is shown; `...` stands for any number of lines.
#[test]
fn outputs_are_real() {
    let mut compared = 0;
    for Shown { command, output } in shown() {
        let Some(mut arguments) = arguments(&command) else { continue };
        let work = tempfile::tempdir().unwrap();
        match arguments[1].as_str() {
            // The README's own are made one after the other, below.
            "check" if root().join(&arguments[2]).is_file() => {}
            // `report` writes what is missing: into a copy.
            "report" => {
                for entry in std::fs::read_dir(root().join(&arguments[2])).unwrap() {
                    let from = entry.unwrap().path();
                    std::fs::copy(&from, work.path().join(from.file_name().unwrap())).unwrap();
                }
                arguments[2] = work.path().display().to_string();
            }
            _ => continue,
        }
        let done = livebench().current_dir(root()).args(&arguments[1..]).output().unwrap();
        let printed = String::from_utf8(done.stdout).unwrap();
        assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
        assert!(fits(&output, &printed.lines().collect::<Vec<_>>()), "{command} prints\n{printed}");
        compared += 1;
    }
    assert!(compared >= 2, "{compared}");
}

/// The README's path from nothing to an answer goes as it is shown, command after command, in one directory.
#[test]
fn the_five_minutes_are_real() {
    let work = tempfile::tempdir().unwrap();
    std::fs::create_dir(work.path().join("deploy")).unwrap();
    std::fs::copy(root().join("deploy/probe.toml"), work.path().join("deploy/probe.toml")).unwrap();
    let mut made = Vec::new();
    for Shown { command, output } in shown_in(&front()) {
        let Some(arguments) = arguments(&command) else { continue };
        let simulated = arguments.iter().any(|a| a == "--virtual-time");
        if !simulated && !["init", "check", "plan"].contains(&arguments[1].as_str()) {
            continue;
        }
        let done = livebench().current_dir(work.path()).args(&arguments[1..]).output().unwrap();
        let printed = String::from_utf8(done.stdout).unwrap();
        // A plan that is not enough ends with 1.
        let wanted = i32::from(output.first().is_some_and(|line| line.starts_with("NOT ENOUGH")));
        assert_eq!(done.status.code(), Some(wanted), "{command}: {}", String::from_utf8_lossy(&done.stderr));
        let shown = if output.is_empty() { vec!["...".to_owned()] } else { output };
        assert!(fits(&shown, &printed.lines().collect::<Vec<_>>()), "{command} prints\n{printed}");
        // Where the guide shows the same command, it shows the same answer.
        for same in shown_in(&guide()).iter().filter(|other| other.command == command) {
            assert!(fits(&same.output, &printed.lines().collect::<Vec<_>>()), "{command} prints\n{printed}");
        }
        made.push(arguments[1].clone());
    }
    assert_eq!(made, ["init", "check", "run", "probe", "plan"]);
}

/// The README is read in minutes; the reference is in the guide.
#[test]
fn the_readme_is_short() {
    let text = front();
    let (lines, words) = (text.lines().count(), text.split_whitespace().count());
    assert!(lines <= 180 && words <= 2000, "{lines} lines, {words} words");
    for topic in TOPICS {
        assert!(text.contains(&format!("(src/guide/{}.md)", topic.name)), "the README leads nowhere near {}", topic.name);
    }
}

/// Every page can be read on a terminal and with man; a name that is a command, too, shows its usage first.
#[test]
fn every_page_is_in_the_program() {
    let printed = |arguments: &[&str]| {
        let done = livebench().args(arguments).output().unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    };
    for topic in TOPICS {
        let title = topic.text.lines().next().unwrap().trim_start_matches("# ");
        let page = printed(&["help", topic.name]);
        let command = Cli::command().find_subcommand(topic.name).is_some();
        assert_eq!(page.starts_with("Usage: "), command, "{page}");
        assert!(page.lines().any(|line| line == title), "{page}");
        assert!(printed(&["man", topic.name]).contains(&title.to_uppercase().replace('-', "\\-")), "{}", topic.name);
    }
    assert!(printed(&["help"]).contains("exit-codes"));
    assert!(printed(&["help", "init"]).contains("--max-spend-usd"));
}

/// The first report of the page is that of the example run.
#[test]
fn the_first_report_is_the_example() {
    let all = shown();
    let first = all.iter().find(|s| s.command.starts_with("cargo run ")).unwrap();
    let example =
        all.iter().find(|s| s.command.starts_with("livebench report ")).unwrap().command.split_whitespace().nth(2).unwrap();
    let work = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(root().join(example)).unwrap() {
        let from = entry.unwrap().path();
        std::fs::copy(&from, work.path().join(from.file_name().unwrap())).unwrap();
    }
    let done = livebench().arg("report").arg(work.path()).output().unwrap();
    let printed = String::from_utf8(done.stdout).unwrap();
    // The two lines of talk stand before it.
    assert!(fits(&first.output[2..], &printed.lines().collect::<Vec<_>>()), "{printed}");
}

/// Whether the lines are as shown.
fn fits(shown: &[String], printed: &[&str]) -> bool {
    match shown {
        [] => printed.is_empty(),
        [dots, rest @ ..] if dots == "..." => (0..=printed.len()).any(|skip| fits(rest, &printed[skip..])),
        [line, rest @ ..] => printed.first().is_some_and(|first| first == line) && fits(rest, &printed[1..]),
    }
}

/// The comparison of shown and printed lines tells a difference.
#[test]
fn fits_tells_a_difference() {
    let shown = |lines: &[&str]| lines.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
    assert!(fits(&shown(&["a", "...", "d"]), &["a", "b", "c", "d"]));
    assert!(fits(&shown(&["a", "..."]), &["a"]));
    assert!(!fits(&shown(&["a", "...", "d"]), &["a", "b"]));
    assert!(!fits(&shown(&["a"]), &["a", "b"]));
    assert!(!fits(&shown(&["a", "b"]), &["a"]));
}

/// Service and response p99 and the verdict of the stall scenario, with changes to its text, as the README writes them.
fn stalled(changes: &[(&str, &str)]) -> [String; 3] {
    let mut text = std::fs::read_to_string(root().join("scenarios/stall.toml")).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let (run, _work) = crate::support::Run::of(&text, &["--virtual-time"], |_| {});
    let summary = run.summary();
    let bound = if summary["lower_bounds_why"].is_null() { "" } else { "≥" };
    let p99 = |series: &str| {
        let p99_us = summary["latency"][series]["ok"]["p99_us"].as_u64().unwrap();
        format!("{bound}{}", human(std::time::Duration::from_micros(p99_us)))
    };
    let verdict = summary["verdict"]["validity"].as_str().unwrap().to_uppercase();
    [p99("service"), p99("response"), verdict]
}

/// The four measurements of one stall are what runs give.
#[test]
fn the_stall_is_as_told() {
    let room = "concurrency = 512";
    let runs: [&[(&str, &str)]; 4] = [
        &[],
        &[(room, "concurrency = 16\noverflow = \"wait\"\n")],
        &[(room, "concurrency = 16")],
        &[(room, "model = \"closed\""), ("rate = 200", "workers = 5")],
    ];
    let text = readme();
    let rows: Vec<Vec<&str>> = text
        .split("| the load | service p99 |")
        .nth(1)
        .unwrap()
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    assert_eq!(rows.len(), runs.len());
    for (row, changes) in rows.iter().zip(runs) {
        let [service, response, verdict] = stalled(changes);
        assert_eq!((row[2], row[3]), (service.as_str(), response.as_str()), "{row:?}");
        assert!(row[4].starts_with(&verdict), "{row:?} {verdict}");
    }
}

/// The Rust of the README compiles against the SDK that is used here, word for word; it is sent nowhere.
#[test]
fn the_rust_is_rust() {
    let source = include_str!("readme.rs");
    let body = source.split("// README begins\n").nth(1).unwrap().split("    // README ends").next().unwrap();
    let lines: Vec<&str> = body.lines().map(str::trim).collect();
    let text = readme();
    let block = text.split("```rust,ignore\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(block.lines().map(str::trim).collect::<Vec<_>>(), lines);
}

#[rustfmt::skip] // it stands in the README in these lines
#[allow(dead_code, clippy::print_stdout)] // it is there to compile
async fn example() -> Result<(), Box<dyn std::error::Error>> {
    // README begins
    let config = aws_config::defaults(aws_config::BehaviorVersion::latest()).endpoint_url("http://127.0.0.1:4566").load().await;
    let rekognition = aws_sdk_rekognition::Client::new(&config);
    let session = rekognition.create_face_liveness_session().client_request_token("my-token").send().await?;
    println!("{}", session.session_id());
    // README ends
    Ok(())
}
