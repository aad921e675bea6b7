use std::path::{Path, PathBuf};

use anyhow::Context as _;
use entity::address::{name_of, provider_of};
use entity::credential::has_credentials;
use entity::input::FoundRepository;
use entity::kind::{JobRequest, Origin};
use store::queue::JobQueue;
use store::repositories;

use super::HistoryArgs;
use crate::config::{self, Config};
use crate::jobs::{self, JobContext};
use crate::{clock, start};

/// Syncs and scans one repository into a database, as the server's jobs do; begun work is gone on with.
#[expect(clippy::print_stdout, reason = "the answer of a command")]
pub(super) async fn run(args: &HistoryArgs, database: &str) -> anyhow::Result<()> {
    let local = Path::new(&args.source).exists();
    anyhow::ensure!(
        local || !has_credentials(&args.source),
        "the address carries credentials, which are not stored; leave them out and set KUBESTATS_GIT_TOKEN, or name the \
         repository in the configuration with its token"
    );
    let config = config_for(database, args.threads)?;
    let db = start::connect(&config).await?;
    start::migrate(&db).await?;
    repositories::reset_interrupted(&db.write).await?;
    let url = if local { std::path::absolute(&args.source)?.display().to_string() } else { args.source.clone() };
    let full_name = name_of(&url);
    let (owner, name) = full_name.rsplit_once('/').unwrap_or(("", &full_name));
    let repository = FoundRepository {
        owner: owner.to_owned(),
        name: name.to_owned(),
        full_name: full_name.clone(),
        description: None,
        provider: provider_of(&url),
        origin: Origin::Added,
        web_url: None,
        enabled: true,
        branch_regex: None,
        polling_interval_seconds: None,
        topics: Vec::new(),
        url,
    };
    let stored = repositories::upsert_repositories(&db.write, &[repository], clock::now()).await?;
    let repository_id = stored.first().context("the repository was not stored")?.0;
    let deps = start::deps(&config, &db, &JobQueue::new(db.clone()), None)?;
    for request in [JobRequest::SyncRepository { repository_id }, JobRequest::ScanRepository { repository_id }] {
        let context = JobContext::new(uuid::Uuid::now_v7());
        println!("{}: {}", request.kind(), jobs::handle(&deps, &context, &request).await?);
    }
    db.close().await?;
    Ok(())
}

/// The database that was asked for; the clone is kept beside a SQLite file, else in `./data`.
fn config_for(database: &str, threads: usize) -> anyhow::Result<Config> {
    let environment = [("DATABASE_URL".to_owned(), database.to_owned())].into();
    let mut config = config::parse(Path::new("the command line"), "", environment)?;
    if config.storage.engine == "sqlite" {
        let folder = config.sqlite_path().parent().map(Path::to_owned).unwrap_or_default();
        config.app.data_dir = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
    }
    config.security.allow_local_repositories = true;
    config.scan.threads = threads;
    Ok(config)
}
