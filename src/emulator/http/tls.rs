//! The emulator's TLS identity, from PEM files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

/// Why a certificate and its key cannot be served.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read, or holds no such thing.
    #[error("cannot read {what} from {path}: {why}; a PEM file is needed")]
    File {
        /// The certificate chain or the key.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What went wrong.
        why: String,
    },
    /// Both were read, but do not make an identity.
    #[error("the certificate and its key cannot be used: {0}")]
    Identity(#[from] rustls::Error),
}

/// A server's settings for TLS 1.2 and 1.3 with HTTP/1.1 over them, from a PEM certificate chain and its private key.
pub fn server_config(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let file = |what, path: &Path, why: String| TlsError::File { what, path: path.to_owned(), why };
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| file("the certificate chain", cert, e.to_string()))?;
    if chain.is_empty() {
        return Err(file("the certificate chain", cert, "it holds no certificate".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|e| file("the private key", key, e.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, private)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Absent, empty and mismatched files are named with their path.
    #[test]
    fn bad_files_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let (one, two) = (rcgen::generate_simple_self_signed([]).unwrap(), rcgen::generate_simple_self_signed([]).unwrap());
        std::fs::write(path("cert.pem"), one.cert.pem()).unwrap();
        std::fs::write(path("key.pem"), one.signing_key.serialize_pem()).unwrap();
        std::fs::write(path("other.pem"), two.signing_key.serialize_pem()).unwrap();
        std::fs::write(path("empty.pem"), "").unwrap();
        assert!(server_config(&path("cert.pem"), &path("key.pem")).is_ok());
        for (cert, key, named) in [
            ("none.pem", "key.pem", "none.pem"),
            ("empty.pem", "key.pem", "empty.pem"),
            ("cert.pem", "cert.pem", "cert.pem"),
            ("cert.pem", "other.pem", "cannot be used"),
        ] {
            let message = server_config(&path(cert), &path(key)).unwrap_err().to_string();
            assert!(message.contains(named), "{message}");
        }
    }
}
