use std::path::Path;
use std::time::Instant;

use super::table::number;
use crate::backup;
use crate::config::Config;

#[expect(clippy::print_stdout, reason = "the answer of a command")]
pub(super) fn run(config: &Config, output: Option<&Path>) -> anyhow::Result<()> {
    let began = Instant::now();
    let written = run_until_interrupted(backup::backup(config, output))?;
    let (bytes, took) = (number(written.bytes), began.elapsed().as_millis());
    println!("{}: {bytes} bytes in {took} ms, read again and found sound", written.file.display());
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the answer of a command")]
pub(super) fn restore(config: &Config, file: &Path, replace: bool) -> anyhow::Result<()> {
    let restored = run_to_the_end(backup::restore(config, file, replace))?;
    match restored.migrated {
        0 => println!("{} is restored", file.display()),
        steps => println!("{} is restored, and its schema brought up to date by {steps} migrations", file.display()),
    }
    if let Some(replaced) = restored.replaced {
        println!("what was there before is kept as {}", replaced.display());
    }
    Ok(())
}

/// A backup that somebody gives up leaves nothing behind.
fn run_until_interrupted<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    runtime()?.block_on(async {
        tokio::select! {
            done = work => done,
            _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
        }
    })
}

/// A restore that was begun goes on to its end: halfway there is no database.
fn run_to_the_end<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    runtime()?.block_on(async {
        tokio::spawn(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                tracing::warn!("a restore is not interrupted");
            }
        });
        work.await
    })
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}
