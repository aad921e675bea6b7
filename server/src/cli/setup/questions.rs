//! What is asked, and in which words.

use std::io::{BufRead, Write};
use std::net::SocketAddr;

use anyhow::Context as _;
use entity::address::{Address, Scheme};
use entity::credential::has_credentials;
use entity::kind::Provider;

use crate::config::Environment;

/// No answer is longer.
const MOST_BYTES: usize = 4_096;

/// A repository to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    pub url: String,
    /// The environment variable that holds its token.
    pub token_name: Option<String>,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answers {
    pub repositories: Vec<Chosen>,
    pub branch_regex: Option<String>,
    pub listen: String,
    pub event_listener: Option<String>,
    /// Whether tokens are to be written into a file beside the configuration.
    pub keeps_tokens: bool,
}

impl Answers {
    /// The variables that hold tokens, each once.
    pub(super) fn token_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.repositories.iter().filter_map(|chosen| chosen.token_name.as_deref()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Questions and answers, line by line.
pub(super) struct Talk<R, W> {
    input: R,
    output: W,
}

impl<R: BufRead, W: Write> Talk<R, W> {
    pub(super) fn new(input: R, output: W) -> Self {
        Self { input, output }
    }

    fn say(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(writeln!(self.output, "{text}")?)
    }

    /// One line, or the default where it is empty.
    fn line(&mut self, question: &str, default: &str) -> anyhow::Result<String> {
        let shown = if default.is_empty() { String::new() } else { format!(" [{default}]") };
        write!(self.output, "{question}{shown}: ")?;
        self.output.flush()?;
        let mut line = String::new();
        let read = self.input.read_line(&mut line).context("the answer can't be read")?;
        anyhow::ensure!(read > 0, "the answers ended; nothing was written");
        anyhow::ensure!(read <= MOST_BYTES, "an answer of {read} bytes is too long; nothing was written");
        let line = line.trim();
        Ok(if line.is_empty() { default.to_owned() } else { line.to_owned() })
    }

    /// Asks until the answer can be used.
    fn ask<T>(&mut self, question: &str, default: &str, read: impl Fn(&str) -> Result<T, String>) -> anyhow::Result<T> {
        loop {
            match read(&self.line(question, default)?) {
                Ok(answer) => return Ok(answer),
                Err(why) => self.say(&format!("  {why}"))?,
            }
        }
    }

    fn yes(&mut self, question: &str, default: bool) -> anyhow::Result<bool> {
        self.ask(question, if default { "yes" } else { "no" }, |text| match text.to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(true),
            "n" | "no" => Ok(false),
            _ => Err("yes or no".to_owned()),
        })
    }
}

/// Asks what can't be found out.
pub(super) fn ask<R: BufRead, W: Write>(
    talk: &mut Talk<R, W>,
    remotes: &[String],
    environment: &Environment,
) -> anyhow::Result<Answers> {
    let mut urls = Vec::new();
    for remote in remotes {
        if talk.yes(&format!("Follow {remote}, a remote of the repository here?"), true)? {
            urls.push(remote.clone());
        }
    }
    talk.say("Further repositories, such as github.com/owner/name; an empty line ends.")?;
    while let Some(url) = talk.ask("Repository", "", address)? {
        if !urls.contains(&url) {
            urls.push(url);
        }
    }
    let repositories = tokens(talk, urls, environment)?;
    let branch_regex = talk.ask("Branches to watch, as a regular expression; - for none", ".*", |text| match text {
        "-" => Ok(None),
        pattern => triggers::BranchPattern::new(Some(pattern)).map(|_| Some(pattern.to_owned())),
    })?;
    let listen = talk.ask("Where to listen", "127.0.0.1:3000", |text| match text.parse::<SocketAddr>() {
        Ok(address) => Ok(address.to_string()),
        Err(_) => Err("an address with a port, such as 127.0.0.1:3000, or 0.0.0.0:3000 for all machines".to_owned()),
    })?;
    let event_listener = talk.ask("Tekton EventListener to tell of changes; - for none", "-", |text| match text {
        "-" => Ok(None),
        url => match url::Url::parse(url) {
            Ok(_) if has_credentials(url) => Err("credentials in a URL end up in logs".to_owned()),
            Ok(found) if matches!(found.scheme(), "http" | "https") => Ok(Some(url.to_owned())),
            _ => {
                Err("an http or https URL, such as http://el-reposentry-standard-eventlistener.reposentry-system:8080"
                    .to_owned())
            }
        },
    })?;
    let mut answers = Answers { repositories, branch_regex, listen, event_listener, keeps_tokens: false };
    let is_here = |name: &&str| environment.get(*name).is_some_and(|value| !value.is_empty());
    if answers.token_names().iter().any(is_here) {
        let question = "Write the tokens that are in the environment into .env, for you alone to read?";
        answers.keeps_tokens = talk.yes(question, false)?;
    }
    Ok(answers)
}

/// An address that a configuration may have; nothing for an empty line.
fn address(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    if has_credentials(text) {
        return Err("leave credentials out of the address; a variable with the token is asked for next".to_owned());
    }
    let found = Address::read_pasted(text).map_err(|error| format!("this is no address of a repository: {error}"))?;
    match found.scheme() {
        Scheme::Https | Scheme::Ssh => Ok(Some(found.to_string())),
        _ => Err("an https or ssh address, such as https://github.com/owner/name".to_owned()),
    }
}

/// Asks once for each host which variable holds its token.
fn tokens<R: BufRead, W: Write>(
    talk: &mut Talk<R, W>,
    urls: Vec<String>,
    environment: &Environment,
) -> anyhow::Result<Vec<Chosen>> {
    let mut known: Vec<(String, Option<String>)> = Vec::new();
    let mut chosen = Vec::new();
    for url in urls {
        let read = Address::read(&url).ok();
        let host = read.as_ref().map(|address| address.host().to_owned()).unwrap_or_default();
        let is_web = read.as_ref().is_some_and(|address| *address.scheme() == Scheme::Https);
        let token_name = match known.iter().find(|(other, _)| *other == host) {
            // A key opens what ssh leads to.
            _ if !is_web => None,
            Some((_, name)) => name.clone(),
            None => {
                let provider = read.map_or(Provider::Git, |address| address.provider());
                let default = found_token(&host, provider, environment).unwrap_or("-");
                let question = format!("Environment variable with a token for {host}; - for none");
                let name =
                    talk.ask(&question, default, |text| match text {
                        "-" => Ok(None),
                        name if is_name(name) => Ok(Some(name.to_owned())),
                        _ => Err("the variable's name: letters, digits and _, such as GITHUB_TOKEN; not the token"
                            .to_owned()),
                    })?;
                known.push((host, name.clone()));
                name
            }
        };
        chosen.push(Chosen { url, token_name });
    }
    Ok(chosen)
}

/// A variable that is set, and by its name holds the token of such a host.
fn found_token(host: &str, provider: Provider, environment: &Environment) -> Option<&'static str> {
    let names: &[&'static str] = match provider {
        Provider::Github if host == "github.com" => &["GITHUB_TOKEN", "GH_TOKEN"],
        Provider::Github => &["GHE_TOKEN", "GITHUB_TOKEN"],
        Provider::Gitlab => &["GITLAB_TOKEN"],
        Provider::Forgejo => &["FORGEJO_TOKEN", "GITEA_TOKEN"],
        Provider::Git => &["GIT_TOKEN"],
    };
    names.iter().copied().find(|name| environment.get(*name).is_some_and(|value| !value.is_empty()))
}

fn is_name(name: &str) -> bool {
    name.len() <= 100
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}
