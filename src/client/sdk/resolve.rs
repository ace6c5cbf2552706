//! Where the calls would go, and as whom: flags, environment and profile, read as the AWS CLI reads them.
//!
//! Until [`Destination::is_loopback`] has been looked at, nothing here touches the network: no name is looked up and neither STS nor
//! the instance metadata is asked.

use std::net::IpAddr;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::ProvideRegion as _;
use aws_config::profile::{ProfileFileRegionProvider, ProfileSet};
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_sdk_rekognition::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::os_shim_internal::{Env, Fs};
use aws_types::region::Region;
use aws_types::service_config::ServiceConfigKey;
use thiserror::Error;

use super::connector::Connector;
use crate::client::net::{self, Timeouts, TlsError, Trust, root_cause};
use crate::service::operation::{Operation, SERVICE as SERVICE_CODE};
use crate::service::quota;

/// Why it is not known where to send.
#[derive(Debug, Error)]
pub enum ResolveError {
    /// No region anywhere.
    #[error("no region: give --region, set AWS_REGION, or set `region` in the profile")]
    NoRegion,
    /// The profile does not exist.
    #[error("the profile `{0}` is not in the AWS configuration files; check --profile and AWS_PROFILE")]
    NoProfile(String),
    /// The configuration files cannot be read.
    #[error("the AWS configuration files cannot be read: {0}")]
    Profiles(String),
    /// Not a URL that can be called.
    #[error("`{url}` (from {origin}) is not an endpoint: {reason}; write it like http://127.0.0.1:4566")]
    BadUrl {
        /// The URL.
        url: String,
        /// Who said so.
        origin: Origin,
        /// Why not.
        reason: &'static str,
    },
    /// The service has no endpoint for these settings.
    #[error("no endpoint: {0}")]
    NoEndpoint(String),
    /// No credentials were found.
    #[error("no credentials: {0}; configure them as for the AWS CLI, or give --no-sign-request")]
    NoCredentials(String),
    /// See [`TlsError`].
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Why Service Quotas did not tell which quota is applied.
#[derive(Debug, Error)]
pub enum AppliedQuotaError {
    /// It did not answer in time.
    #[error("no answer in 10 s")]
    Silent,
    /// It refused, or could not be asked.
    #[error("{}", root_cause(&**.0))]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It answered without a value.
    #[error("the answer has no value")]
    NoValue,
}

/// How the user wants the service reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// `--endpoint-url`
    pub endpoint_url: Option<String>,
    /// `--region`
    pub region: Option<String>,
    /// `--profile`
    pub profile: Option<String>,
    /// `--no-sign-request`
    pub unsigned: bool,
    /// `--no-verify-ssl`, `--ca-bundle`
    pub trust: Trust,
    /// `--cli-connect-timeout`, `--cli-read-timeout`
    pub timeouts: Timeouts,
    /// The region when nobody names one.
    pub fallback_region: Option<String>,
}

/// Who chose the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `--endpoint-url`
    Flag,
    /// An environment variable, by its name.
    Environment(&'static str),
    /// The profile.
    Profile,
    /// Nobody: it is the region's own.
    Region,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag => f.write_str("--endpoint-url"),
            Self::Environment(name) => f.write_str(name),
            Self::Profile => f.write_str("the profile"),
            Self::Region => f.write_str("the region"),
        }
    }
}

/// Where calls go and as whom.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The resolved URL.
    pub endpoint: String,
    /// Who chose it.
    pub origin: Origin,
    /// The region that calls are signed for.
    pub region: String,
    /// Whether calls are signed.
    pub signed: bool,
    pub(in crate::client) options: Options,
    pub(in crate::client) config: SdkConfig,
}

/// Finds out where calls would go, without the network.
pub async fn resolve(options: Options) -> Result<Destination, ResolveError> {
    let profiles = profiles(options.profile.as_deref()).await?;
    let region = region(&options).await.ok_or(ResolveError::NoRegion)?;
    let http = Connector::new(net::client_config(&options.trust)?, options.timeouts);
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(Region::new(region.clone()))
        .http_client(SharedHttpClient::new(http));
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    if options.unsigned {
        loader = loader.no_credentials();
    }
    let mut config = loader.load().await;
    let (endpoint, origin) = match configured_endpoint(&options, &config) {
        Some((url, origin)) => (url, origin),
        None => (own_endpoint(&config, &region).await?, Origin::Region),
    };
    let host = host(&endpoint).map_err(|reason| ResolveError::BadUrl { url: endpoint.clone(), origin, reason })?;
    if is_loopback_host(&host) && !options.unsigned {
        // A loopback endpoint is an emulator: no chain of providers that might ask the network, and no secrets needed.
        let provider = SharedCredentialsProvider::new(local_credentials(options.profile.as_deref(), &profiles));
        config = config.into_builder().credentials_provider(provider).build();
    }
    let signed = !options.unsigned;
    Ok(Destination { endpoint, origin, region, signed, options, config })
}

