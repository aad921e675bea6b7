use anyhow::Context as _;
use migration::{Migrator, MigratorTrait as _};

use super::MigrateCommand;
use super::table::Table;
use crate::config::Config;
use crate::start;

pub(super) fn run(config: Config, command: &MigrateCommand) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(migrate(config, command))
}

#[expect(clippy::print_stdout, reason = "the answer of a command")]
async fn migrate(config: Config, command: &MigrateCommand) -> anyhow::Result<()> {
    let db = start::connect(&config).await?;
    match command {
        MigrateCommand::Up => {
            let pending = Migrator::get_pending_migrations(&db.write).await?.len();
            start::migrate(&db).await?;
            println!("{pending} migrations applied; the schema is up to date");
        }
        MigrateCommand::Down { steps } => {
            Migrator::down(&db.write, Some(*steps)).await.context("the migrations cannot be taken back")?;
            println!("{} migrations are applied", Migrator::get_applied_migrations(&db.write).await?.len());
        }
        MigrateCommand::Status => {
            let applied: Vec<String> = Migrator::get_applied_migrations(&db.write)
                .await?
                .iter()
                .map(|migration| migration.name().to_owned())
                .collect();
            let mut table = Table::new(&["migration", "state"]);
            for migration in Migrator::migrations() {
                let name = migration.name().to_owned();
                let state = if applied.contains(&name) { "applied" } else { "pending" };
                table.row([name, state.to_owned()]);
            }
            table.write(&mut std::io::stdout(), "Migrations", usize::MAX)?;
        }
    }
    db.close().await?;
    Ok(())
}
