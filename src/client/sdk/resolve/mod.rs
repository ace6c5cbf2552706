//! Where the calls would go, and as whom: flags, environment and profile, read as the AWS CLI reads them.
//!
//! The only place that reads these settings. Each is looked up when it is needed and not otherwise: a named endpoint asks for neither FIPS
//! nor dual stack, plain HTTP for no certificates, this machine for no provider of credentials, and nothing for the SDK's retries, which
//! are off. What cannot be understood is refused; what is printed is what is called.
//!
//! Until [`Destination::is_loopback`] has been looked at, nothing here touches the network: no name is looked up and neither STS nor
//! the instance metadata is asked.

mod aside;
mod endpoint;
mod error;
mod files;
mod identity;
mod origin;
mod variables;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_rekognition::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
use aws_types::region::Region;

use crate::client::net::{self, Timeouts, TlsError, Trust, root_cause};
use crate::service::operation::SERVICE as SERVICE_CODE;
use aside::Aside;
use endpoint::{EndpointUrl, masked};
pub use error::{AppliedQuotaError, ResolveError};
pub use files::profile_sections;
use files::{Files, Profile};
pub(super) use identity::sendable;
pub use origin::{Origin, Said};
use variables::{first_variable, path_variable, variable};

use super::warm::Warmed;

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
    /// `--no-verify-ssl`, `--ca-bundle`; without them environment and profile decide.
    pub trust: Option<Trust>,
    /// `--cli-connect-timeout`, `--cli-read-timeout`
    pub timeouts: Timeouts,
    /// The region when nobody names one.
    pub fallback_region: Option<String>,
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
    /// What a user should know of the credentials.
    pub note: Option<String>,
    is_https: bool,
    is_loopback: bool,
    trust: Trust,
    sts: Option<String>,
    /// Keys that somebody hands out, and that may end.
    handed: Option<Arc<Warmed>>,
    pub(in crate::client) timeouts: Timeouts,
    pub(in crate::client) config: SdkConfig,
}

/// Finds out where calls would go, without the network. Without a named endpoint it is the region's own.
pub async fn resolve(options: Options) -> Result<Destination, ResolveError> {
    let files = Files::read()?;
    let selected = Selected::new(&options, &files)?;
    let region = region(&options, selected.profile)?.ok_or(ResolveError::NoRegion)?;
    let (endpoint, origin) = match chosen(&options, &selected, &REKOGNITION)? {
        Some((url, origin)) => (called(&url, origin)?, origin),
        None => (own_endpoint(&region, &selected).await?, Origin::Region),
    };
    destination(&options, &selected, region, endpoint, origin)
}

/// The same where only a named endpoint is called; `None` if nobody names one.
pub async fn resolve_named(options: Options) -> Result<Option<Destination>, ResolveError> {
    let files = Files::read()?;
    let selected = Selected::new(&options, &files)?;
    let region = region(&options, selected.profile)?.ok_or(ResolveError::NoRegion)?;
    let Some((url, origin)) = chosen(&options, &selected, &REKOGNITION)? else { return Ok(None) };
    let endpoint = called(&url, origin)?;
    destination(&options, &selected, region, endpoint, origin).map(Some)
}

/// The `output` of the profile, as the AWS CLI reads it; nothing is sent.
pub fn configured_output(profile: Option<&str>) -> Result<Option<String>, ResolveError> {
    let files = Files::read()?;
    let options = Options { profile: profile.map(str::to_owned), ..Options::default() };
    let selected = Selected::new(&options, &files)?;
    Ok(selected.profile.text("output").map(str::to_owned))
}

/// The profile that counts.
struct Selected<'a> {
    files: &'a Files,
    name: &'a str,
    profile: &'a Profile,
    /// Whether `--profile` named it: then its keys come before the environment's.
    by_flag: bool,
}

static NOTHING: Profile = Profile::empty();

