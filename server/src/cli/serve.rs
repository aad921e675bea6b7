use std::net::SocketAddr;
use std::path::PathBuf;

use super::environment;
use crate::config::Config;
use crate::start::Role;
use crate::{start, telemetry};

pub(super) fn run(
    mut config: Config,
    file: Option<PathBuf>,
    role: Role,
    listen: Option<SocketAddr>,
) -> anyhow::Result<()> {
    // A worker serves nobody unless it is told to.
    let listens = role != Role::Worker || listen.is_some();
    if let Some(listen) = listen {
        config.app.listen = listen;
    }
    let telemetry = telemetry::start(&config.app, &config.telemetry)?;
    let source = start::Source { file, environment: environment(), listen };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(start::run(config, source, telemetry.log_level(), role, listens))
}
