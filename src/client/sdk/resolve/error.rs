//! Why it is not known where to send: what, where it was said, what to do.

use std::path::PathBuf;

use thiserror::Error;

use super::origin::{Origin, Said};
use crate::client::net::{TlsError, root_cause};

/// Why it is not known where to send.
#[derive(Debug, Error)]
pub enum ResolveError {
    /// No region anywhere.
    #[error("no region: give --region, set AWS_REGION, or set `region` in the profile")]
    NoRegion,
    /// A region that is no name of one.
    #[error("the region {name:?} (from {said}) is malformed: letters, digits and hyphens only; write it like us-east-1")]
    BadRegion {
        /// What was said.
        name: String,
        /// Who said so.
        said: Said,
    },
    /// The profile does not exist.
    #[error("the profile `{name}` is not in {files}; check {said}")]
    NoProfile {
        /// Its name.
        name: String,
        /// The files that were read.
        files: String,
        /// Who named it.
        said: Said,
    },
    /// A configuration file cannot be read.
    #[error("cannot read the AWS configuration file {path}: {reason}; correct it, or name another one with {variable}")]
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// Why.
        reason: String,
        /// The variable that names the file.
        variable: &'static str,
    },
    /// A line of a configuration file means nothing.
    #[error("{path}, line {line}: {what}; correct the line, or name another file with {variable}")]
    BadLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong; never the line itself, which may be a secret.
        what: String,
        /// The variable that names the file.
        variable: &'static str,
    },
    /// A profile names a section that is not there.
    #[error(
        "the profile `{profile}` says `services = {services}`, but [services {services}] is not in {files}; add the section or take the setting out"
    )]
    NoServices {
        /// The profile.
        profile: String,
        /// The section that it names.
        services: String,
        /// The files that were read.
        files: String,
    },
    /// A setting is neither true nor false.
    #[error("{said} is {value:?}; write true or false")]
    NoSwitch {
        /// Who said so.
        said: Said,
        /// What was said.
        value: String,
    },
    /// A variable is no text.
    #[error("the variable {0} is not UTF-8; set it again or unset it")]
    NoText(&'static str),
    /// Not a URL that can be called. What could be a password is masked.
    #[error("`{url}` (from {origin}) is not an endpoint: {reason}; write it like http://127.0.0.1:4566")]
    BadUrl {
        /// The URL.
        url: String,
        /// Who said so.
        origin: Origin,
        /// Why not.
        reason: String,
    },
    /// The service has no endpoint for these settings.
    #[error("no endpoint: {0}")]
    NoEndpoint(String),
    /// No credentials were found.
    #[error("no credentials: {0}; configure them as for the AWS CLI, or give --no-sign-request")]
    NoCredentials(String),
    /// Half of a pair of keys.
    #[error("{said} has an access key id without its secret access key; set both or neither")]
    HalfAKey {
        /// Where it stands.
        said: Said,
    },
    /// Keys that no request can carry.
    #[error("the {part} (from {said}) has {what}: it cannot be sent; remove that from the value")]
    BadKey {
        /// Which part of the credentials.
        part: &'static str,
        /// Where it stands.
        said: Said,
        /// The character that cannot be sent.
        what: String,
    },
    /// The bundle that somebody named cannot be used.
    #[error("{error} (it was named by {said})")]
    Bundle {
        /// See [`TlsError`].
        #[source]
        error: TlsError,
        /// Who named it.
        said: Said,
    },
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