impl Destination {
    /// Whether calls stay on this machine. A name other than `localhost` is not looked up and counts as far away.
    pub fn is_loopback(&self) -> bool {
        host(&self.endpoint).is_ok_and(|host| is_loopback_host(&host))
    }

    /// Gets the credentials now, so that the first call does not wait for them, and keeps them for the clients of all cores.
    pub async fn warm(&mut self) -> Result<(), ResolveError> {
        let Some(provider) = self.config.credentials_provider().filter(|_| self.signed) else { return Ok(()) };
        let credentials = provider.provide_credentials().await.map_err(|e| ResolveError::NoCredentials(root_cause(&e)))?;
        let warmed = super::warm::Warmed::new(credentials, provider);
        self.config = self.config.to_builder().credentials_provider(SharedCredentialsProvider::new(warmed)).build();
        Ok(())
    }

    /// The calls per second of `CreateFaceLivenessSession` that Service Quotas says are applied to the account, or why it did not say.
    ///
    /// A loopback endpoint answers for itself, unless `AWS_ENDPOINT_URL_SERVICE_QUOTAS` names another one on this machine: from a probe of
    /// an emulator nothing goes to AWS.
    ///
    /// # Errors
    /// See [`AppliedQuotaError`].
    pub async fn applied_quota(&self) -> Result<f64, AppliedQuotaError> {
        const ENDPOINT: &str = "AWS_ENDPOINT_URL_SERVICE_QUOTAS";
        let mut config = aws_sdk_servicequotas::config::Builder::from(&self.config);
        if self.is_loopback() {
            let local = |url: &String| host(url).is_ok_and(|host| is_loopback_host(&host));
            config = config.endpoint_url(std::env::var(ENDPOINT).ok().filter(local).unwrap_or_else(|| self.endpoint.clone()));
        }
        let client = aws_sdk_servicequotas::Client::from_conf(config.build());
        let asking = client.get_service_quota().service_code(SERVICE_CODE).quota_code(quota::code(Operation::Create)).send();
        let found = tokio::time::timeout(Duration::from_secs(10), asking).await.map_err(|_| AppliedQuotaError::Silent)?;
        let quota = found.map_err(|e| AppliedQuotaError::Refused(Box::new(e.into_service_error())))?.quota;
        quota.and_then(|quota| quota.value).ok_or(AppliedQuotaError::NoValue)
    }

    /// The account of the credentials, as STS tells it; `None` when it cannot be asked. A loopback endpoint has no account, unless
    /// an endpoint for STS was configured too.
    pub async fn account(&self) -> Option<String> {
        let configured = std::env::var_os("AWS_ENDPOINT_URL_STS").is_some();
        if !self.signed || (self.is_loopback() && !configured) {
            return None;
        }
        let asking = aws_sdk_sts::Client::new(&self.config).get_caller_identity().send();
        let identity = tokio::time::timeout(Duration::from_secs(5), asking).await.ok()?.ok()?;
        identity.account
    }
}

/// The `output` of the profile, as the AWS CLI reads it; nothing is sent.
pub async fn configured_output(profile: Option<&str>) -> Result<Option<String>, ResolveError> {
    let profiles = profiles(profile).await?;
    let found = profile.map_or_else(|| profiles.get("output"), |name| profiles.get_profile(name).and_then(|p| p.get("output")));
    Ok(found.map(str::to_owned))
}

async fn profiles(named: Option<&str>) -> Result<ProfileSet, ResolveError> {
    let name = named.map(|name| name.to_owned().into());
    let set = aws_config::profile::load(&Fs::real(), &Env::real(), &EnvConfigFiles::default(), name)
        .await
        .map_err(|e| ResolveError::Profiles(root_cause(&e)))?;
    match named {
        Some(name) if set.get_profile(name).is_none() => Err(ResolveError::NoProfile(name.to_owned())),
        _ => Ok(set),
    }
}

