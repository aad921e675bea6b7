//! Fills a database with invented repositories to measure on:
//! `cargo run --release -p kubestats-store --example generate -- URL [REPOSITORIES RESOURCES EVENTS [DELIVERIES]]`.
#![expect(clippy::print_stdout, reason = "a program for people at a terminal")]

mod fill;
mod surroundings;
mod watched;

use std::time::Instant;

use anyhow::Context as _;
use migration::{Migrator, MigratorTrait as _};
use store::db::{Db, DbSettings};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().context("usage: generate URL [REPOSITORIES RESOURCES EVENTS [DELIVERIES]]")?;
    let mut number = |default: u32| arguments.next().map_or(Ok(default), |text| text.parse());
    let (repositories, resources, events) = (number(250)?, number(100_000)?, number(1_000_000)?);
    let deliveries = number(0)?;
    let db = Db::connect(&DbSettings::new(url)).await?;
    Migrator::up(&db.write, None).await?;
    let start = Instant::now();
    let scale = fill::Scale { repositories, resources: resources / repositories, events: events / repositories };
    let filled = fill::fill(&db, scale).await?;
    let days = surroundings::surround(&db).await?;
    let watched = watched::watch(&db, &filled.repositories, deliveries).await?;
    let [uses, values, images] = filled.uses;
    println!(
        "{repositories} repositories, {} resources, {} events, {uses} uses of charts, {values} values, {images} uses of \
         images, {days} days, {} deliveries of {} events of branches in {:.1} s",
        filled.resources,
        filled.events,
        watched.deliveries,
        watched.events,
        start.elapsed().as_secs_f64()
    );
    db.close().await?;
    Ok(())
}
