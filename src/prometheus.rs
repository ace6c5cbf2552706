//! The text format of Prometheus: heads and samples of series, each named `livebench_`.
//!
//! Source: Prometheus, "Exposition formats", version 0.0.4. Refuses to know what is counted.

use std::fmt::{Display, Write as _};

/// `Content-Type` of the text.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A text that grows line by line.
#[derive(Debug)]
pub(crate) struct Exposition {
    text: String,
    /// The label that every sample carries first, if there is one: a name and its value.
    common: Option<(&'static str, String)>,
}

impl Exposition {
    /// A text whose samples carry no label but their own.
    pub(crate) const fn new() -> Self {
        Self { text: String::new(), common: None }
    }

    /// A text whose samples all carry the scenario's name.
    pub(crate) fn of_scenario(name: &str) -> Self {
        Self { text: String::new(), common: Some(("scenario", name.to_owned())) }
    }

    /// The head of the series `name`: its kind (`counter`, `gauge` or `histogram`) and a sentence about it.
    pub(crate) fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP livebench_{name} {help}\n# TYPE livebench_{name} {kind}"));
    }

    /// A sample of the series `name`.
    pub(crate) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let common = self.common.as_ref().map(|(key, text)| (*key, text.as_str()));
        let labels = common.into_iter().chain(labels.iter().copied());
        let labels: Vec<String> = labels.map(|(key, text)| format!("{key}=\"{}\"", escaped(text))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        self.line(format_args!("livebench_{name}{labels} {value}"));
    }

    /// A series of one sample.
    pub(crate) fn one(&mut self, (name, kind, help): (&str, &str, &str), value: impl Display) {
        self.head(name, kind, help);
        self.sample(name, &[], value);
    }

    /// The whole text.
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.text, "{line}"); // into a String: cannot fail
    }
}

/// A label's value, so that it ends where it ends.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Labels stand in braces, the common one first, and nothing in them ends them early; without labels there are no braces.
    #[test]
    fn samples_and_heads() {
        let mut text = Exposition::of_scenario("a \"b\"\\\n");
        text.head("x", "gauge", "Some x.");
        text.sample("x", &[("of", "y")], 0.5);
        let expected =
            "# HELP livebench_x Some x.\n# TYPE livebench_x gauge\nlivebench_x{scenario=\"a \\\"b\\\"\\\\\\n\",of=\"y\"} 0.5\n";
        assert_eq!(text.into_text(), expected);
        let mut bare = Exposition::new();
        bare.sample("n", &[], 7u64);
        assert_eq!(bare.into_text(), "livebench_n 7\n");
    }
}