impl<'a> Selected<'a> {
    fn new(options: &Options, files: &'a Files) -> Result<Self, ResolveError> {
        let by_flag = options.profile.clone().filter(|name| !name.is_empty()).map(|name| (name, Said::Flag("--profile")));
        let is_by_flag = by_flag.is_some();
        let named = match by_flag {
            Some(named) => Some(named),
            // In the order of the AWS CLI v1.
            None => first_variable(&["AWS_DEFAULT_PROFILE", "AWS_PROFILE"])?,
        };
        let Some((name, said)) = named else {
            let (name, profile) = files.profile("default").unwrap_or(("default", &NOTHING));
            return Ok(Self { files, name, profile, by_flag: false });
        };
        let Some((name, profile)) = files.profile(&name) else {
            return Err(ResolveError::NoProfile { name: name.escape_debug().to_string(), files: files.names(), said });
        };
        Ok(Self { files, name, profile, by_flag: is_by_flag })
    }
}

/// The region that calls are signed for, and whether its name asks for FIPS.
#[derive(Debug, Clone)]
struct SigningRegion {
    name: String,
    is_fips: bool,
}

fn region(options: &Options, profile: &Profile) -> Result<Option<SigningRegion>, ResolveError> {
    let by_flag = options.region.clone().map(|name| (name, Said::Flag("--region")));
    let found = match by_flag {
        Some(found) => Some(found),
        None => match first_variable(&["AWS_REGION", "AWS_DEFAULT_REGION"])? {
            Some(found) => Some(found),
            None => profile.text("region").map(|name| (name.to_owned(), Said::Profile("region"))),
        },
    };
    let Some((name, said)) = found else {
        return Ok(options.fallback_region.clone().map(|name| SigningRegion { name, is_fips: false }));
    };
    // The AWS CLI's rule for the name of a region (botocore, `validate_region_name`): a host label that is not all digits.
    let plain = !name.is_empty() && name.len() <= 63 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !plain || name.starts_with('-') || name.ends_with('-') || name.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ResolveError::BadRegion { name, said });
    }
    // Its pseudo regions, too: `fips-us-east-1` is us-east-1 with FIPS.
    let bare = name.replace("fips-", "").replace("-fips", "");
    Ok(Some(SigningRegion { is_fips: bare != name, name: bare }))
}

/// A switch that a variable or the profile sets; off if nobody does.
fn switch(name: &'static str, profile: &Profile, key: &'static str) -> Result<bool, ResolveError> {
    let found = match variable(name)? {
        Some(value) => Some((value, Said::Variable(name))),
        None => profile.text(key).map(|value| (value.to_owned(), Said::Profile(key))),
    };
    let Some((value, said)) = found else { return Ok(false) };
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(ResolveError::NoSwitch { said, value }),
    }
}

/// A service whose endpoint can be named.
struct ServiceKeys {
    variable: &'static str,
    section: &'static str,
}

const REKOGNITION: ServiceKeys = ServiceKeys { variable: "AWS_ENDPOINT_URL_REKOGNITION", section: "rekognition" };
const STS: ServiceKeys = ServiceKeys { variable: "AWS_ENDPOINT_URL_STS", section: "sts" };
const SERVICE_QUOTAS: ServiceKeys = ServiceKeys { variable: "AWS_ENDPOINT_URL_SERVICE_QUOTAS", section: "service_quotas" };

/// The endpoint that somebody chose, the most explicit first.
fn chosen(options: &Options, selected: &Selected<'_>, keys: &ServiceKeys) -> Result<Option<(String, Origin)>, ResolveError> {
    match &options.endpoint_url {
        Some(url) => Ok(Some((url.clone(), Origin::Flag))),
        None => configured(selected, keys),
    }
}

/// The endpoint for a service that environment or profile choose.
fn configured(selected: &Selected<'_>, keys: &ServiceKeys) -> Result<Option<(String, Origin)>, ResolveError> {
    const IGNORE: &str = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";
    if switch(IGNORE, selected.profile, "ignore_configured_endpoint_urls")? {
        return Ok(None);
    }
    for name in [keys.variable, "AWS_ENDPOINT_URL"] {
        if let Some(url) = variable(name)? {
            return Ok(Some((url, Origin::Environment(name))));
        }
    }
    let of_services = match selected.profile.text("services") {
        None => None,
        Some(name) => {
            let Some(services) = selected.files.services(name) else {
                let (profile, services) = (selected.name.to_owned(), name.to_owned());
                return Err(ResolveError::NoServices { profile, services, files: selected.files.names() });
            };
            services.below(keys.section, "endpoint_url")
        }
    };
    Ok(of_services.or_else(|| selected.profile.text("endpoint_url")).map(|url| (url.to_owned(), Origin::Profile)))
}

