//! As whom calls are signed: keys that stand in the environment or in the profile, or who hands them out.
//!
//! For an endpoint on this machine nobody is asked: no program is started and no network is used, and without keys a made-up pair signs.

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};

use super::Selected;
use super::error::ResolveError;
use super::files::Profile;
use super::origin::Said;
use super::variables::variable;

/// Settings of a profile that say who hands out its keys.
const HANDED_OUT: [&str; 7] = [
    "role_arn",
    "sso_session",
    "sso_start_url",
    "web_identity_token_file",
    "credential_source",
    "credential_process",
    "login_session",
];

/// Keys for an emulator: the profile's that a flag names, the environment's, the profile's that is selected otherwise, as the AWS CLI
/// looks for them; or made-up ones, with what is to be said of that.
pub(super) fn local(selected: &Selected<'_>) -> Result<(Credentials, Option<String>), ResolveError> {
    if let Some(keys) = standing(selected)? {
        return Ok((keys, None));
    }
    let handed = HANDED_OUT.into_iter().find(|key| selected.profile.text(key).is_some());
    let note = handed.map(|key| {
        let name = selected.name;
        format!("`{key}` of the profile `{name}` is not asked for keys: it may use the network. The calls are signed with made-up keys")
    });
    Ok((Credentials::new("LIVEBENCHEMULATOR000", "livebench", None, None, "livebench"), note))
}

/// Keys for AWS: those that stand somewhere, else who hands them out. Asks nobody yet.
pub(super) fn far(selected: &Selected<'_>, config: &ProviderConfig) -> Result<SharedCredentialsProvider, ResolveError> {
    if !selected.by_flag
        && let Some(keys) = of_environment()?
    {
        return Ok(SharedCredentialsProvider::new(keys));
    }
    // What cannot be sent is refused before anybody is asked.
    of_profile(selected.profile)?;
    let (text, name) = selected.files.for_the_sdk(selected.name);
    let files = EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, text).build();
    let profile = ProfileFileCredentialsProvider::builder().configure(config).profile_files(files).profile_name(name).build();
    let web_identity = WebIdentityTokenCredentialsProvider::builder().configure(config).build();
    let container = EcsCredentialsProvider::builder().configure(config).build();
    let instance = ImdsCredentialsProvider::builder().configure(config).build();
    let chain = CredentialsProviderChain::first_try("Profile", profile)
        .or_else("WebIdentityToken", web_identity)
        .or_else("EcsContainer", container)
        .or_else("Ec2InstanceMetadata", instance);
    Ok(SharedCredentialsProvider::new(chain))
}

/// Keys that need nobody to be asked.
fn standing(selected: &Selected<'_>) -> Result<Option<Credentials>, ResolveError> {
    if selected.by_flag {
        let keys = of_profile(selected.profile)?;
        return if keys.is_some() { Ok(keys) } else { of_environment() };
    }
    let keys = of_environment()?;
    if keys.is_some() { Ok(keys) } else { of_profile(selected.profile) }
}

fn of_environment() -> Result<Option<Credentials>, ResolveError> {
    let said = Said::Variable("AWS_ACCESS_KEY_ID");
    let parts = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"].map(variable);
    let [id, secret, token] = parts;
    pair(id?, secret?, token?, said)
}

fn of_profile(profile: &Profile) -> Result<Option<Credentials>, ResolveError> {
    let [id, secret, token] =
        ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"].map(|key| profile.text(key).map(str::to_owned));
    pair(id, secret, token, Said::Profile("aws_access_key_id"))
}

fn pair(
    id: Option<String>,
    secret: Option<String>,
    token: Option<String>,
    said: Said,
) -> Result<Option<Credentials>, ResolveError> {
    let Some(id) = id else { return Ok(None) };
    let Some(secret) = secret else { return Err(ResolveError::HalfAKey { said }) };
    let keys = Credentials::new(id, secret, token, None, "livebench");
    sendable(&keys, said)?;
    Ok(Some(keys))
}

/// Refuses keys that no header can carry.
pub(in crate::client::sdk) fn sendable(keys: &Credentials, said: Said) -> Result<(), ResolveError> {
    let parts = [
        ("access key id", keys.access_key_id()),
        ("secret access key", keys.secret_access_key()),
        ("session token", keys.session_token().unwrap_or("-")),
    ];
    for (part, text) in parts {
        let wrong = text.chars().find(|c| !c.is_ascii_graphic());
        let what = match wrong {
            _ if text.is_empty() => "nothing in it".to_owned(),
            None => continue,
            // The character itself is no secret, and tells a stray line end from a blank.
            Some(c) => format!("the character {} in it", c.escape_unicode()),
        };
        return Err(ResolveError::BadKey { part, said, what });
    }
    Ok(())
}
