//! What jobs are done with.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context as _;
use auth::seal::Keys;
use net::AddressGuard;
use store::db::Db;
use store::queue::JobQueue;

use crate::config::{Config, ConfiguredTrigger, RepositoryConfig};
use crate::forges::{Forges, guard};
use crate::jobs::Deps;
use crate::mail::Mailer;
use crate::replay::{BatchLimits, KeptUses};
use crate::watching::Secrets;

/// What job handlers work with; without keys no mail is sent, and no token used that was entered.
///
/// # Errors
/// If mails can't be sent as configured, or the system has no certificates.
pub fn deps(config: &Config, db: &Db, queue: &JobQueue, keys: Option<&Keys>) -> anyhow::Result<Deps> {
    let token = |repository: &RepositoryConfig| Some((repository.url.clone(), repository.token.clone()?));
    let named = config.repositories.iter().filter(|repository| !repository.scan_branches.is_empty());
    let branches = |repository: &RepositoryConfig| (repository.url.clone(), repository.scan_branches.clone());
    let mailer = match (&config.mail, &config.server.public_url, keys) {
        (Some(mail), Some(url), Some(keys)) => Some(Arc::new(Mailer::new(mail, url, keys.clone())?)),
        _ => None,
    };
    Ok(Deps {
        db: db.clone(),
        queue: queue.clone(),
        scan: config.scan.clone(),
        mask: config.security.mask_rules(),
        chart_sources: Arc::clone(&config.charts.known),
        polling: config.polling.clone(),
        schedules: config.schedules.clone(),
        watching: config.watching.clone(),
        time_zone: config.app.time_zone,
        audit_retention: config.accounts.audit_retention,
        max_disk_bytes: config.app.max_disk_mb.map(|megabytes| megabytes * 1_000_000),
        shares_work: config.storage.engine == "postgres",
        data_dir: config.app.data_dir.clone(),
        secrets: keys.map(|keys| Secrets::new(db, keys)),
        tokens: Arc::new(config.repositories.iter().filter_map(token).collect::<HashMap<_, _>>()),
        scan_branches: Arc::new(named.map(branches).collect::<HashMap<_, _>>()),
        allow_local: config.security.allow_local_repositories,
        discovery: config.discovery.clone(),
        forges: Arc::new(Forges::new(config, db, keys)),
        targets: client(guard(config))?,
        configured_targets: configured_targets(config)?,
        mailer,
        batches: BatchLimits::default(),
        kept_uses: KeptUses::default(),
    })
}

/// What is sent to targets of the configuration's triggers goes through this.
pub(crate) fn configured_targets(config: &Config) -> anyhow::Result<triggers::Client> {
    client(target_guard(config))
}

fn client(guard: AddressGuard) -> anyhow::Result<triggers::Client> {
    // The one reason that there is: HTTPS trusts whom the system trusts, and no more.
    let lacks =
        "no HTTP client can be had; HTTPS needs the certificates that the system trusts (Debian: ca-certificates)";
    triggers::Client::new(Arc::new(guard)).context(lacks)
}

/// Which addresses targets of the configuration's triggers may have: those of the configuration's triggers are where its author wants them.
fn target_guard(config: &Config) -> AddressGuard {
    let written = config.triggers.iter().filter_map(ConfiguredTrigger::url);
    written.fold(guard(config), |guard, url| guard.trusting_host_of(&url))
}
