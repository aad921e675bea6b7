//! Measures the queue: `queue URL [JOBS] [AT_ONCE]` enqueues jobs in batches while one worker with so many places claims
//! and finishes them, every commit on disk, and prints what came of it as a line of JSON.
#![expect(clippy::print_stdout, reason = "a program for people at a terminal")]

use std::time::{Duration, Instant};

use anyhow::Context as _;
use entity::input::FoundRepository;
use entity::kind::{JobKind, JobRequest, JobState, Origin, Priority, Provider, RequestedBy};
use entity::view::{JobFilter, Timestamp};
use migration::{Migrator, MigratorTrait as _};
use store::db::{Db, DbSettings, Engine};
use store::queue::{Ended, JobQueue, Outcome, Room};
use store::{jobs, repositories};

/// Jobs that are asked for in one transaction, as schedules do.
const BATCH: usize = 100;

fn repository(number: usize) -> FoundRepository {
    FoundRepository {
        url: format!("https://host-{}.example/ada/r{number}", number % 50),
        owner: "ada".to_owned(),
        name: format!("r{number}"),
        full_name: format!("ada/r{number}"),
        description: None,
        provider: Provider::Git,
        origin: Origin::Added,
        web_url: None,
        enabled: true,
        branch_regex: None,
        polling_interval_seconds: None,
        topics: Vec::new(),
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().context("usage: queue URL [JOBS] [AT_ONCE]")?;
    let number = |text: Option<String>, default| text.map_or(Ok(default), |text| text.parse::<usize>());
    let (wanted, at_once) = (number(arguments.next(), 10_000)?, number(arguments.next(), 32)?);
    let db = Db::connect(&DbSettings { durable: true, ..DbSettings::new(url) }).await?;
    Migrator::up(&db.write, None).await?;
    let now: Timestamp = "2026-11-21T08:00:00Z".parse()?;
    let found: Vec<FoundRepository> = (0..wanted).map(repository).collect();
    let mut requests = Vec::with_capacity(wanted);
    for chunk in found.chunks(500) {
        let txn = db.begin().await?;
        for (repository_id, _) in repositories::upsert_repositories(&txn, chunk, now).await? {
            requests.push(JobRequest::SyncRepository { repository_id });
        }
        txn.commit().await?;
    }
    let queue = JobQueue::new(db.clone());
    let began = Instant::now();
    let ask = async {
        for chunk in requests.chunks(BATCH) {
            queue.enqueue_many(chunk, RequestedBy::Schedule, Priority::ROUTINE, now).await?;
        }
        anyhow::Ok(began.elapsed())
    };
    let work = async {
        let room = Room {
            worker: "bench",
            kinds: JobKind::ALL,
            jobs: at_once,
            max_per_host: Some(8),
            lease: Duration::from_mins(1),
        };
        let mut done = 0;
        while done < wanted {
            let claimed = queue.claim_many(room, now).await?;
            if claimed.is_empty() {
                queue.bell().heard().await;
                continue;
            }
            let end = |job: store::queue::ClaimedJob| Ended {
                job: job.id,
                outcome: Outcome::Succeeded("nothing new: main stands at 12345678".to_owned()),
                log: Vec::new(),
            };
            let ended: Vec<Ended> = claimed.into_iter().map(end).collect();
            let lost = queue.finish_many("bench", &ended, now).await?;
            anyhow::ensure!(lost.is_empty(), "{lost:?} were lost");
            done += ended.len();
        }
        anyhow::Ok(())
    };
    let (asked, worked) = tokio::join!(ask, work);
    worked?;
    let (enqueued, all) = (asked?.as_secs_f64(), began.elapsed().as_secs_f64());
    let ended = JobFilter { state: Some(JobState::Succeeded), ..JobFilter::default() };
    let ended = jobs::list_jobs(&db.read, &ended).await?.count;
    anyhow::ensure!(ended == wanted as u64, "{ended} of {wanted} jobs ended");
    let engine = if db.engine == Engine::Sqlite { "sqlite" } else { "postgres" };
    println!(
        "{{\"engine\": \"{engine}\", \"jobs\": {wanted}, \"at_once\": {at_once}, \"enqueue_s\": {enqueued:.3}, \
         \"seconds\": {all:.3}, \"jobs_per_s\": {:.0}}}",
        wanted as f64 / all
    );
    db.close().await?;
    Ok(())
}
