//! Words that name no page: where the guide speaks of them.

use super::page::{Block, Page};
use super::{TOPICS, Topic};

/// A place of the guide that speaks of what was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The page.
    pub topic: &'static str,
    /// The heading of the part, without Markdown's marks; the page's title where no other stands before it.
    pub heading: String,
    /// The sentence or the row, without Markdown's marks.
    pub text: String,
}

/// Words that people bring along, and the words of the guide.
const OTHER_WORDS: &[(&[&str], &str)] = &[
    (&["k8s", "helm", "pod", "distributed", "cluster"], "kubernetes"),
    (&["rps", "qps", "tps", "throughput"], "rate"),
    (&["vu", "vus", "virtual-users"], "workers"),
    (&["429", "limit", "limits", "rate-limit", "ratelimit", "throttled"], "quota"),
    (&["price", "spend", "money", "billing"], "cost"),
    (&["retries", "backoff"], "retry"),
    (&["grafana", "exporter"], "prometheus"),
    (&["github", "gitlab", "jenkins", "pipeline"], "ci"),
    (&["duration", "ramp", "ramp-up"], "stages"),
    (&["assertions", "slo", "sla"], "thresholds"),
    (&["crash", "killed", "continue"], "resume"),
    (&["endurance", "long"], "soak"),
    (&["docker", "container"], "image"),
    (&["credentials", "login", "auth"], "profile"),
    (&["coordinated-omission"], "lateness"),
];

/// Pages that are named at most.
const MOST: usize = 5; // derived: what is read at a glance

impl Topic {
    /// Where the guide speaks of a word: a place for each page, the page that says most of it first; empty if none does.
    pub fn search(word: &str) -> Vec<Passage> {
        let word = word.trim().to_lowercase();
        if word.is_empty() {
            return Vec::new();
        }
        let meant = OTHER_WORDS.iter().find(|(others, _)| others.contains(&word.as_str())).map_or(&*word, |(_, meant)| meant);
        let stem = stem(meant);
        let mut found: Vec<(usize, Passage)> = TOPICS.iter().filter_map(|topic| of_topic(topic, stem)).collect();
        // Stable: of equals the page that a reader meets first.
        found.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        found.into_iter().map(|(_, passage)| passage).take(MOST).collect()
    }
}

/// What a word has in common with its other forms: `throttling` and `throttled`.
fn stem(word: &str) -> &str {
    // derived: the longest ending of a verb or a noun that English forms words with, `ing` or `ies`; a short word has none
    const ENDING: usize = 3;
    const SHORT: usize = 5;
    let letters = word.chars().count();
    let kept = if letters <= SHORT { letters } else { (letters - ENDING).max(SHORT) };
    word.char_indices().nth(kept).map_or(word, |(end, _)| &word[..end])
}

/// How much a page says of it, and where it says most.
fn of_topic(topic: &'static Topic, stem: &str) -> Option<(usize, Passage)> {
    // derived: a heading outweighs what a page says in passing, and what a page is about outweighs a heading
    const ABOUT: usize = 60;
    const HEADING: usize = 20;
    let (mut title, mut heading) = (String::new(), String::new());
    let mut best: Option<(usize, Passage)> = None;
    let mut all = if speaks(topic.about, stem) || topic.name.contains(stem) { ABOUT } else { 0 };
    for block in Page::parse(topic.text).blocks {
        let (texts, each) = match block {
            Block::Heading { text, .. } => {
                heading = plain(&text);
                if title.is_empty() {
                    title.clone_from(&heading);
                }
                (vec![text], HEADING)
            }
            Block::Paragraph(text) | Block::Item { text, .. } => (sentences(&text), 1),
            Block::Table(rows) => {
                (rows.into_iter().map(|row| row.into_iter().take(2).collect::<Vec<_>>().join(": ")).collect(), 2)
            }
            Block::Code(lines) => (lines, 1),
        };
        for text in texts.into_iter().filter(|text| speaks(text, stem)) {
            all += each;
            if best.as_ref().is_none_or(|(weight, _)| *weight < each) {
                best = Some((each, Passage { topic: topic.name, heading: heading.clone(), text: plain(&text) }));
            }
        }
    }
    let about = || Passage { topic: topic.name, heading: title.clone(), text: topic.about.to_owned() };
    let passage = best.map(|(_, passage)| passage).or_else(|| (all > 0).then(about))?;
    Some((all, passage))
}

/// Whether a word of the text begins so.
fn speaks(text: &str, stem: &str) -> bool {
    !stem.is_empty() && text.to_lowercase().split(|c: char| !c.is_alphanumeric() && c != '-').any(|word| word.starts_with(stem))
}

fn sentences(text: &str) -> Vec<String> {
    text.split_inclusive(". ").map(|sentence| sentence.trim().to_owned()).collect()
}

fn plain(text: &str) -> String {
    text.replace("**", "").replace('`', "").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words that people type lead to the page that explains them.
    #[test]
    fn words_lead_to_pages() {
        for (word, page) in [
            ("soak", "scenario"),
            ("quota", "probe"),
            ("throttling", "report"),
            ("idempotency", "scenario"),
            ("slurm", "machines"),
            ("kubernetes", "machines"),
            ("k8s", "machines"),
            ("json", "results"),
            ("csv", "results"),
            ("prometheus", "live"),
            ("gitlab", "ci"),
            ("profile", "aws"),
            ("credentials", "aws"),
            ("rps", "scenario"),
            ("slo", "scenario"),
            ("Percentiles", "report"),
            ("cost", "aws"),
            ("retry", "plan"),
            ("docker", "machines"),
        ] {
            let found = Topic::search(word);
            let pages: Vec<&str> = found.iter().map(|passage| passage.topic).collect();
            assert!(pages.contains(&page), "{word}: {pages:?}");
            assert!(found.len() <= MOST && found.iter().all(|passage| !passage.text.contains('`')), "{found:?}");
        }
        assert_eq!(Topic::search("xyzzy"), []);
        assert_eq!(Topic::search(""), []);
    }
}
