//! Whom to trust: the system's roots, a bundle of the user's, or anybody.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{VerifierBuilderError, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use thiserror::Error;

/// Why no TLS settings could be made.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The bundle cannot be read.
    #[error("cannot read the CA bundle {path}: {reason}; give a PEM file with the certificates to trust")]
    Bundle {
        /// Its path.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The system offers no certificates.
    #[error("this system has no trusted certificates; install the package ca-certificates or give --ca-bundle FILE")]
    NoRoots,
    /// The cryptography has no usable protocol version.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
}

/// Whom to trust.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Trust {
    /// The system's roots.
    #[default]
    System,
    /// The certificates of a PEM file, and no others.
    Bundle(PathBuf),
    /// Anybody: `--no-verify-ssl`.
    Anybody,
}

/// TLS settings for this trust.
pub(in crate::client) fn client_config(trust: &Trust) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let believed = match trust {
        Trust::System => Believed::chains(system_roots()?, Vec::new(), &provider).map_err(|_| TlsError::NoRoots)?,
        Trust::Bundle(path) => bundle(path, &provider)?,
        Trust::Anybody => Believed::Anybody,
    };
    let verifier = Arc::new(CertificateVerifier { believed, provider: Arc::clone(&provider) });
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// TLS settings under which no server is believed: for connections that have no TLS. Reads no file.
pub(in crate::client) fn trusts_nobody() -> Result<ClientConfig, TlsError> {
    let builder =
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

fn system_roots() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(TlsError::NoRoots) } else { Ok(roots) }
}

fn bundle(path: &Path, provider: &Arc<CryptoProvider>) -> Result<Believed, TlsError> {
    let refused = |reason: String| TlsError::Bundle { path: path.to_owned(), reason };
    let (mut roots, mut named) = (RootCertStore::empty(), Vec::new());
    for certificate in CertificateDer::pem_file_iter(path).map_err(|e| refused(e.to_string()))? {
        let certificate = certificate.map_err(|e| refused(e.to_string()))?;
        named.push(certificate.clone());
        roots.add(certificate).map_err(|e| refused(e.to_string()))?;
    }
    if named.is_empty() {
        return Err(refused("it holds no certificate".to_owned()));
    }
    Believed::chains(roots, named, provider).map_err(|e| refused(e.to_string()))
}

/// Which certificates are believed.
#[derive(Debug)]
enum Believed {
    /// Chains that end in a root; and a server that shows one of the named certificates itself, as OpenSSL believes it.
    Chains { chains: Arc<WebPkiServerVerifier>, named: Vec<CertificateDer<'static>> },
    /// Every certificate.
    Anybody,
}

impl Believed {
    fn chains(
        roots: RootCertStore,
        named: Vec<CertificateDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, VerifierBuilderError> {
        let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build()?;
        Ok(Self::Chains { chains, named })
    }
}

/// Believes what it was told to, and always checks that the certificate's owner holds the key.
#[derive(Debug)]
struct CertificateVerifier {
    believed: Believed,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for CertificateVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Believed::Chains { chains, named } = &self.believed else { return Ok(ServerCertVerified::assertion()) };
        let verified = chains.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let Err(rustls::Error::InvalidCertificate(CertificateError::Other(error))) = &verified else { return verified };
        // A self-signed certificate is mostly marked as an authority, which webpki takes for no server's: found after its dates were.
        if error.0.to_string() != "CaUsedAsEndEntity" {
            return verified;
        }
        if !named.iter().any(|named| named == end_entity) {
            return Err(CertificateError::UnknownIssuer.into());
        }
        verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