async fn region(options: &Options) -> Option<String> {
    if options.region.is_some() {
        return options.region.clone();
    }
    let mut profile = ProfileFileRegionProvider::builder();
    if let Some(name) = &options.profile {
        profile = profile.profile_name(name);
    }
    let from_env = EnvironmentVariableRegionProvider::new().region().await;
    let found = match from_env {
        Some(region) => Some(region),
        None => profile.build().region().await,
    };
    found.map(|region| region.to_string()).or_else(|| options.fallback_region.clone())
}

/// The endpoint that somebody chose, the most explicit first. The SDK resolves `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` for us.
fn configured_endpoint(options: &Options, config: &SdkConfig) -> Option<(String, Origin)> {
    const SERVICE: &str = "AWS_ENDPOINT_URL_REKOGNITION";
    const GLOBAL: &str = "AWS_ENDPOINT_URL";
    if let Some(url) = &options.endpoint_url {
        return Some((url.clone(), Origin::Flag));
    }
    let key = ServiceConfigKey::builder().service_id("Rekognition").env(GLOBAL).profile("endpoint_url").build().ok()?;
    let of_service = config.service_config().and_then(|found| found.load_config(key));
    let url = of_service.or_else(|| config.endpoint_url().map(str::to_owned))?;
    let origin = [SERVICE, GLOBAL].into_iter().find(|name| std::env::var(name).is_ok_and(|value| value == url));
    Some((url, origin.map_or(Origin::Profile, Origin::Environment)))
}

/// The region's own endpoint, FIPS and dual stack as configured.
async fn own_endpoint(config: &SdkConfig, region: &str) -> Result<String, ResolveError> {
    let refused = |e: &(dyn std::error::Error + 'static)| ResolveError::NoEndpoint(root_cause(e));
    let params = Params::builder()
        .region(region)
        .set_use_fips(config.use_fips())
        .set_use_dual_stack(config.use_dual_stack())
        .build()
        .map_err(|e| refused(&e))?;
    let endpoint = DefaultResolver::new().resolve_endpoint(&params).await.map_err(|e| ResolveError::NoEndpoint(e.to_string()))?;
    Ok(endpoint.url().to_owned())
}

/// Keys for an emulator: the profile's that a flag names, the environment's, the profile's that is selected otherwise, as the AWS
/// CLI looks for them; or made-up ones.
fn local_credentials(profile: Option<&str>, profiles: &ProfileSet) -> Credentials {
    let from_env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let from_profile = |name: &str| profile.and_then(|p| profiles.get_profile(p)).and_then(|p| p.get(name)).map(str::to_owned);
    let from_selected = |name: &str| profiles.get(name).map(str::to_owned);
    let keys = |get: &dyn Fn(&str) -> Option<String>, [id, secret, token]: [&str; 3]| {
        Some(Credentials::new(get(id)?, get(secret)?, get(token), None, "livebench"))
    };
    let in_files = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"];
    keys(&from_profile, in_files)
        .or_else(|| keys(&from_env, ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]))
        .or_else(|| keys(&from_selected, in_files))
        .unwrap_or_else(|| Credentials::new("LIVEBENCHEMULATOR000", "livebench", None, None, "livebench"))
}

/// The host of an endpoint's URL, read by the parser that will also connect to it.
fn host(url: &str) -> Result<String, &'static str> {
    let uri: http::Uri = url.parse().map_err(|_| "it is no URL")?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err("it begins with neither http:// nor https://");
    }
    if uri.path() != "/" || uri.query().is_some() {
        return Err("it has a path or a query");
    }
    if uri.authority().is_none_or(|authority| authority.as_str().contains('@')) {
        return Err("it has a user name or no host");
    }
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() { Err("it has no host") } else { Ok(host.to_owned()) }
}

fn is_loopback_host(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only this machine's own addresses are loopback; a name that might resolve to one is not.
    #[test]
    fn loopback_is_literal() {
        for url in ["http://127.0.0.1:4566", "https://127.8.9.1", "http://localhost:80/", "http://[::1]:4566", "http://LOCALHOST"]
        {
            assert!(host(url).is_ok_and(|host| is_loopback_host(&host)), "{url}");
        }
        for url in [
            "http://10.0.0.1",
            "https://rekognition.us-east-1.amazonaws.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://0.0.0.0:80",
            "http://[::]:80",
            "http://2130706433",
        ] {
            assert!(host(url).is_ok_and(|host| !is_loopback_host(&host)), "{url}");
        }
        for url in
            ["", "127.0.0.1:80", "ftp://127.0.0.1", "http://", "http://user@127.0.0.1", "http://127.0.0.1/path", "http://[::1"]
        {
            assert!(host(url).is_err(), "{url}");
        }
    }
}
