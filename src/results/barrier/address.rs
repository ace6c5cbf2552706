//! Which bucket is meant, and where it is: from what was typed and the variables that the AWS SDKs share. Refuses to ask the network.

use std::net::Ipv4Addr;

use super::error::BarrierError;
use crate::client::net::is_loopback;

/// Bucket and prefix, and whose they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketAddress {
    /// As it was typed.
    pub(super) place: String,
    /// The bucket.
    pub(super) bucket: String,
    /// What the names of all objects begin with, without slashes at its ends; may be empty.
    pub(super) prefix: String,
    /// The URL that is asked.
    pub(super) endpoint: String,
    /// Whether that stays on this machine.
    pub(super) is_here: bool,
}

impl BucketAddress {
    /// What `place` (`s3://BUCKET/PREFIX`) means where `variable` tells the environment.
    pub(super) fn new(place: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, BarrierError> {
        let wrong = |problem: &str| BarrierError::Address { place: place.to_owned(), problem: problem.to_owned() };
        let rest = place.strip_prefix("s3://").unwrap_or(place);
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        // source: "General purpose bucket naming rules" in the Amazon S3 User Guide
        let is_label = |label: &str| {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            !label.is_empty() && label.bytes().all(plain) && !label.starts_with('-') && !label.ends_with('-')
        };
        let is_bucket =
            (3..=63).contains(&bucket.len()) && bucket.split('.').all(is_label) && bucket.parse::<Ipv4Addr>().is_err();
        if !is_bucket {
            return Err(wrong("this is not a bucket's name; write s3://BUCKET/PREFIX"));
        }
        let prefix = prefix.trim_end_matches('/');
        let is_plain = |part: &str| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'=' | b'+' | b'@');
            !matches!(part, "" | "." | "..") && part.bytes().all(plain)
        };
        if !prefix.is_empty() && !prefix.split('/').all(is_plain) {
            return Err(wrong("use only letters, digits and - _ . = + @ / in the prefix, with something between the slashes"));
        }
        // An empty variable is one that is not set, as for the AWS CLI.
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let given = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"].into_iter().find_map(set);
        let region = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(set);
        let is_region = |region: &String| region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !region.as_ref().is_none_or(is_region) {
            return Err(wrong("AWS_REGION or AWS_DEFAULT_REGION is not a region, such as eu-west-1"));
        }
        let is_here = given.as_deref().map(endpoint).transpose().map_err(&wrong)?.unwrap_or(false);
        let endpoint = match (given, region) {
            (Some(given), Some(_)) => given,
            (Some(given), None) if is_here => given,
            // source: "Amazon S3 endpoints and quotas" in the AWS General Reference; the regions of China have a domain of their own
            (None, Some(region)) if region.starts_with("cn-") => format!("https://s3.{region}.amazonaws.com.cn"),
            (None, Some(region)) => format!("https://s3.{region}.amazonaws.com"),
            (_, None) => return Err(wrong("set AWS_REGION to the bucket's region")),
        };
        Ok(Self { place: place.to_owned(), bucket: bucket.to_owned(), prefix: prefix.to_owned(), endpoint, is_here })
    }

    /// The same for one run among several of this prefix.
    pub(super) fn below(self, folder: &str) -> Self {
        let prefix = if self.prefix.is_empty() { folder.to_owned() } else { format!("{}/{folder}", self.prefix) };
        Self { prefix, ..self }
    }
}

/// Whether an endpoint is on this machine; or what is wrong with it. What was given may hold a password, and is not repeated.
fn endpoint(url: &str) -> Result<bool, &'static str> {
    let read: Option<http::Uri> = url.parse().ok();
    let uri = read
        .filter(|uri| uri.authority().is_some_and(|authority| !authority.as_str().contains('@')) && !url.contains(['?', '#']));
    match uri.as_ref().map(|uri| (uri.scheme_str(), is_loopback(uri))) {
        Some((Some("https"), is_here)) => Ok(is_here),
        Some((Some("http"), true)) => Ok(true),
        Some((Some("http"), false)) => {
            Err("AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL is http; use https for anything beyond this machine")
        }
        _ => Err("AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL is not an endpoint, such as https://s3.eu-west-1.amazonaws.com"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(place: &str, set: &[(&str, &str)]) -> Result<BucketAddress, String> {
        let of = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        BucketAddress::new(place, of).map_err(|e| e.to_string())
    }

    /// Where a bucket is: the endpoint for S3 before that for everything, else AWS in the region; only this machine is asked over http.
    #[test]
    fn variables_say_where() {
        let aws = address("s3://launch/a/b/", &[("AWS_DEFAULT_REGION", "eu-west-1")]).unwrap().below("run-7");
        assert_eq!((aws.endpoint.as_str(), aws.is_here), ("https://s3.eu-west-1.amazonaws.com", false));
        assert_eq!((aws.bucket.as_str(), aws.prefix.as_str(), aws.place.as_str()), ("launch", "a/b/run-7", "s3://launch/a/b/"));
        let both = [("AWS_ENDPOINT_URL", "https://a.example"), ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:5000")];
        let here = address("s3://launch", &both).unwrap();
        assert_eq!((here.endpoint.as_str(), here.is_here, here.prefix.as_str()), ("http://127.0.0.1:5000", true, ""));
        assert_eq!(here.below("run-7").prefix, "run-7");
        let far = address("s3://launch/a", &[("AWS_ENDPOINT_URL", "https://a.example"), ("AWS_REGION", "x")]).unwrap();
        assert!(!far.is_here);
        let plain = address("s3://launch/a", &[("AWS_ENDPOINT_URL_S3", "http://a.example"), ("AWS_REGION", "x")]).unwrap_err();
        assert!(plain.contains("use https"), "{plain}");
        let china = address("s3://launch", &[("AWS_REGION", "cn-north-1")]).unwrap();
        assert_eq!(china.endpoint, "https://s3.cn-north-1.amazonaws.com.cn");
        let region = address("s3://launch", &[("AWS_REGION", "x@127.0.0.1/")]).unwrap_err();
        assert!(region.contains("is not a region"), "{region}");
        let no_region = address("s3://launch/a", &[("AWS_REGION", "")]).unwrap_err();
        assert!(no_region.contains("set AWS_REGION"), "{no_region}");
    }

    /// What cannot be a bucket, a prefix or an endpoint is refused, and a password in it is not repeated.
    #[test]
    fn nonsense_is_refused() {
        for place in [
            "s3://",
            "s3:///a",
            "s3://ab",
            "s3://Launch/a",
            "s3://lau nch",
            "s3://launch//a",
            "s3://launch/a/../b",
            "s3://launch/ä",
            "s3://la..unch",
            "s3://-launch",
            "s3://launch-/a",
            "s3://10.0.0.1",
        ] {
            assert!(address(place, &[("AWS_REGION", "x")]).is_err(), "{place}");
        }
        for url in [
            "https://me:secret@127.0.0.1",
            "127.0.0.1:80",
            "ftp://127.0.0.1",
            "secret",
            "https://127.0.0.1/?secret",
            "http://127.0.0.1/#secret",
        ] {
            let said = address("s3://launch/a", &[("AWS_ENDPOINT_URL_S3", url)]).unwrap_err();
            assert!(said.contains("is not an endpoint") && !said.contains("secret"), "{said}");
        }
    }
}
