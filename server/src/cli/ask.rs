//! Asks a running server, as any program may.

use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use reqwest::blocking::Client;
use serde_json::Value;
use url::Url;

use super::environment;
use crate::config::{Secret, is_this_machine, load};

/// A server that does not answer by then is away.
const WITHIN: Duration = Duration::from_secs(10);
/// No answer of these routes is longer.
const MOST_BYTES: u64 = 16 << 20;
/// Where who asks may say who they are.
const TOKEN: &str = "KUBESTATS_TOKEN";

/// Where the server is.
#[derive(Args)]
pub struct ServerArgs {
    /// Name, address or URL of the server [default: where app.listen says]
    #[arg(long)]
    host: Option<String>,
    /// Its port [default: that of app.listen]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
}

/// A server to ask.
pub(super) struct Server {
    client: Client,
    base: Url,
    token: Option<Secret>,
}

/// What a server answered.
pub(super) struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Server {
    /// The server that the arguments name, else the one that the configuration is for.
    pub(super) fn find(args: &ServerArgs, file: Option<&Path>) -> anyhow::Result<Self> {
        let base = base(args, file)?;
        let builder = Client::builder().timeout(WITHIN).redirect(reqwest::redirect::Policy::none());
        // What leads to this machine leads through no proxy.
        let client = if base.host_str().is_none_or(is_this_machine) { builder.no_proxy() } else { builder }
            .build()
            .context("no HTTP client can be had")?;
        let token = std::env::var(TOKEN).ok().filter(|token| !token.is_empty()).map(Secret::new);
        Ok(Self { client, base, token })
    }

    /// Where it is, for people.
    pub(super) fn place(&self) -> String {
        self.base.as_str().trim_end_matches('/').to_owned()
    }

    /// Asks for what is at a path, given in its parts, with these names and values behind it.
    pub(super) fn get(&self, path: &[&str], query: &[(&str, u64)]) -> anyhow::Result<Answer> {
        let mut url = self.base.clone();
        url.path_segments_mut().ok().context("the server's address takes no path")?.pop_if_empty().extend(path);
        for (name, value) in query {
            url.query_pairs_mut().append_pair(name, &value.to_string());
        }
        let mut request = self.client.get(url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        let place = self.place();
        let response = request.send().map_err(|error| {
            let why = std::iter::successors(std::error::Error::source(&error), |cause| cause.source()).last();
            let why = why.map_or_else(|| error.to_string(), ToString::to_string);
            anyhow::anyhow!("{place} does not answer: {why}; --host and --port say where the server is")
        })?;
        let status = response.status().as_u16();
        let mut bytes = Vec::new();
        response.take(MOST_BYTES).read_to_end(&mut bytes).with_context(|| format!("{place} broke off its answer"))?;
        if status == 401 {
            anyhow::bail!("{place} wants to know who asks: give a token in {TOKEN} (kubestats token create)");
        }
        let body = serde_json::from_slice(&bytes)
            .with_context(|| format!("{place} answers {status} and no JSON: is it a Kubestats?"))?;
        Ok(Answer { status, body })
    }

    /// The `data` of an answer that went well.
    pub(super) fn data(&self, path: &[&str], query: &[(&str, u64)]) -> anyhow::Result<Value> {
        let Answer { status, mut body } = self.get(path, query)?;
        if status != 200 {
            let why = body["error"].as_str().or_else(|| body["detail"].as_str()).unwrap_or("and says no reason");
            anyhow::bail!("{} answers {status}: {}", self.place(), shown(why));
        }
        Ok(body["data"].take())
    }
}

fn base(args: &ServerArgs, file: Option<&Path>) -> anyhow::Result<Url> {
    // Who says where it is needs no configuration to be there, or to be right.
    let (listen, scheme) = match (&args.host, args.port) {
        (Some(_), Some(_)) => (SocketAddr::from((Ipv4Addr::LOCALHOST, 3000)), "http"),
        _ => {
            let config = load(file, environment())?;
            (config.app.listen, if config.server.tls.is_some() { "https" } else { "http" })
        }
    };
    let port = args.port.unwrap_or(listen.port());
    let address = match &args.host {
        Some(url) if url.contains("://") => {
            let mut url = Url::parse(url).with_context(|| format!("--host {url} is no address"))?;
            anyhow::ensure!(matches!(url.scheme(), "http" | "https"), "--host {url} is no http or https address");
            if let Some(port) = args.port {
                url.set_port(Some(port)).ok().context("--host takes no port")?;
            }
            return Ok(url);
        }
        Some(name) if name.parse::<Ipv6Addr>().is_ok() => format!("{scheme}://[{name}]:{port}"),
        Some(name) => format!("{scheme}://{name}:{port}"),
        None => {
            // What listens everywhere listens here.
            let address = match listen.ip() {
                address if !address.is_unspecified() => address,
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            };
            format!("{scheme}://{}", SocketAddr::new(address, port))
        }
    };
    Url::parse(&address).with_context(|| format!("{address} is no address"))
}

/// Text of a server, which may not paint on a terminal.
pub(super) fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_found_by_what_is_said_and_where_they_listen() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kubestats.yaml");
        let found = |config: &str, host: Option<&str>, port| {
            std::fs::write(&file, config).unwrap();
            base(&ServerArgs { host: host.map(str::to_owned), port }, Some(&file)).unwrap().to_string()
        };
        assert_eq!(found("", None, None), "http://127.0.0.1:3000/");
        assert_eq!(found("app: {listen: '0.0.0.0:8080'}", None, None), "http://127.0.0.1:8080/");
        assert_eq!(found("app: {listen: '[::]:8080'}", None, None), "http://[::1]:8080/");
        assert_eq!(found("app: {listen: '10.0.0.7:8080'}", None, Some(81)), "http://10.0.0.7:81/");
        assert_eq!(found("", Some("stats.lan"), None), "http://stats.lan:3000/");
        // A configuration that can't be read is not in the way of who says all of it.
        assert_eq!(found("a: [", Some("::1"), Some(8080)), "http://[::1]:8080/");
        assert_eq!(found("", Some("https://stats.example.org/a"), None), "https://stats.example.org/a");
        assert!(base(&ServerArgs { host: Some("ftp://x".to_owned()), port: Some(1) }, None).is_err());
    }
}
