//! What was counted, back from a summary: so that the summaries of a run's shards can be added.
//!
//! Refuses what is not exactly what was counted: other bounds of a histogram, a count that does not fit it.

use base64::Engine as _;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;

use super::build::histogram_name;
use super::contract::{ByClass, LatencyTable, Summary};
use super::figures::Stats;
use crate::client::outcome::Class;
use crate::metric::Series;
use crate::record::recorder::{ExactTimes, MixCount, Recorder, RecorderParts, TIMED, TimeHistogram, Timed};

impl Summary {
    /// The recorder that this summary was made from; `exact` is what the summary does not say of it. `None` if they do not fit, or a
    /// histogram has other bounds than those of this version.
    pub fn recorder(&self, exact: &ExactTimes) -> Option<Recorder> {
        let mut parts = RecorderParts {
            counts: self.counts.by_outcome.clone(),
            mixes: self.mixes.iter().map(|mix| MixCount { offered: mix.ended, sent: mix.sent, ok: mix.ok }).collect(),
            exceptions: self.exceptions.clone(),
            statuses: self.statuses.clone(),
            exact: exact.clone(),
            ..RecorderParts::default()
        };
        for ((class, sums), timed) in TIMED.into_iter().zip(exact.sums_us).zip(&mut parts.timed) {
            let [lateness, service, response] = Series::ALL;
            let of = |series, sum| self.times(series, class, sum);
            *timed = match (of(lateness, sums[0])?, of(service, sums[1])?, of(response, sums[2])?) {
                (Some(lateness), Some(service), Some(response)) => Some(Box::new(Timed { lateness, service, response })),
                (None, None, None) => None,
                _ => return None,
            };
        }
        let recorder = Recorder::from(parts);
        (recorder.ended() == self.counts.ended && recorder.sent() == self.counts.sent).then_some(recorder)
    }

    /// The times of a series and class; inner `None` if there are none, outer if they cannot be had.
    #[allow(clippy::option_option)] // none, and none that can be read, are two things
    fn times(&self, series: Series, class: Class, sum_us: u64) -> Option<Option<TimeHistogram>> {
        let stats = stats_of(table(&self.latency, series), class);
        let text = self.histograms.get(&histogram_name(series, class));
        let (Some(stats), Some(text)) = (stats, text) else {
            return (stats.is_none() && text.is_none()).then_some(None);
        };
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
        let histogram: Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).ok()?;
        let fits = histogram.len() == stats.count;
        let times = TimeHistogram::restored(histogram, sum_us, stats.min_us, stats.max_us, stats.saturated)?;
        fits.then_some(Some(times))
    }
}

const fn table(latency: &LatencyTable, series: Series) -> &ByClass {
    match series {
        Series::Lateness => &latency.lateness,
        Series::Service => &latency.service,
        Series::Response => &latency.response,
    }
}

const fn stats_of(by_class: &ByClass, class: Class) -> Option<&Stats> {
    match class {
        Class::Ok => by_class.ok.as_ref(),
        Class::Throttled => by_class.throttled.as_ref(),
        Class::Error => by_class.error.as_ref(),
        Class::Unsent => None,
    }
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::Serializer as _;

    use proptest::prelude::*;

    use super::*;
    use crate::record::sample::testing::samples;
    use crate::summary::summarize;
    use crate::summary::testing::{facts, recorded, scenario};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// A summary gives back what it was made from, and the summaries of two parts add up to that of both.
        #[test]
        fn summaries_add_up(a in samples(40), b in samples(40)) {
            let mixes = "[[mix]]\nname = \"a\"\n[[mix]]\nname = \"b\"\n[[mix]]\nname = \"c\"";
            let scenario = scenario("stages = [ { for = \"100s\", rate = 20 } ]", mixes);
            let of = |samples: &[crate::record::sample::Sample]| {
                let recorded = recorded(&scenario, samples);
                let summary = summarize(&scenario, &recorded, &facts(100));
                let text = serde_json::to_string(&summary).unwrap();
                Summary::read(&text).unwrap().recorder(&recorded.recorder.exact()).unwrap()
            };
            let mut added = of(&a);
            added.merge(&of(&b));
            let both: Vec<_> = a.iter().chain(&b).copied().collect();
            let whole = recorded(&scenario, &both);
            let mut from_summaries = whole.clone();
            from_summaries.recorder = added;
            prop_assert_eq!(summarize(&scenario, &from_summaries, &facts(100)), summarize(&scenario, &whole, &facts(100)));
            prop_assert_eq!(from_summaries.recorder.exact(), whole.recorder.exact());
        }
    }

    /// What does not fit is no recorder: a count of another run, a histogram with other bounds.
    #[test]
    fn nothing_is_made_up() {
        let scenario = crate::summary::testing::steady("");
        let calls = crate::summary::testing::good_calls(50);
        let recorded = recorded(&scenario, &calls);
        let (summary, exact) = (summarize(&scenario, &recorded, &facts(50)), recorded.recorder.exact());
        assert_eq!(summary.recorder(&exact).unwrap().exact(), exact);
        let mut other = summary.clone();
        other.histograms.remove("service.ok");
        assert_eq!(other.recorder(&exact), None);
        let mut other = summary.clone();
        other.counts.by_outcome.values_mut().for_each(|n| *n += 1);
        assert_eq!(other.recorder(&exact), None);
        let mut other = summary;
        let narrow = Histogram::<u64>::new_with_bounds(1, 1000, 3).unwrap();
        let mut bytes = Vec::new();
        hdrhistogram::serialization::V2Serializer::new().serialize(&narrow, &mut bytes).unwrap();
        other.histograms.insert("service.ok".to_owned(), base64::engine::general_purpose::STANDARD.encode(bytes));
        assert_eq!(other.recorder(&exact), None);
    }
}
