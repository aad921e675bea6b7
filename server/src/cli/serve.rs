use std::path::PathBuf;

use super::ServeArgs;
use crate::config::{Environment, load};
use crate::start::Role;
use crate::{start, telemetry};

/// Serves by a configuration that is read again when it changes, with the same environment.
pub(super) fn run(file: Option<PathBuf>, environment: Environment, args: &ServeArgs) -> anyhow::Result<()> {
    let mut config = load(file.as_deref(), environment.clone())?;
    let ServeArgs { role, listen } = *args;
    // A worker serves nobody unless it is told to.
    let listens = role != Role::Worker || listen.is_some();
    if let Some(listen) = listen {
        config.app.listen = listen;
    }
    let telemetry = telemetry::start(&config.app, &config.telemetry)?;
    let source = start::Source { file, environment, listen };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(start::run(config, source, telemetry.log_level(), role, listens))
}
