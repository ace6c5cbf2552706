//! README, guide, help and messages say it in plain English. The list has turns that read like a careful translation, each with a sentence that was once
//! on a page, and with what says the same.

use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use livebench::cli::Cli;
use livebench::guide::TOPICS;
use proc_macro2::{TokenStream, TokenTree};

/// A turn of phrase that no page uses.
struct Turn {
    /// Words in a row. `a|b` is either word, `*` any one word; `!a` in front means: not after that word.
    pattern: &'static str,
    /// What a page said once.
    was: &'static str,
    /// What says the same.
    plain: &'static str,
}

macro_rules! turns {
    ($($pattern:literal $was:literal => $plain:literal)*) => {
        &[$(Turn { pattern: $pattern, was: $was, plain: $plain }),*]
    };
}

/// Each row is a kind: a verb that English does not use so, a noun that the field does not use, an idiom of another language.
const TURNS: &[Turn] = turns! {
    "!there is|are no" "It is no statistics." => "This is not statistical."
    "is none" "`3` is none" => "`3` is not a duration"
    "stand|stands|stood" "which limiter stands before the operation" => "the rate limiter in front of the operation"
    "so many|seldom" "lets so many answers contradict the kind" => "tolerates up to this share of contradicting answers"
    "to so much" "when the rate is known to so much on either side" => "at this precision (±)"
    "some hundred|minutes" "held against some hundred beliefs" => "about 100 drift models"
    "go|goes|going|went on" "the run or probe goes on in any case" => "the run continues"
    "of its|their own" "a thread of its own" => "a separate thread"
    "shall" "load shall come from several regions" => "you want load from several regions"
    "for ever" "0 waits for ever" => "0 disables the timeout"
    "whose completions|percentiles" "Whose percentiles hgrm prints" => "Series to print with --format hgrm"
    "who makes|says|calls" "Who makes the calls: sdk, or wire" => "Client: sdk, or wire"
    "whoever" "whoever chose it: a flag, a profile" => "regardless of whether it came from ..."
    "for the sake of" "Accepted for the sake of scripts" => "Ignored; accepted for compatibility"
    "another name of" "is another name of `--format`" => "is an alias for `--format`"
    "in|by turn" "In turn, so that both sides are equal" => "Alternate the sides"
    "is|was not given" "asks for what is not given" => "prompts for anything you don't pass"
    "what is said|gross|left|given|over|tried" "Form of what is said on stdout" => "Output format"
    "form of the|what" "Form of the summary on stdout" => "Output format"
    "with nothing" "if the machine is to be trusted with nothing" => "if no configuration can be trusted"
    "not to be" "3 not to be trusted" => "3 result unreliable (INVALID)"
    "is|are to be" "How well the rate is to be known" => "Stop at this precision"
    "be had" "above 90 % of what could be had" => "of the available memory"
    "held|hold against|still" "the slow waves are held against beliefs" => "compared with; paused"
    "holds the display" "holds the display still, and lets it go on" => "pauses and resumes the display"
    "belief|beliefs" "the limits are those of all beliefs by their weight" => "drift models, weighted by fit"
    "hear|hears of" "the other figures of the answers hear of it" => "applied to the other metrics"
    "equals are" "equals are called changed" => "identical builds are reported as changed"
    "over each other" "both sides over each other" => "both sides overlaid"
    "anew" "time begins anew" => "resets the clock"
    "if it|they is|are there" "Kept if they are there" => "Existing files are reused"
    "row|line|number|object|case|chart a second|row|line|side|metric|call|scheduled" "a row a scheduled call" => "one row per scheduled call"
    "talk" "Data goes to stdout, talk to stderr." => "progress and messages"
    "the truth" "the truth to hold the report against" => "to cross-check the report"
    "a word more" "without a word more" => "a bare AccessDeniedException"
    "is|are to come" "The third is to come." => "isn't covered yet"
    "insists" "`--live on` insists on the view" => "forces the view"
    "is data" "A call's intended time is data." => "Each call's scheduled time is recorded."
    "it adds up" "It adds up exactly." => "These always add up to the total."
    "makes the rest" "`livebench report` makes the rest from what is there" => "rebuilds the missing files"
    "another one than" "takes another one than `response.ok`" => "selects another series"
    "refutes|foretell|foretells" "What no value explains refutes the kind" => "is ruled out"
    "at length" "has each client at length" => "describes each client in detail"
    "does|runs besides" "what the machine does besides" => "background load"
    "nobody answered|asked|waited" "its workers stopped asking while nobody answered" => "while the server was stalled"
    "nothing is|was asked" "Without it nothing is asked, not even a name server" => "no network request is made"
    "0s not" "How long the rate rises before, 0s not at all" => "0s for none"
    "what becomes of" "What becomes of sessions" => "How sessions end"
    "would have felt" "what a user would have felt" => "what a user would have waited"
    "before environment|livebench_shard" "The region, before environment and profile" => "overrides environment and profile"
    "may be asked" "Service Quotas at AWS may be asked" => "Allow requests to Service Quotas"
    "what is called" "What is called: the embedded emulator, or AWS" => "Where to send calls"
    "calls|dollars|sessions|time at most" "Calls at most" => "Maximum calls"
    "what makes the" "What makes the exit code bad" => "Which verdicts cause a non-zero exit"
    "shows|show itself" "On a terminal a run or a probe shows itself." => "display a live view"
    "a course" "A course is no drift" => "A trend isn't treated as drift"
    "beyond it" "if at least one sample lies beyond it" => "above it"
    "a higher quota cures" "the only one that a higher quota cures" => "the only one a quota increase fixes"
    "in flight at most" "Calls in flight at most." => "Maximum calls in flight."
};