fn called(url: &str, origin: Origin) -> Result<EndpointUrl, ResolveError> {
    EndpointUrl::new(url).map_err(|reason| ResolveError::BadUrl { url: masked(url), origin, reason })
}

/// The region's own endpoint, FIPS and dual stack as configured.
async fn own_endpoint(region: &SigningRegion, selected: &Selected<'_>) -> Result<EndpointUrl, ResolveError> {
    let (fips, dual_stack) = variants(region, selected)?;
    let refused = |e: &(dyn std::error::Error + 'static)| ResolveError::NoEndpoint(root_cause(e));
    let params =
        Params::builder().region(&region.name).use_fips(fips).use_dual_stack(dual_stack).build().map_err(|e| refused(&e))?;
    let endpoint = DefaultResolver::new().resolve_endpoint(&params).await.map_err(|e| ResolveError::NoEndpoint(e.to_string()))?;
    called(endpoint.url(), Origin::Region)
}

/// FIPS and dual stack.
fn variants(region: &SigningRegion, selected: &Selected<'_>) -> Result<(bool, bool), ResolveError> {
    let fips = region.is_fips || switch("AWS_USE_FIPS_ENDPOINT", selected.profile, "use_fips_endpoint")?;
    Ok((fips, switch("AWS_USE_DUALSTACK_ENDPOINT", selected.profile, "use_dualstack_endpoint")?))
}

/// Whom to trust, and who said so.
fn trust(options: &Options, profile: &Profile) -> (Trust, Option<Said>) {
    if let Some(trust) = &options.trust {
        return (trust.clone(), Some(Said::Flag("--ca-bundle")));
    }
    let of_profile = || profile.text("ca_bundle").map(|path| (path.into(), Said::Profile("ca_bundle")));
    let by_variable = |name: &'static str| path_variable(name).map(|path| (PathBuf::from(path), Said::Variable(name)));
    // In the order of the AWS CLI.
    let found = by_variable("AWS_CA_BUNDLE").or_else(of_profile).or_else(|| by_variable("REQUESTS_CA_BUNDLE"));
    found.map_or((Trust::System, None), |(path, said)| (Trust::Bundle(path), Some(said)))
}

fn destination(
    options: &Options,
    selected: &Selected<'_>,
    region: SigningRegion,
    endpoint: EndpointUrl,
    origin: Origin,
) -> Result<Destination, ResolveError> {
    let (trust, said) = trust(options, selected.profile);
    if endpoint.is_https {
        net::client_config(&trust).map_err(|error| match said {
            Some(said) => ResolveError::Bundle { error, said },
            None => ResolveError::Tls(error),
        })?;
    }
    let is_loopback = endpoint.is_loopback();
    let aside = Aside::new(trust.clone(), options.timeouts);
    let sdk_region = Region::new(region.name.clone());
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(sdk_region.clone())
        .http_client(aside.clone());
    let (mut note, mut sts, mut handed) = (None, None, None);
    if is_loopback {
        // It has no account, unless an endpoint for STS was named too.
        sts = variable(STS.variable)?;
    }
    if !options.unsigned && is_loopback {
        // A loopback endpoint is an emulator: no chain of providers that might ask the network, and no secrets needed.
        let (keys, said) = identity::local(selected)?;
        config = config.credentials_provider(SharedCredentialsProvider::new(keys));
        note = said;
    } else if !options.unsigned {
        let (fips, dual_stack) = variants(&region, selected)?;
        sts = configured(selected, &STS)?.map(|(url, _)| url);
        let asking = ProviderConfig::without_region()
            .with_region(Some(sdk_region))
            .with_use_fips(Some(fips))
            .with_use_dual_stack(Some(dual_stack))
            .with_http_client(aside);
        let warmed = Arc::new(Warmed::new(identity::far(selected, &asking)?));
        let provider = SharedCredentialsProvider::from(Arc::clone(&warmed) as Arc<dyn ProvideCredentials>);
        config = config.use_fips(fips).use_dual_stack(dual_stack).credentials_provider(provider);
        handed = Some(warmed);
    }
    Ok(Destination {
        endpoint: endpoint.url,
        origin,
        region: region.name,
        signed: !options.unsigned,
        note,
        is_https: endpoint.is_https,
        is_loopback,
        trust,
        sts,
        handed,
        timeouts: options.timeouts,
        config: config.build(),
    })
}

impl Destination {
    /// Whether calls stay on this machine. A name other than `localhost` is not looked up and counts as far away.
    pub fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    /// How a client of it secures its connections. Certificates are read for `https` only.
    pub(in crate::client) fn tls(&self) -> Result<rustls::ClientConfig, TlsError> {
        if self.is_https { net::client_config(&self.trust) } else { net::trusts_nobody() }
    }

    /// Fetches new credentials if those that it has end within a minute. Returns in how long to ask again; `None` if they never end.
    pub async fn renew(&self) -> Option<Duration> {
        self.handed.as_ref()?.renew().await
    }

    /// Gets the credentials now, so that the first call does not wait for them; they are kept for the clients of all cores.
    pub async fn warm(&self) -> Result<(), ResolveError> {
        let Some(provider) = self.config.credentials_provider().filter(|_| self.signed) else { return Ok(()) };
        let credentials = provider.provide_credentials().await.map_err(|e| ResolveError::NoCredentials(root_cause(&e)))?;
        sendable(&credentials, Said::Provider)
    }

    /// The value that Service Quotas says is applied to the account for the quota of Rekognition with this code ([`quota`](crate::service::quota)), or why it did
    /// not say: calls per second, or sessions at once.
    ///
    /// A loopback endpoint answers for itself, unless `AWS_ENDPOINT_URL_SERVICE_QUOTAS` names another one on this machine: from a probe of
    /// an emulator nothing goes to AWS.
    ///
    /// # Errors
    /// See [`AppliedQuotaError`].
    pub async fn applied_quota(&self, code: &str) -> Result<f64, AppliedQuotaError> {
        let named = variable(SERVICE_QUOTAS.variable).ok().flatten();
        let mut config = aws_sdk_servicequotas::config::Builder::from(&self.config);
        if self.is_loopback() {
            let local = |url: &String| EndpointUrl::new(url).is_ok_and(|endpoint| endpoint.is_loopback());
            config = config.endpoint_url(named.filter(local).unwrap_or_else(|| self.endpoint.clone()));
        } else if let Some(url) = named {
            config = config.endpoint_url(url);
        }
        let client = aws_sdk_servicequotas::Client::from_conf(config.build());
        let asking = client.get_service_quota().service_code(SERVICE_CODE).quota_code(code).send();
        let found = tokio::time::timeout(Duration::from_secs(10), asking).await.map_err(|_| AppliedQuotaError::Silent)?;
        let quota = found.map_err(|e| AppliedQuotaError::Refused(Box::new(e.into_service_error())))?.quota;
        quota.and_then(|quota| quota.value).ok_or(AppliedQuotaError::NoValue)
    }

    /// The account of the credentials, as STS tells it; `None` when it cannot be asked. A loopback endpoint has no account, unless
    /// an endpoint for STS was configured too.
    pub async fn account(&self) -> Option<String> {
        if !self.signed || (self.is_loopback() && self.sts.is_none()) {
            return None;
        }
        let mut config = aws_sdk_sts::config::Builder::from(&self.config);
        if let Some(url) = &self.sts {
            config = config.endpoint_url(&EndpointUrl::new(url).ok()?.url);
        }
        let asking = aws_sdk_sts::Client::from_conf(config.build()).get_caller_identity().send();
        let identity = tokio::time::timeout(Duration::from_secs(5), asking).await.ok()?.ok()?;
        identity.account
    }
}
