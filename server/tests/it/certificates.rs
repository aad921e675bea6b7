//! Whom the program speaks to by TLS: those whose certificate is for the name that was asked for, counts now, and is vouched for by
//! somebody whom this machine trusts. Whoever else answers is told nothing: no request, no token, no mail.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd};
use reqwest::{StatusCode, redirect::Policy};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use crate::support::{Program, address_in};

/// Something hangs that takes longer.
const PATIENCE: Duration = Duration::from_mins(1);
const FORGE_TOKEN: &str = "token-of-the-forge";
const MAIL_PASSWORD: &str = "password-of-the-mail";

/// What is shown by whom the program asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Good,
    /// Nobody vouches for it.
    Own,
    Expired,
    NotYet,
    ForAnother,
}

impl Shown {
    const ALL: [Self; 5] = [Self::Good, Self::Own, Self::Expired, Self::NotYet, Self::ForAnother];

    const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Own => "own",
            Self::Expired => "expired",
            Self::NotYet => "not-yet",
            Self::ForAnother => "for-another",
        }
    }
}

/// Whom the program's machine trusts, and nobody else.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, "the authority of a test");
        let key = KeyPair::generate().unwrap();
        Self { pem: params.self_signed(&key).unwrap().pem(), issuer: Issuer::new(params, key) }
    }

    fn shows(&self, shown: Shown) -> ServerConfig {
        let name = if shown == Shown::ForAnother { "elsewhere.example" } else { "localhost" };
        let (from, to) = match shown {
            Shown::Expired => (2020, 2021),
            Shown::NotYet => (2090, 2091),
            Shown::Good | Shown::Own | Shown::ForAnother => (2020, 2090),
        };
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let key = KeyPair::generate().unwrap();
        let cert = match shown {
            Shown::Own => params.self_signed(&key).unwrap(),
            _ => params.signed_by(&key, &self.issuer).unwrap(),
        };
        let secret = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        config.with_single_cert(vec![cert.der().clone()], secret).unwrap()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaks {
    Http,
    Smtp,
}

#[derive(Default)]
struct Heard {
    connections: usize,
    /// Everything that was said once the connection was encrypted.
    said: String,
}

/// Somebody whom the program asks; listens as long as the test runs.
struct Server {
    port: u16,
    heard: Arc<Mutex<Heard>>,
}

impl Server {
    async fn start(config: ServerConfig, speaks: Speaks) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::<Mutex<Heard>>::default();
        let (acceptor, all) = (TlsAcceptor::from(Arc::new(config)), Arc::clone(&heard));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                all.lock().unwrap().connections += 1;
                tokio::spawn(attend(acceptor.clone(), stream, speaks, Arc::clone(&all)));
            }
        });
        Self { port, heard }
    }

    fn said(&self) -> String {
        self.heard.lock().unwrap().said.clone()
    }

    /// Somebody came, and left without a word.
    fn was_left_without_a_word(&self) -> bool {
        let heard = self.heard.lock().unwrap();
        heard.connections > 0 && heard.said.is_empty()
    }
}

async fn attend(acceptor: TlsAcceptor, stream: TcpStream, speaks: Speaks, heard: Arc<Mutex<Heard>>) {
    // Who does not like the certificate ends it here.
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    if speaks == Speaks::Smtp && stream.write_all(b"220 localhost\r\n").await.is_err() {
        return;
    }
    let (mut piece, mut told) = ([0; 4096], String::new());
    while let Ok(read @ 1..) = stream.read(&mut piece).await {
        let text = String::from_utf8_lossy(&piece[..read]);
        heard.lock().unwrap().said.push_str(&text);
        told.push_str(&text);
        let (answer, is_last) = match speaks {
            Speaks::Http if !told.contains("\r\n\r\n") => continue,
            Speaks::Http => {
                ("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", true)
            }
            Speaks::Smtp if text.starts_with("EHLO") => ("250-localhost\r\n250 AUTH PLAIN\r\n", false),
            Speaks::Smtp if text.starts_with("AUTH") => ("235 yes\r\n", false),
            Speaks::Smtp if text.starts_with("QUIT") => ("221 bye\r\n", true),
            Speaks::Smtp => ("250 yes\r\n", false),
        };
        if stream.write_all(answer.as_bytes()).await.is_err() || is_last {
            break;
        }
    }
    let _ = stream.shutdown().await;
}

