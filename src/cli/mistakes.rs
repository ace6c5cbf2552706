//! Command lines that cannot be understood, with what was probably meant.
//!
//! clap says what is wrong and where; this adds what to do, from the words that people bring along: a file where a command belongs, a
//! setting of the scenario or of another tool. Refuses to do what was meant.

use std::ffi::OsString;
use std::path::Path;

use clap::Error;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::scenario;

/// Words for what a command does, in other tools.
const COMMANDS: &[(&[&str], &str)] = &[
    (&["bench", "load", "start", "attack", "test", "execute"], "run"),
    (&["serve", "server", "mock", "emulator", "listen"], "emulate"),
    (&["validate", "lint", "preview", "inspect", "dry-run"], "check"),
    (&["diff", "cmp"], "compare"),
    (&["quota", "limits", "discover"], "probe"),
    (&["new", "create", "generate"], "init"),
    (&["show", "summary", "summarize", "plot", "html"], "report"),
    (&["trend", "trends", "ls", "list"], "history"),
    (&["send", "create-face-liveness-session"], "call"),
];

/// The letters of other load testers, and the words that they stand for.
const LETTERS: &[(&str, &str)] = &[
    ("-n", "requests"),
    ("-c", "connections"),
    ("-z", "duration"),
    ("-d", "duration"),
    ("-u", "users"),
    ("-r", "rps"),
    ("-H", "headers"),
    ("-b", "body"),
];

/// The error with a tip, where there is one to give. `typed` are the arguments as typed, the program's name first.
pub(super) fn explained(mut error: Error, typed: &[OsString]) -> Error {
    let command = typed.iter().skip(1).filter_map(|arg| arg.to_str()).find(|arg| !arg.starts_with('-')).unwrap_or_default();
    let tip = match error.kind() {
        ErrorKind::InvalidSubcommand => wrong(&error, ContextKind::InvalidSubcommand).and_then(|word| of_command(&word)),
        ErrorKind::UnknownArgument => wrong(&error, ContextKind::InvalidArg).and_then(|option| of_option(command, &option)),
        ErrorKind::TooFewValues | ErrorKind::MissingRequiredArgument if command == "compare" => {
            Some("name two: livebench compare BASE NEW".to_owned())
        }
        _ => None,
    };
    if let Some(tip) = tip {
        // What clap finds alike by its letters would stand beside what is meant.
        for kind in [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue] {
            error.remove(kind);
        }
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
    }
    error
}

/// What clap names as wrong.
fn wrong(error: &Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => texts.first().cloned(),
        _ => None,
    }
}

fn of_command(word: &str) -> Option<String> {
    let path = Path::new(word);
    if path.is_dir() {
        return Some(format!("to report on what is in it: livebench report {word}"));
    }
    if path.is_file() || path.extension().is_some_and(|ending| ending == "toml") {
        return Some(format!("to run the scenario: livebench run {word}"));
    }
    let known = COMMANDS.iter().find(|(words, _)| words.contains(&word));
    known.map(|(_, command)| format!("that is `livebench {command}` here"))
}

fn of_option(command: &str, option: &str) -> Option<String> {
    let word = LETTERS.iter().find(|(letter, _)| *letter == option).map_or(option.trim_start_matches('-'), |(_, word)| word);
    let word = word.split('=').next().unwrap_or(word).replace('-', "_");
    match (command, word.as_str()) {
        (_, "json" | "markdown" | "html") => Some(format!("the form is an option's value: --output {word}")),
        ("emulate", "port" | "p" | "host" | "bind" | "address") => {
            Some("where it listens is --listen: --listen 5000 or --listen 127.0.0.1:5000".to_owned())
        }
        ("probe", "budget" | "max_cost" | "spend") => Some("what it may cost is --max-spend-usd".to_owned()),
        ("probe", "duration" | "time" | "timeout") => Some("how long it may take is --max-time".to_owned()),
        ("run" | "check", _) => scenario::placed_in_scenario(&word).map(|place| format!("the scenario sets it: {place}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    /// What is printed for a command line.
    fn said(line: &str) -> String {
        let typed: Vec<std::ffi::OsString> = line.split(' ').map(Into::into).collect();
        crate::cli::parse(&typed).map(|_| ()).unwrap_err().to_string()
    }

    fn tip(line: &str) -> String {
        let said = said(line);
        let tips: Vec<&str> = said.lines().filter_map(|line| line.trim().strip_prefix("tip: ")).collect();
        assert!(tips.len() <= 1, "{said}");
        tips.concat()
    }

    /// A word that is no command is answered with the command that was meant.
    #[test]
    fn commands_are_found() {
        assert_eq!(tip("livebench my.toml"), "to run the scenario: livebench run my.toml");
        assert_eq!(tip("livebench src"), "to report on what is in it: livebench report src");
        assert_eq!(tip("livebench serve"), "that is `livebench emulate` here");
        assert!(tip("livebench prob").contains("'probe'"), "{}", said("livebench prob"));
        assert!(said("livebench compare results/a").contains("name two: livebench compare BASE NEW"));
        assert!(said("livebench compare").contains("name two: livebench compare BASE NEW"));
    }

    /// An option that the scenario sets is sent there, by its name here and in other tools.
    #[test]
    fn settings_of_the_scenario_are_sent_there() {
        assert!(tip("livebench run a.toml --rate 5").ends_with("stages = [ { for = \"30s\", rate = 5 } ]"));
        assert!(tip("livebench run a.toml --duration 5s").contains("the length is `for`, in a stage"));
        assert!(tip("livebench run a.toml -c 5").contains("`concurrency`, in [load]"));
        assert!(tip("livebench run a.toml --vus 5").contains("workers = 8"));
        assert_eq!(tip("livebench run a.toml --max-calls 5"), "the scenario sets it: `max_calls` belongs in [budget]");
        assert_eq!(tip("livebench run a.toml --json"), "the form is an option's value: --output json");
        assert!(tip("livebench emulate --port 5000").contains("--listen 5000"));
    }

    /// A number below 0 is the option's value, and refused as one.
    #[test]
    fn numbers_below_zero_are_values() {
        assert!(
            said("livebench run a.toml --seed -1").contains("a seed is a whole number, 0 or more"),
            "{}",
            said("livebench run a.toml --seed -1")
        );
        assert!(said("livebench probe --max-calls -1").contains("'-1' for '--max-calls <N>'"));
        assert!(said("livebench probe --max-spend-usd -1").contains("a number of dollars from 0 is needed"));
        assert!(said("livebench selftest --rate -5").contains("'-5' for '--rate <RATE>'"));
    }
}
