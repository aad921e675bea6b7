//! The stand-in forge as a program: serves repositories of this machine as GitHub, GitLab, Forgejo and plain git.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Parser;
use standin::{Generator, Kind, Limits, Options, Standin, TOKEN, load};
use tokio::signal::unix::{SignalKind, signal};

/// A forge to test against, with faults on demand.
#[derive(Debug, Parser)]
#[command(name = "standin")]
struct Arguments {
    /// A folder of bare repositories, or of folders of them, named after their owners.
    #[arg(long, value_name = "FOLDER")]
    repositories: PathBuf,
    /// So many generated repositories more, which share those of the folder on disk.
    #[arg(long, default_value_t = 0, value_name = "N")]
    generate: usize,
    /// None of the generated ones is a fork: GitHub's search leaves forks out.
    #[arg(long)]
    no_forks: bool,
    /// The first of four ports in a row: GitHub, GitLab, Forgejo, plain git. 0 takes any that are free.
    #[arg(long, default_value_t = 4100)]
    port: u16,
    /// Quotas that are never reached, instead of the forges' own.
    #[arg(long)]
    generous: bool,
    /// An ETag on GitHub's search answers, which github.com does not send.
    #[arg(long)]
    search_etags: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let scratch = tempfile::Builder::new().prefix("kubestats-standin-").tempdir()?;
    let folder = &arguments.repositories;
    let mut repositories = load::folder(folder, scratch.path())
        .with_context(|| format!("repositories cannot be read from {}", folder.display()))?;
    ensure!(!repositories.is_empty(), "no bare repository is in {}", folder.display());
    let git: Vec<PathBuf> = repositories.iter().map(|one| one.git.clone()).collect();
    let mut generated = Generator::new(arguments.generate, git).repositories();
    if arguments.no_forks {
        generated.iter_mut().for_each(|repository| repository.fork = false);
    }
    repositories.extend(generated);
    let count = repositories.len();
    let mut options = Options::with(repositories);
    if arguments.port > 0 {
        options.ports = [0, 1, 2, 3].map(|place| arguments.port.saturating_add(place));
    }
    options.search_etags = arguments.search_etags;
    if arguments.generous {
        options.limits = Limits::generous();
    }
    let standin = Standin::start(options).await.context("the ports cannot be taken; --port N names others")?;
    tell(&standin, count)?;
    let mut ended = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = ended.recv() => {}
    }
    Ok(())
}

/// Where everything is, and a configuration that leads Kubestats there.
fn tell(standin: &Standin, count: usize) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{count} repositories; a good token is {TOKEN}\n")?;
    for kind in Kind::ALL {
        let url = standin.forge(kind).url();
        writeln!(out, "  {:10} {url}   faults and requests: {url}/_control", kind.name())?;
    }
    writeln!(out, "\nA kubestats.yaml that finds them on the first (Ctrl-C ends the forges):\n")?;
    writeln!(out, "security:\n  allowed_networks: [127.0.0.0/8]\ndiscovery:\n  max_age: 36500d\n  forges:")?;
    for (kind, provider, before) in
        [(Kind::GitHub, "github", ""), (Kind::GitLab, "gitlab", "# "), (Kind::Forgejo, "forgejo", "# ")]
    {
        let url = standin.forge(kind).url();
        writeln!(out, "    {before}- {{url: \"{url}\", provider: {provider}, token: {TOKEN}}}")?;
    }
    out.flush()
}