/// The words of a text in lower case, each with its place among the bytes.
fn words(text: &str) -> Vec<(usize, String)> {
    let mut words: Vec<(usize, String)> = Vec::new();
    let mut inside = false;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        // A sentence, a cell or a line of a list ends what is before it.
        if c.is_alphanumeric() || matches!(c, '\'' | '-' | '_') {
            if !inside {
                words.push((at, String::new()));
            }
            words.last_mut().into_iter().for_each(|(_, word)| word.extend(c.to_lowercase()));
            inside = true;
        } else {
            inside = false;
            if matches!(c, '.' | ',' | '|' | ':' | ';' | '(' | ')') || (c == '\n' && before == '\n') {
                words.push((at, c.to_string()));
            }
        }
        before = c;
    }
    words
}

/// Where a turn begins.
fn found(turn: &Turn, words: &[(usize, String)]) -> Option<usize> {
    let mut pattern: Vec<Vec<&str>> = turn.pattern.split(' ').map(|word| word.split('|').collect()).collect();
    let unless: Vec<&str> = match pattern[0][0].strip_prefix('!') {
        Some(_) => pattern.remove(0).iter().map(|word| word.trim_start_matches('!')).collect(),
        None => Vec::new(),
    };
    let fits = |at: usize| {
        let after = at.checked_sub(1).is_some_and(|before| unless.contains(&words[before].1.as_str()));
        !after && pattern.iter().zip(&words[at..]).all(|(any, (_, word))| any.contains(&"*") || any.contains(&word.as_str()))
    };
    (0..(words.len() + 1).saturating_sub(pattern.len())).find(|at| fits(*at)).map(|at| words[at].0)
}

/// The turns of a page, each with its place and what to say.
fn turns(name: &str, text: &str) -> Vec<String> {
    let words = words(text);
    let told = |turn: &Turn| {
        let at = found(turn, &words)?;
        let around: String = text[at..].chars().take(60).collect();
        Some(format!("{name}: {:?}... is of the kind {:?}: say {:?}", around.replace('\n', " "), turn.was, turn.plain))
    };
    TURNS.iter().filter_map(told).collect()
}

/// A page without its blocks of code, whose outputs others hold.
fn prose(page: &str) -> String {
    page.split("\n```").step_by(2).collect::<Vec<_>>().join("\n")
}

/// README and guide have none of the turns.
#[test]
fn pages_are_in_plain_english() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let pages = TOPICS.iter().map(|topic| (topic.name, topic.text)).chain([("README", readme.as_str())]);
    let all: Vec<String> = pages.flat_map(|(name, text)| turns(name, &prose(text))).collect();
    assert!(all.is_empty(), "{}", all.join("\n"));
}

/// The help of every command has none of them, nor has the list of topics.
#[test]
fn help_is_in_plain_english() {
    let mut cli = Cli::command();
    cli.build();
    let commands: Vec<clap::Command> = cli.get_subcommands().cloned().chain([cli.clone()]).collect();
    assert!(commands.len() > 15, "{}", commands.len());
    let all: Vec<String> = commands
        .into_iter()
        .flat_map(|mut c| turns(c.get_name().to_owned().as_str(), &c.render_long_help().to_string()))
        .collect();
    assert!(all.is_empty(), "{}", all.join("\n"));
}

/// The texts of a file's strings, with their lines; not its documentation, nor its tests.
fn strings(stream: TokenStream, found: &mut Vec<(usize, String)>) {
    let mut before: [String; 2] = Default::default();
    for tree in stream {
        let is_documentation = before == ["doc", "="];
        before =
            [std::mem::take(&mut before[1]), if matches!(tree, TokenTree::Group(_)) { String::new() } else { tree.to_string() }];
        match tree {
            TokenTree::Group(group) => strings(group.stream(), found),
            TokenTree::Literal(literal) if !is_documentation => {
                let text = syn::parse_str::<syn::LitStr>(&literal.to_string());
                found.extend(text.into_iter().map(|text| (literal.span().start().line, text.value())));
            }
            _ => {}
        }
    }
}

/// The program's sources, without those of its tests.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.file_name().and_then(|name| name.to_str()) {
            Some("tests" | "tests.rs") => {}
            Some(_) if path.is_dir() => sources(&path, found),
            Some(_) if path.extension().is_some_and(|end| end == "rs") => found.push(path),
            _ => {}
        }
    }
}

/// Messages, errors and headings have none of them.
#[test]
fn messages_are_in_plain_english() {
    let (root, mut files, mut all, mut number) = (Path::new(env!("CARGO_MANIFEST_DIR")), Vec::new(), Vec::new(), 0);
    sources(&root.join("src"), &mut files);
    for path in files {
        let source = std::fs::read_to_string(&path).unwrap();
        let program = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let mut found = Vec::new();
        strings(program.parse().unwrap(), &mut found);
        number += found.len();
        let name = |line: usize| format!("{}:{line}", path.strip_prefix(root).unwrap().display());
        all.extend(found.iter().flat_map(|(line, text)| turns(&name(*line), text)));
    }
    assert!(number > 3000, "{number}");
    assert!(all.is_empty(), "{}", all.join("\n"));
}

/// Each turn is found in the sentence that it is from, and not in what says the same.
#[test]
fn every_turn_is_found() {
    for turn in TURNS {
        assert!(found(turn, &words(turn.was)).is_some(), "{:?} is not in {:?}", turn.pattern, turn.was);
        assert!(found(turn, &words(turn.plain)).is_none(), "{:?} is in {:?}", turn.pattern, turn.plain);
    }
    assert_eq!(turns("a page", "There is no retry. A call is sent once, and there are no others.").len(), 0);
}
