//! Values that are more than a word or a number.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::num::percent;
use crate::scenario::Transport;
use crate::shard::Shard;
use crate::units::{Rate, Share, parse_duration};

pub(super) fn precision(text: &str) -> Result<Share, String> {
    share(text, 0.000_1..=0.5).ok_or_else(|| "a share with its sign is needed, like 0.5%, from 0.01% to 50%".to_owned())
}

pub(super) fn outliers(text: &str) -> Result<Share, String> {
    share(text, 0.0..=0.2).ok_or_else(|| "a share with its sign is needed, like 2%, up to 20%".to_owned())
}

/// A share as `2%`, if it lies within `range`. Without its sign 1 could be a hundredth or the whole.
fn share(text: &str, range: std::ops::RangeInclusive<f64>) -> Option<Share> {
    percent(text).filter(|value| range.contains(value)).and_then(|value| Share::new(value).ok())
}

/// The start of every random draw.
pub(super) fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "a seed is a whole number, 0 or more".to_owned())
}

/// An address of this machine: `127.0.0.1:5000`, `localhost:5000`, `:5000` or `5000`.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix("localhost:").or_else(|| text.strip_prefix(':')).unwrap_or(text);
    match (text.parse(), port.parse()) {
        (Ok(address), _) => Ok(address),
        (_, Ok(port)) => Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)),
        _ => Err("an address like 127.0.0.1:5000, or a port of this machine like 5000, is needed".to_owned()),
    }
}

pub(super) fn shard(text: &str) -> Result<Shard, String> {
    text.parse().map_err(|e: crate::shard::ShardError| e.to_string())
}

/// An instant: RFC 3339, or seconds since 1970.
pub(super) fn epoch(text: &str) -> Result<Duration, String> {
    let wanted = || "an instant like 2026-11-27T10:15:00Z, or seconds since 1970, is needed".to_owned();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|_| wanted());
    }
    let at: jiff::Timestamp = text.parse().map_err(|_| wanted())?;
    u64::try_from(at.as_microsecond()).map(Duration::from_micros).map_err(|_| wanted())
}

/// How long to wait for others.
pub(super) fn patience(text: &str) -> Result<Duration, String> {
    let parsed = parse_duration(text).map_err(|e| e.to_string())?;
    let fits = parsed <= Duration::from_secs(24 * 3600);
    if fits { Ok(parsed) } else { Err("a time up to a day is needed".to_owned()) }
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
    text.parse().map(Duration::from_secs).map_err(|_| "it takes a whole number of seconds; 0 disables the timeout".to_owned())
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

/// The length of a stage.
pub(super) fn stage(text: &str) -> Result<Duration, String> {
    let parsed = length(text)?;
    let fits = (Duration::from_millis(1)..=Duration::from_secs(7 * 24 * 3600)).contains(&parsed);
    if fits { Ok(parsed) } else { Err("a time from 1ms to 7 days is needed".to_owned()) }
}

/// A length of time, 0 included.
pub(super) fn length(text: &str) -> Result<Duration, String> {
    parse_duration(text.trim()).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stage lasts some time, and a week at most.
    #[test]
    fn stages_have_a_length() {
        assert_eq!(stage("90s"), Ok(Duration::from_secs(90)));
        assert!(["0s", "0.1ms", "8days", "soon"].iter().all(|text| stage(text).is_err()));
    }

    /// A port alone is one of this machine; other names would need a lookup, and are refused.
    #[test]
    fn addresses_are_of_this_machine() {
        for text in ["5000", ":5000", "localhost:5000", "127.0.0.1:5000"] {
            assert_eq!(address(text).unwrap().to_string(), "127.0.0.1:5000", "{text}");
        }
        assert_eq!(address("[::1]:80").unwrap().to_string(), "[::1]:80");
        for text in ["", "99999", "example.com:80", "localhost", "127.0.0.1", "-1"] {
            assert!(address(text).unwrap_err().contains("127.0.0.1:5000"), "{text}");
        }
    }

    /// A share has its sign, so that nobody has to guess what 1 is.
    #[test]
    fn shares_have_their_sign() {
        assert!((precision("0.5%").unwrap().as_f64() - 0.005).abs() < 1e-12);
        for text in ["0.5", "1", "60%", "%", "x%"] {
            assert!(precision(text).unwrap_err().contains("with its sign"), "{text}");
        }
    }
}
