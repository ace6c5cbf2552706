//! A comparison as JUnit XML: a test case a metric, for the tables that CI systems draw.

use std::io::{self, Write};

use super::words;
use crate::compare::{Comparison, MetricLine, Verdict};

/// Writes a comparison as JUnit XML. A regression is a failure; what is inconclusive is one if `strict`, else skipped; what is
/// incomparable is an error.
pub fn junit(comparison: &Comparison, strict: bool, out: &mut impl Write) -> io::Result<()> {
    let count = |verdict: Verdict| comparison.metrics.iter().filter(|m| m.verdict == verdict).count();
    let (open, wrong) = (count(Verdict::Inconclusive), count(Verdict::Incomparable));
    let failures = count(Verdict::Regressed) + if strict { open } else { 0 };
    let skipped = if strict { 0 } else { open };
    let tests = comparison.metrics.len();
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites tests=\"{tests}\" failures=\"{failures}\" errors=\"{wrong}\" skipped=\"{skipped}\">")?;
    writeln!(
        out,
        "  <testsuite name=\"livebench compare: {}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{wrong}\" skipped=\"{skipped}\">",
        escaped(&words::sides(comparison))
    )?;
    for metric in &comparison.metrics {
        case(comparison, metric, strict, out)?;
    }
    writeln!(out, "  </testsuite>\n</testsuites>")
}

fn case(comparison: &Comparison, metric: &MetricLine, strict: bool, out: &mut impl Write) -> io::Result<()> {
    let rows = words::table(comparison, &[metric]);
    let text: Vec<String> = rows[0].iter().zip(&rows[1]).skip(1).map(|(name, cell)| format!("{name} {cell}")).collect();
    let text = escaped(&text.join(", "));
    let element = match metric.verdict {
        Verdict::Improved | Verdict::Unchanged => None,
        Verdict::Regressed => Some("failure"),
        Verdict::Inconclusive => Some(if strict { "failure" } else { "skipped" }),
        Verdict::Incomparable => Some("error"),
    };
    write!(out, "    <testcase classname=\"livebench.compare\" name=\"{}\">", escaped(&metric.name))?;
    match element {
        Some(element) => writeln!(out, "<{element} message=\"{text}\"/></testcase>"),
        None => writeln!(out, "<system-out>{text}</system-out></testcase>"),
    }
}

/// A text as XML takes it; control characters, which XML has no way to write, become spaces.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    /// No text breaks out of its attribute.
    #[test]
    fn escapes() {
        assert_eq!(escaped("a<b> & \"c\"\n"), "a&lt;b&gt; &amp; &quot;c&quot; ");
    }
}
