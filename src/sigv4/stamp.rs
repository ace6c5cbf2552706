//! Instants as signatures spell them, `20261121T195216Z`, and as seconds since the UNIX epoch.

/// Seconds of a day.
const DAY: u64 = 86_400;

/// An instant of a signature, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp {
    epoch_s: u64,
}

impl Stamp {
    /// The instant `epoch_s` seconds after the start of 1970.
    pub(crate) const fn at(epoch_s: u64) -> Self {
        Self { epoch_s }
    }

    /// Reads `YYYYMMDDTHHMMSSZ`, or the date of an HTTP header, `Sat, 21 Nov 2026 19:52:16 GMT`; from 1970 on.
    pub(crate) fn read(text: &str) -> Option<Self> {
        basic(text).or_else(|| {
            let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_second();
            Some(Self { epoch_s: u64::try_from(at).ok()? })
        })
    }

    /// Its spelling.
    pub(crate) fn digits(self) -> [u8; 16] {
        let (year, month, day) = civil(self.epoch_s / DAY);
        let of_day = self.epoch_s % DAY;
        let mut out = *b"00000000T000000Z";
        for (at, number) in
            [(0, year / 100), (2, year), (4, month), (6, day), (9, of_day / 3600), (11, of_day / 60 % 60), (13, of_day % 60)]
        {
            let [tens, ones] = [number / 10 % 10, number % 10].map(|digit| b'0' + u8::try_from(digit).unwrap_or(0));
            (out[at], out[at + 1]) = (tens, ones);
        }
        out
    }

    /// This instant and `seconds` more.
    pub(crate) const fn plus(self, seconds: u64) -> Self {
        Self { epoch_s: self.epoch_s.saturating_add(seconds) }
    }

    /// This instant and `seconds` less, at least the start of 1970.
    pub(crate) const fn minus(self, seconds: u64) -> Self {
        Self { epoch_s: self.epoch_s.saturating_sub(seconds) }
    }
}

impl std::fmt::Display for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(std::str::from_utf8(&self.digits()).unwrap_or_default())
    }
}

fn basic(text: &str) -> Option<Stamp> {
    let bytes: &[u8; 16] = text.as_bytes().try_into().ok()?;
    let number = |at: std::ops::Range<usize>| {
        bytes[at].iter().try_fold(0u64, |n, b| b.is_ascii_digit().then(|| n * 10 + u64::from(b - b'0')))
    };
    if bytes[8] != b'T' || bytes[15] != b'Z' {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
    let (hour, minute, second) = (number(9..11)?, number(11..13)?, number(13..15)?);
    let days = days(year, month, day)?;
    // A day that the month does not have comes back as one of the next.
    let sound = civil(days) == (year, month, day) && hour < 24 && minute < 60 && second < 60;
    sound.then(|| Stamp { epoch_s: days * DAY + hour * 3600 + minute * 60 + second })
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, from then on. Years begin in March here, so that a leap day is
/// the last of its year. Method: H. Hinnant, "chrono-compatible low-level date algorithms".
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month > 2 { year } else { year - 1 };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    (era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year).checked_sub(719_468)
}

/// The inverse of [`days`]: year, month and day.
const fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + if month <= 2 { 1 } else { 0 }, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Both spellings are read; nonsense, days that are none and what no clock shows are not.
    #[test]
    fn spellings() {
        let at = Stamp::at(1_795_290_736);
        assert_eq!(at.to_string(), "20261121T195216Z");
        assert_eq!(Stamp::read("20261121T195216Z"), Some(at));
        assert_eq!(Stamp::read("Sat, 21 Nov 2026 19:52:16 GMT"), Some(at));
        for none in [
            "",
            "2026-11-21T19:52:16Z",
            "20261121T195216",
            "20260230T000000Z",
            "20261321T000000Z",
            "20261121T240000Z",
            "20261121T006000Z",
            "19691231T235959Z",
            "2026112+T195216Z",
            "Sat, 21 Nov 1926 19:52:16 GMT",
        ] {
            assert_eq!(Stamp::read(none), None, "{none}");
        }
    }

    proptest! {
        /// Every instant is read back from its spelling, and its spelling is the calendar's.
        #[test]
        fn round_trip(epoch_s in 0u64..253_402_300_800) {
            let text = Stamp::at(epoch_s).to_string();
            prop_assert_eq!(Stamp::read(&text), Some(Stamp::at(epoch_s)));
            if let Ok(at) = jiff::Timestamp::from_second(epoch_s.try_into().unwrap()) {
                prop_assert_eq!(text, at.strftime("%Y%m%dT%H%M%SZ").to_string());
            }
        }
    }
}
