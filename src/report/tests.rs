use super::narrow::WIDEST;
use super::{hgrm, json, junit, markdown, numbers, terminal};
use crate::summary::Summary;
use crate::summary::testing::{bad, facts, good, steady, summary};

fn text(write: impl Fn(&Summary, &mut Vec<u8>) -> std::io::Result<()>, summary: &Summary) -> String {
    let mut bytes = Vec::new();
    write(summary, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// The terminal's text as one without colours sees it.
fn plain(summary: &Summary) -> String {
    in_columns(summary, WIDEST)
}

fn in_columns(summary: &Summary, columns: usize) -> String {
    anstream::adapter::strip_str(&text(|summary, out| terminal::write(summary, columns, out), summary)).to_string()
}

/// On a narrow terminal no line is too long, with fewer columns of times; all the words are there.
#[test]
fn narrow_terminals() {
    for summary in [good(), bad()] {
        for columns in [60, 80] {
            let narrow = in_columns(&summary, columns);
            let long: Vec<&str> = narrow.lines().filter(|line| line.chars().count() > columns).collect();
            assert!(long.is_empty(), "{long:#?}");
            for word in ["p50", "p99", "max", "scheduled"] {
                assert!(narrow.contains(word), "{word} in {narrow}");
            }
        }
    }
}

/// A run in which everything holds, on the terminal.
#[test]
fn terminal_good() {
    insta::assert_snapshot!(plain(&good()));
}

/// A run with misses, errors and violations, on the terminal: verdict and lower bounds first, evidence at the end.
#[test]
fn terminal_bad() {
    insta::assert_snapshot!(plain(&bad()));
}

/// Colours are there for those who want them.
#[test]
fn terminal_has_colours() {
    assert!(
        text(|summary, out| terminal::write(summary, WIDEST, out), &good()).starts_with("\u{1b}[1m\u{1b}[32mPASSED\u{1b}[0m")
    );
}

/// No line is wider than 100 columns, and none ends in a space.
#[test]
fn terminal_fits() {
    for summary in [good(), bad(), summary(&steady(""), &[], &facts(10))] {
        for line in plain(&summary).lines() {
            assert!(line.chars().count() <= 100 && !line.ends_with(' '), "{line:?}");
        }
    }
}

/// A table that is too wide for the terminal goes on below, each part with the names of its rows: no number is lost, and nothing becomes prose.
#[test]
fn wide_tables_go_on_below() {
    let rows: Vec<Vec<String>> = vec![
        ["segment", "from", "gap before", "calls", "sent", "throttled"].map(str::to_owned).to_vec(),
        ["1", "0ns", "-", "1023", "1023", "7"].map(str::to_owned).to_vec(),
        ["2", "12.5s", "4m 10s", "977", "977", "0"].map(str::to_owned).to_vec(),
    ];
    let lines = |columns| super::parts::fitted(&rows, 1, columns);
    assert_eq!(lines(100).len(), 1);
    let parts = lines(40);
    assert_eq!(parts.len(), 2);
    assert!(parts.iter().all(|part| part.len() == 3 && part[0].contains("segment")), "{parts:?}");
    for columns in 1..100 {
        let text = lines(columns).concat().join("\n");
        assert!(rows.iter().flatten().all(|cell| text.contains(cell.as_str())), "{columns}:\n{text}");
        // Two columns alone are 24 wide at most.
        assert!(text.lines().all(|line| line.chars().count() <= columns.max(24)), "{columns}:\n{text}");
    }
}

/// Both runs as Markdown.
#[test]
fn markdown_good() {
    insta::assert_snapshot!(text(markdown::write, &good()));
}

/// See [`markdown_good`].
#[test]
fn markdown_bad() {
    insta::assert_snapshot!(text(markdown::write, &bad()));
}

/// The published contract, field by field; of the histograms only the names, since another deflate may make other bytes.
#[test]
fn json_bad() {
    let mut summary = bad();
    summary.histograms.values_mut().for_each(String::clear);
    insta::assert_snapshot!(text(json::write, &summary));
}

/// A number a row, for spreadsheets.
#[test]
fn csv_bad() {
    insta::assert_snapshot!(text(numbers::csv, &bad()));
}

/// Prometheus' text; what is unknown is left out.
#[test]
fn prometheus_bad() {
    insta::assert_snapshot!(text(numbers::prometheus, &bad()));
}

/// Every sample stands under the head of its name, once a run: the format asks for it.
#[test]
fn prometheus_is_grouped() {
    let printed = text(numbers::prometheus, &bad());
    let mut heads: Vec<&str> = printed.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let all = heads.len();
    heads.sort_unstable();
    heads.dedup();
    assert_eq!(heads.len(), all);
    let mut labels: Vec<&str> = printed.lines().filter(|l| !l.starts_with('#')).map(|l| l.rsplit_once(' ').unwrap().0).collect();
    let all = labels.len();
    labels.sort_unstable();
    labels.dedup();
    assert_eq!(labels.len(), all);
}

/// A case for the validity, one for each threshold, and one for the violations that no threshold is about.
#[test]
fn junit_good() {
    insta::assert_snapshot!(text(junit::write, &good()));
}

/// See [`junit_good`].
#[test]
fn junit_bad() {
    insta::assert_snapshot!(text(junit::write, &bad()));
}

/// A percentile distribution as HdrHistogram's own `outputPercentileDistribution` prints it.
#[test]
fn hgrm_good() {
    insta::assert_snapshot!(text(|summary, out| hgrm::write(summary, "response.ok", out), &good()));
    let unknown = hgrm::write(&good(), "response.maybe", &mut Vec::new()).unwrap_err();
    assert_eq!(unknown.kind(), std::io::ErrorKind::NotFound);
}
