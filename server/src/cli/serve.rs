use crate::config::Config;
use crate::program::Role;
use crate::{program, telemetry};

pub(super) fn run(config: Config, role: Role) -> anyhow::Result<()> {
    telemetry::start(&config.app)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(program::run(config, role))
}
