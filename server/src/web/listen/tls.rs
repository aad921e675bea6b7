//! The certificate that connections are encrypted with: read at start, and again when its files change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use std::io::Read as _;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_util::sync::CancellationToken;

/// How often the files are looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(3);
/// A chain of certificates is small; a larger file is a mistake.
const MAX_BYTES: u64 = 1 << 20;

/// Why connections cannot be encrypted.
#[derive(Debug, thiserror::Error)]
#[error("server.tls.{key} {}: {reason}", file.display())]
pub struct TlsError {
    /// `cert` or `key`.
    key: &'static str,
    file: PathBuf,
    reason: String,
}

/// A certificate that renews itself.
#[derive(Debug)]
pub struct Tls {
    cert: PathBuf,
    key: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    config: Arc<ServerConfig>,
    /// What was read when this configuration was made.
    used: blake3::Hash,
    /// Files that could not be used, and whether that was said.
    refused: Option<(blake3::Hash, bool)>,
}

impl Tls {
    /// Reads the two PEM files.
    ///
    /// # Errors
    /// If one cannot be read or used; names it and why.
    pub fn open(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let (chain, secret) = (read("cert", cert)?, read("key", key)?);
        let config = configure(cert, key, &chain, &secret)?;
        let state = State { config, used: fingerprint(&chain, &secret), refused: None };
        Ok(Self { cert: cert.to_owned(), key: key.to_owned(), state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Encrypts with the newest certificate that could be used.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.state().config))
    }

    /// Takes over what is new in the files; what cannot be used leaves all as it is.
    fn refresh(&self) {
        let read = read("cert", &self.cert).and_then(|chain| Ok((chain, read("key", &self.key)?)));
        let (found, made) = match read {
            Ok((chain, secret)) => {
                let found = fingerprint(&chain, &secret);
                if found == self.state().used {
                    self.state().refused = None;
                    return;
                }
                (found, configure(&self.cert, &self.key, &chain, &secret))
            }
            Err(error) => (blake3::hash(error.to_string().as_bytes()), Err(error)),
        };
        let mut state = self.state();
        match made {
            Ok(config) => {
                *state = State { config, used: found, refused: None };
                tracing::info!(cert = %self.cert.display(), "the certificate was renewed");
            }
            // Two files are not replaced in one moment: what is wrong still when they are looked at again is told, once.
            Err(error) => match state.refused {
                Some((refused, false)) if refused == found => {
                    state.refused = Some((found, true));
                    tracing::error!(%error, "the renewed certificate cannot be used; the one before stays in use");
                }
                Some((refused, true)) if refused == found => {}
                _ => state.refused = Some((found, false)),
            },
        }
    }

    /// Looks at the files every few seconds until it is told to stop.
    pub(super) async fn follow(self: Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(LOOK_AGAIN)).await.is_some() {
            let tls = Arc::clone(&self);
            // A panic in there is in the log already.
            let _ = tokio::task::spawn_blocking(move || tls.refresh()).await;
        }
    }
}

fn read(key: &'static str, file: &Path) -> Result<Vec<u8>, TlsError> {
    let wrong = |reason: String| TlsError { key, file: file.to_owned(), reason };
    let opened = std::fs::File::open(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let mut bytes = Vec::new();
    opened.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    match bytes.len() as u64 {
        0..=MAX_BYTES => Ok(bytes),
        _ => Err(wrong(format!("is larger than {MAX_BYTES} bytes"))),
    }
}

fn fingerprint(chain: &[u8], secret: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(chain.len() as u64).to_le_bytes());
    hasher.update(chain).update(secret);
    hasher.finalize()
}

fn configure(cert: &Path, key: &Path, chain: &[u8], secret: &[u8]) -> Result<Arc<ServerConfig>, TlsError> {
    let cert = |reason: String| TlsError { key: "cert", file: cert.to_owned(), reason };
    let key = |reason: String| TlsError { key: "key", file: key.to_owned(), reason };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|error| cert(format!("is no PEM file of certificates: {error}")))?;
    if chain.is_empty() {
        return Err(cert("holds no certificate in PEM (-----BEGIN CERTIFICATE-----)".to_owned()));
    }
    // What the file holds is not told: it may be any file, with any secret.
    let secret = PrivateKeyDer::from_pem_slice(secret)
        .map_err(|_| key("holds no private key in PEM without a password (-----BEGIN PRIVATE KEY-----)".to_owned()))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| cert(error.to_string()))?;
    let made = builder.with_no_client_auth().with_single_cert(chain, secret);
    let mut config = made.map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => key("is not the key of the certificate".to_owned()),
        rustls::Error::General(reason) => key(format!("cannot be used: {reason}")),
        error => cert(format!("cannot be used: {error}")),
    })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with a certificate and its key, written over with another.
    fn write(folder: &Path) -> (PathBuf, PathBuf) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (cert, key) = (folder.join("tls.crt"), folder.join("tls.key"));
        std::fs::write(&cert, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        (cert, key)
    }

    #[test]
    fn what_cannot_be_used_is_told_with_key_file_and_reason_and_never_with_what_it_holds() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (cert, key) = write(folder.path());
        let (_, foreign) = write(other.path());
        assert!(Tls::open(&cert, &key).is_ok());
        let none = folder.path().join("none.pem");
        let secret = folder.path().join("secret.pem");
        std::fs::write(&secret, "hunter2").unwrap();
        let (large, broken) = (folder.path().join("large.pem"), folder.path().join("broken.pem"));
        std::fs::write(&large, vec![b'x'; 2 << 20]).unwrap();
        std::fs::write(&broken, "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n").unwrap();
        for (cert, key, told) in [
            (&none, &key, "server.tls.cert "),
            (&none, &key, "cannot be read"),
            (&cert, &none, "server.tls.key "),
            (&secret, &key, "holds no certificate"),
            (&key, &key, "holds no certificate"),
            (&broken, &key, "server.tls.cert "),
            (&cert, &secret, "holds no private key"),
            (&cert, &cert, "holds no private key"),
            (&cert, &foreign, "is not the key of the certificate"),
            (&large, &key, "is larger than"),
        ] {
            let error = Tls::open(cert, key).unwrap_err().to_string();
            assert!(error.contains(told) && error.contains(".pem") | error.contains("tls."), "{told}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_renewal_is_taken_over_once_it_is_whole_and_a_broken_one_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = write(folder.path());
        let tls = Tls::open(&cert, &key).unwrap();
        let first = Arc::clone(&tls.state().config);
        tls.refresh();
        assert!(Arc::ptr_eq(&first, &tls.state().config), "nothing is new");
        // The certificate is there, its key not yet.
        let old_key = std::fs::read(&key).unwrap();
        write(folder.path());
        let new_key = std::fs::read(&key).unwrap();
        std::fs::write(&key, old_key).unwrap();
        tls.refresh();
        assert!(Arc::ptr_eq(&first, &tls.state().config));
        assert_eq!(tls.state().refused.map(|(_, said)| said), Some(false));
        tls.refresh();
        assert_eq!(tls.state().refused.map(|(_, said)| said), Some(true), "still wrong: said");
        std::fs::write(&key, new_key).unwrap();
        tls.refresh();
        let second = Arc::clone(&tls.state().config);
        assert!(!Arc::ptr_eq(&first, &second) && tls.state().refused.is_none());
        std::fs::remove_file(&cert).unwrap();
        tls.refresh();
        assert!(Arc::ptr_eq(&second, &tls.state().config));
    }
}
