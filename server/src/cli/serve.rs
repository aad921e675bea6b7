use std::net::SocketAddr;

use crate::config::Config;
use crate::start::Role;
use crate::{start, telemetry};

pub(super) fn run(mut config: Config, role: Role, listen: Option<SocketAddr>) -> anyhow::Result<()> {
    // A worker serves nobody unless it is told to.
    let listens = role != Role::Worker || listen.is_some();
    if let Some(listen) = listen {
        config.app.listen = listen;
    }
    let _telemetry = telemetry::start(&config.app, &config.telemetry)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(start::run(config, role, listens))
}
