//! The contract as it is published: `summary.json`.

use std::io::{self, Write};

use crate::summary::Summary;

/// Writes the summary as JSON.
pub fn write(summary: &Summary, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, summary)?;
    out.write_all(b"\n")
}
