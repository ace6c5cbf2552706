//! Values that are more than a word or a number.

use std::time::Duration;

use crate::scenario::Transport;
use crate::units::{Rate, Share, parse_duration};

pub(super) fn precision(text: &str) -> Result<Share, String> {
    share(text, 0.000_1..=0.5).ok_or_else(|| "a share like 0.5% or 0.005 is needed, from 0.01% to 50%".to_owned())
}

pub(super) fn outliers(text: &str) -> Result<Share, String> {
    share(text, 0.0..=0.2).ok_or_else(|| "a share like 2% or 0.02 is needed, up to 20%".to_owned())
}

/// A share as `2%` or `0.02`, if it lies within `range`.
fn share(text: &str, range: std::ops::RangeInclusive<f64>) -> Option<Share> {
    let value = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|p| p / 100.0),
        None => text.parse(),
    };
    value.ok().filter(|value| range.contains(value)).and_then(|value| Share::new(value).ok())
}

pub(super) fn transport(text: &str) -> Result<Transport, String> {
    let found = [Transport::Sdk, Transport::Wire].into_iter().find(|t| t.name() == text);
    found.ok_or_else(|| "sdk or wire is needed".to_owned())
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let parsed = parse_duration(text).map_err(|e| e.to_string())?;
    let fits = (Duration::from_secs(1)..=Duration::from_secs(3600)).contains(&parsed);
    if fits { Ok(parsed) } else { Err("a time from 1s to 1h is needed".to_owned()) }
}

pub(super) fn grace(text: &str) -> Result<Duration, String> {
    let parsed = parse_duration(text).map_err(|e| e.to_string())?;
    let fits = parsed <= Duration::from_secs(3600);
    if fits { Ok(parsed) } else { Err("a time up to 1h is needed".to_owned()) }
}

pub(super) fn dollars(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|d: &f64| d.is_finite() && *d >= 0.0)
        .ok_or_else(|| "a number of dollars from 0 is needed".to_owned())
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    text.parse().map(Duration::from_secs).map_err(|_| "a whole number of seconds is needed, 0 waits for ever".to_owned())
}

/// Calls per second, above 0.
pub(super) fn rate(text: &str) -> Result<Rate, String> {
    let number: f64 = text
        .trim()
        .trim_end_matches("/s")
        .parse()
        .map_err(|_| "a number of calls per second is needed, like 10 or 2.5".to_owned())?;
    let rate = Rate::per_second(number).map_err(|e| e.to_string())?;
    if rate.micro_hz() == 0 { Err("a rate above 0 is needed".to_owned()) } else { Ok(rate) }
}

/// A length of time, 0 included.
pub(super) fn length(text: &str) -> Result<Duration, String> {
    parse_duration(text.trim()).map_err(|e| e.to_string())
}
