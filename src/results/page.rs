//! `report.html`, from a run's other files.

use std::io::{self, Write};

use super::{Manifest, REPORT_HTML, ResultsError, RunDir, SAMPLES, SegmentFiles};
use crate::report::html::{self, HtmlPage, SegmentSeconds};
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
        let of = |files: &SegmentFiles| -> Result<SegmentSeconds, ResultsError> {
            let rows = files.timeline()?.collect();
            Ok(SegmentSeconds {
                rows,
                endings: Self::endings(&files.path(SAMPLES))?,
                later: files.entry().zero().saturating_sub(first),
            })
        };
        let segments = segments.iter().map(of).collect::<Result<_, _>>()?;
        Ok(PageParts { segments, scenario_text: self.scenario_text()?, manifest: self.manifest()? })
    }
}

/// What a page needs beside the summary.
#[derive(Debug)]
pub struct PageParts {
    segments: Vec<SegmentSeconds>,
    scenario_text: String,
    manifest: Manifest,
}

impl PageParts {
    /// Writes the page.
    pub fn write(&self, scenario: &Scenario, summary: &Summary, out: &mut impl Write) -> io::Result<()> {
        let provenance = provenance(&self.manifest);
        let Self { segments, scenario_text, .. } = self;
        html::write(&HtmlPage { summary, segments, scenario, scenario_text, provenance: &provenance }, out)
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
