//! `report.html`, from a run's other files.

use std::io::{self, Write};

use super::{Manifest, REPORT_HTML, ResultsError, RunDir, SAMPLES};
use crate::record::endings::Endings;
use crate::record::timeline::Row;
use crate::report::html::{self, HtmlPage};
use crate::scenario::Scenario;
use crate::summary::Summary;

impl RunDir {
    /// Writes `report.html`.
    pub(super) fn write_page(&self, scenario: &Scenario, summary: &Summary) -> Result<(), ResultsError> {
        let parts = self.page_parts()?;
        self.replace(REPORT_HTML, |out| parts.write(scenario, summary, out))
    }

    /// What the page needs beside the summary.
    pub fn page_parts(&self) -> Result<PageParts, ResultsError> {
        let segments = self.segments()?;
        let first = segments.first().map(|files| files.entry().zero()).unwrap_or_default();
        let mut rows: Vec<Vec<Row>> = Vec::new();
        let mut endings = Endings::default();
        for files in &segments {
            let (mut own, last): (Vec<Row>, _) =
                (files.timeline()?.collect(), rows.last().and_then(|rows| rows.last()).map(|row| row.second));
            // Its rows lie where the first segment's clock has them, and there is always a break between two segments.
            let delayed = files.entry().zero().saturating_sub(first).as_secs();
            let begins = own.first().map_or(0, |row| row.second);
            let delayed = delayed.max(last.map_or(0, |last| (last + 2).saturating_sub(begins)));
            for row in &mut own {
                row.second += delayed;
            }
            rows.push(own);
            endings.append(Self::endings(&files.path(SAMPLES))?, delayed);
        }
        Ok(PageParts { rows, endings, scenario_text: self.scenario_text()?, manifest: self.manifest()? })
    }
}

/// What a page needs beside the summary.
#[derive(Debug)]
pub struct PageParts {
    /// By segment, on the clock of the first.
    rows: Vec<Vec<Row>>,
    endings: Endings,
    scenario_text: String,
    manifest: Manifest,
}

impl PageParts {
    /// Writes the page.
    pub fn write(&self, scenario: &Scenario, summary: &Summary, out: &mut impl Write) -> io::Result<()> {
        let provenance = provenance(&self.manifest);
        let Self { rows, endings, scenario_text, .. } = self;
        html::write(&HtmlPage { summary, rows, endings, scenario, scenario_text, provenance: &provenance }, out)
    }
}

fn provenance(m: &Manifest) -> Vec<(String, String)> {
    let commit = m.commit.as_deref().unwrap_or("commit unknown");
    let cores = m.machine.cores.map_or_else(|| "unknown cores".to_owned(), |n| format!("{n} cores"));
    [
        ("started", m.start_utc.clone()),
        ("livebench", format!("{}, {commit}", m.version)),
        ("machine", format!("{} {}, {cores}", m.machine.os, m.machine.arch)),
        ("endpoint", m.endpoint.clone()),
        ("seed", m.seed.to_string()),
        ("cores that drove load", m.load_cores.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}
