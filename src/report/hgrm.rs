//! A percentile distribution as HdrHistogram prints it: it can be pasted into the plotters made for it.
//!
//! Source: `outputPercentileDistribution` of HdrHistogram, with 5 lines a halving of the distance to 100 %, in milliseconds.

use std::io::{self, Write};

use super::html::decode;
use crate::num::float;
use crate::summary::Summary;

/// Lines for each halving of the distance to 100 %.
const TICKS: u32 = 5;

/// The series that a summary has histograms of.
pub fn series(summary: &Summary) -> Vec<&str> {
    summary.histograms.keys().map(String::as_str).collect()
}

/// Writes the distribution of `series`, like `response.ok`; an error of the kind `NotFound` if the run has none.
pub fn write(summary: &Summary, series: &str, out: &mut impl Write) -> io::Result<()> {
    let Some(histogram) = summary.histograms.get(series).and_then(|text| decode(text)) else {
        return Err(io::ErrorKind::NotFound.into());
    };
    let ms = |us: f64| us / 1000.0;
    writeln!(out, "{:>12} {:>14} {:>10} {:>14}\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)")?;
    for step in histogram.iter_quantiles(TICKS) {
        let (value, quantile) = (ms(float(step.value_iterated_to())), step.quantile_iterated_to());
        let count = histogram.count_between(0, step.value_iterated_to());
        if quantile < 1.0 {
            writeln!(out, "{value:12.3} {quantile:2.12} {count:10} {:14.2}", 1.0 / (1.0 - quantile))?;
        } else {
            writeln!(out, "{value:12.3} {quantile:2.12} {count:10}")?;
        }
    }
    writeln!(out, "#[Mean    = {:12.3}, StdDeviation   = {:12.3}]", ms(histogram.mean()), ms(histogram.stdev()))?;
    writeln!(out, "#[Max     = {:12.3}, Total count    = {:12}]", ms(float(histogram.max())), histogram.len())?;
    writeln!(out, "#[Buckets = {:12}, SubBuckets     = {:12}]", histogram.buckets(), 2048)
}