/// The program in a folder, on a machine that trusts the authority alone and asks nobody through a proxy.
fn program(folder: &Path, authority: &Authority, arguments: &[&str]) -> Command {
    let trusted = folder.join("authority.pem");
    fs::write(&trusted, &authority.pem).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_kubestats"));
    for name in ["SSL_CERT_DIR", "DATABASE_URL", "GITHUB_TOKEN", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
    {
        program.env_remove(name);
    }
    program.env("SSL_CERT_FILE", trusted).env("FORGE_TOKEN", FORGE_TOKEN).env("GIT_TOKEN", "token-of-git");
    program.env("KUBESTATS_MAIL_SMTP_PASSWORD", MAIL_PASSWORD).env("NO_COLOR", "1");
    program.args(arguments).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    program
}

#[tokio::test(flavor = "multi_thread")]
async fn forges_remotes_receivers_and_mail_are_told_nothing_where_their_certificate_does_not_hold() {
    let authority = Authority::new();
    for shown in Shown::ALL {
        let web = Server::start(authority.shows(shown), Speaks::Http).await;
        let mail = Server::start(authority.shows(shown), Speaks::Smtp).await;
        let folder = tempfile::tempdir().unwrap();
        let at = format!("https://localhost:{}", web.port);
        let config = format!(
            "server: {{public_url: 'https://kubestats.example.org'}}\n\
             discovery: {{forges: [{{url: '{at}', provider: forgejo, token: '${{FORGE_TOKEN}}'}}]}}\n\
             repositories: [{{url: '{at}/ada/home', token: '${{GIT_TOKEN}}'}}]\n\
             triggers: [{{name: deploy, target: {{flux: {{url: '{at}/hook'}}}}}}]\n\
             mail:\n  smtp: {{host: localhost, port: {}, encryption: tls, username: kubestats}}\n  from: k@example.org\n",
            mail.port
        );
        fs::write(folder.path().join("kubestats.yaml"), config).unwrap();
        let arguments = ["config", "validate", "--check-connections", "--format", "json"];
        let mut program = program(folder.path(), &authority, &arguments);
        let output = tokio::task::spawn_blocking(move || program.output().unwrap()).await.unwrap();
        let told: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        assert_eq!(told["valid"], true, "{told}");
        for part in ["forges", "remotes", "listeners", "mail"] {
            let check = told["checks"].as_array().unwrap().iter().find(|check| check["part"] == part).unwrap();
            let of_certificate = check["message"].as_str().unwrap().contains("certificate");
            assert_eq!(of_certificate, shown != Shown::Good, "{shown:?}: {check}");
            assert!(shown == Shown::Good || check["state"] == "fail", "{shown:?}: {check}");
        }
        if shown == Shown::Good {
            let (said, mailed) = (web.said(), mail.said());
            assert!(said.contains(FORGE_TOKEN) && said.contains("/ada/home") && said.contains("/hook"), "{said}");
            assert!(mailed.contains("AUTH PLAIN "), "{mailed}");
        } else {
            assert!(web.was_left_without_a_word(), "{shown:?}: {}", web.said());
            assert!(mail.was_left_without_a_word(), "{shown:?}: {}", mail.said());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn issuers_are_told_nothing_where_their_certificate_does_not_hold() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let mut servers = Vec::new();
    let mut issuers = String::new();
    for shown in Shown::ALL {
        let server = Server::start(authority.shows(shown), Speaks::Http).await;
        let (id, port) = (shown.word(), server.port);
        issuers.push_str(&format!("    - {{id: {id}, issuer: 'https://localhost:{port}', client_id: kubestats}}\n"));
        servers.push((shown, server));
    }
    let config = format!(
        "app: {{data_dir: {}, listen: '127.0.0.1:0', samples: never, log_format: text}}\n\
         server: {{public_url: 'https://kubestats.example.org'}}\n\
         discovery: {{enabled: false}}\naccounts:\n  oidc:\n{issuers}",
        folder.path().join("data").display()
    );
    fs::write(folder.path().join("kubestats.yaml"), config).unwrap();
    let log = folder.path().join("log");
    let mut program = program(folder.path(), &authority, &["serve"]);
    program.env_remove("KUBESTATS_MAIL_SMTP_PASSWORD").stdout(Stdio::null()).stderr(fs::File::create(&log).unwrap());
    let _served = Program(program.spawn().unwrap());
    let log = || fs::read_to_string(&log).unwrap();
    let address = address_in(&log).await;
    let client = reqwest::Client::builder().no_proxy().redirect(Policy::none()).timeout(PATIENCE).build().unwrap();
    for (shown, server) in &servers {
        let answer = client.get(format!("http://{address}/auth/{}", shown.word())).send().await.unwrap();
        let place = answer.headers()["location"].to_str().unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{shown:?}");
        assert!(place.starts_with("/sign-in?elsewhere=away"), "{shown:?}: {place}");
        match shown {
            Shown::Good => assert!(server.said().contains("/.well-known/openid-configuration"), "{}", server.said()),
            _ => assert!(server.was_left_without_a_word(), "{shown:?}: {}", server.said()),
        }
    }
    let log = log();
    let refused = log.lines().filter(|line| line.contains("a sign-in elsewhere can't begin"));
    assert_eq!(refused.filter(|line| line.contains("certificate")).count(), Shown::ALL.len() - 1, "{log}");
}
