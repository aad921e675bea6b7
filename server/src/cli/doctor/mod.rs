//! `kubestats doctor`: looks at what may be wrong, changes nothing, and says what to do.

mod backups;
mod configuration;
mod database;
mod disk;
mod forges;
mod listeners;
mod mail;
mod remotes;
mod report;

use std::path::Path;
use std::time::Duration;

pub(super) use self::report::{Report, State};
use super::{DoctorArgs, environment};
use crate::config::{Config, load};

/// What does not answer by then is told to be away.
const WITHIN: Duration = Duration::from_secs(10);

pub(super) fn run(file: Option<&Path>, args: &DoctorArgs) -> anyhow::Result<()> {
    let mut report = Report::default();
    match load(file, environment()) {
        Err(errors) => configuration::report_errors(&mut report, &errors),
        Ok(config) => {
            configuration::look(&mut report, file, &config);
            disk::look(&mut report, &config);
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            runtime.block_on(async {
                let entered = database::look(&mut report, &config).await;
                forges::look(&mut report, &config, entered, args.offline).await;
                mail::look(&mut report, &config, args.offline).await;
            });
            backups::look(&mut report, &config, args.backups.as_deref());
        }
    }
    report.write(args.format)?;
    let failed = report.count(State::Fail);
    anyhow::ensure!(failed == 0, "{failed} of {} things that were looked at are wrong", report.len());
    Ok(())
}

/// Asks everything that a configuration names whether it answers; each has so long for it.
pub(super) fn look_at_connections(report: &mut Report, config: &Config) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let entered = database::look(report, config).await;
        forges::look(report, config, entered, false).await;
        remotes::look(report, config).await;
        listeners::look(report, config).await;
        mail::look(report, config, false).await;
    });
    Ok(())
}
