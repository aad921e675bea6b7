//! A small forge and a client without opinions.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use standin::{Generator, Options, Repository, Standin, bare};
use tempfile::TempDir;

/// The stand-in over one bare repository of three commits.
pub struct Town {
    pub standin: Standin,
    pub http: reqwest::Client,
    pub folder: TempDir,
}

/// `count` generated repositories.
pub async fn town(count: usize) -> Town {
    town_with(count, |_| {}).await
}

pub async fn town_with(count: usize, change: impl FnOnce(&mut Options)) -> Town {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::with(repositories(count, bare_repository(&folder)));
    change(&mut options);
    let http = reqwest::Client::builder()
        .user_agent("kubestats-tests")
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    Town { standin: Standin::start(options).await.unwrap(), http, folder }
}

pub fn bare_repository(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("shared.git");
    bare::create(
        &path,
        &[
            &[("README.md", Some("# Cluster\n"))],
            &[("apps/web.yaml", Some("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n"))],
            &[("apps/web.yaml", Some("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata: {a: b}\n"))],
        ],
    )
    .unwrap();
    path
}

pub fn repositories(count: usize, git: PathBuf) -> Vec<Repository> {
    Generator::new(count, vec![git]).repositories()
}

pub struct Got {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Got {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Town {
    /// GETs with a token.
    pub async fn get(&self, url: &str, token: Option<&str>) -> Got {
        self.get_if(url, token, None).await
    }

    /// GETs unless the client knows it already.
    pub async fn get_if(&self, url: &str, token: Option<&str>, etag: Option<&str>) -> Got {
        let mut request = self.http.get(url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(etag) = etag {
            request = request.header("if-none-match", etag);
        }
        read(request.send().await.unwrap()).await
    }

    /// Asks GitHub's GraphQL.
    pub async fn graphql(&self, query: &str, variables: Value) -> Got {
        let body = serde_json::json!({"query": query, "variables": variables});
        let url = format!("{}/graphql", self.standin.github().url());
        let request = self.http.post(url).bearer_auth(standin::TOKEN).body(body.to_string());
        read(request.header("content-type", "application/json").send().await.unwrap()).await
    }
}

pub async fn read(response: reqwest::Response) -> Got {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    Got { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

/// Runs the git program as a user without configuration does; its output, or what it complained of.
pub async fn git(arguments: &[&str]) -> Result<String, String> {
    let arguments: Vec<String> = arguments.iter().map(|one| (*one).to_owned()).collect();
    tokio::task::spawn_blocking(move || {
        let output = Command::new("git")
            .args(&arguments)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0")
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    })
    .await
    .unwrap()
}
