//! The emulator's TLS identity, from PEM files or made for the purpose.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

/// Why a certificate and its key cannot be served.
#[derive(Debug, Error)]
pub enum ServerTlsError {
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
    /// A made identity cannot be written.
    #[error("cannot write {path}: {source}; give a directory that can be written")]
    Write {
        /// The file or the directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No identity can be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// Both were read, but do not make an identity.
    #[error("the certificate and its key cannot be used: {0}")]
    Identity(#[from] rustls::Error),
}

/// A server's settings for TLS 1.2 and 1.3 with HTTP/1.1 over them, from a PEM certificate chain and its private key.
pub fn server_config(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, ServerTlsError> {
    let file = |what, path: &Path, why: String| ServerTlsError::File { what, path: path.to_owned(), why };
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

/// An identity on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The authority that clients have to trust, if it is known: `--ca-bundle`, `AWS_CA_BUNDLE`, `NODE_EXTRA_CA_CERTS`.
    pub ca: Option<PathBuf>,
    /// The server's certificate.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Makes an authority and a certificate of it for `localhost`, `127.0.0.1` and `::1`: `ca.pem`, `cert.pem` and `key.pem` in
/// `directory`, which is made if it is not there.
///
/// If all three are there, they are kept: clients trust them already. The authority's own key is never written, so it can
/// sign nothing else.
pub fn generate(directory: &Path) -> Result<TlsFiles, ServerTlsError> {
    let path = |name: &str| directory.join(name);
    let authority_path = path("ca.pem");
    let files = TlsFiles { ca: Some(authority_path.clone()), cert: path("cert.pem"), key: path("key.pem") };
    if [&authority_path, &files.cert, &files.key].iter().all(|path| path.exists()) {
        return Ok(files);
    }
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    authority.distinguished_name.push(DnType::CommonName, "livebench emulator, made for tests");
    let authority_key = KeyPair::generate()?;
    let ca = authority.self_signed(&authority_key)?;
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut server = CertificateParams::new(names)?;
    server.distinguished_name.push(DnType::CommonName, "localhost");
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let cert = server.signed_by(&key, &Issuer::new(authority, authority_key))?;
    std::fs::create_dir_all(directory).map_err(|source| ServerTlsError::Write { path: directory.to_owned(), source })?;
    for (path, text, secret) in
        [(&files.key, key.serialize_pem(), true), (&files.cert, cert.pem(), false), (&authority_path, ca.pem(), false)]
    {
        write(path, &text, secret).map_err(|source| ServerTlsError::Write { path: path.clone(), source })?;
    }
    Ok(files)
}

/// Writes a file anew; a secret one only its owner may read.
fn write(path: &Path, text: &str, secret: bool) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if secret {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    options.open(path)?.write_all(text.as_bytes())
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

    /// A made identity serves, is kept the second time, and made anew when a part of it is gone; its key is its owner's.
    #[test]
    fn made_identities() {
        let dir = tempfile::tempdir().unwrap();
        let files = generate(&dir.path().join("new")).unwrap();
        assert!(server_config(&files.cert, &files.key).is_ok());
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        let authority = files.ca.unwrap();
        let (ca, key) = (read(&authority), read(&files.key));
        generate(&dir.path().join("new")).unwrap();
        assert_eq!((&read(&authority), &read(&files.key)), (&ca, &key));
        std::fs::remove_file(&authority).unwrap();
        generate(&dir.path().join("new")).unwrap();
        assert!(read(&authority) != ca && read(&files.key) != key);
        assert!(server_config(&files.cert, &files.key).is_ok());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&files.key).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let message = generate(Path::new("/dev/null/x")).unwrap_err().to_string();
        assert!(message.contains("cannot write /dev/null/x: "), "{message}");
    }
}
