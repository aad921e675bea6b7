use std::time::Duration;

use chrono::TimeDelta;
use entity::address::provider_of_host;
use entity::kind::Provider;
use store::db::{DataError, Db, DbSettings, Engine};
use store::maintenance::{self, LongJob};
use store::secrets::SealedSecret;
use store::{tasks, workers};

use super::WITHIN;
use super::report::Report;
use crate::backup::Schema;
use crate::cli::table::number;
use crate::clock;
use crate::config::Config;

const PART: &str = "database";
/// All that is asked of a database that opened, but for the look at every page of it.
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);
/// Reading all of a large file takes so long.
const CHECK_WITHIN: Duration = Duration::from_mins(10);
/// A job that waits for longer tells of too few workers, or of none.
const LONG: i64 = 30 * 60;
/// Work that was going on for less is not called long, whatever others of its kind took.
const LONG_RUN: TimeDelta = TimeDelta::hours(1);
/// So many jobs are named.
const NAMED: usize = 5;

/// A forge's token that somebody entered in a page.
pub(super) struct EnteredToken {
    pub host: String,
    /// What kind of forge it is.
    pub provider: Provider,
    pub sealed: SealedSecret,
}

/// Looks at the database; the tokens of forges that it keeps, which are asked with elsewhere.
pub(super) async fn look(report: &mut Report, config: &Config) -> Vec<EnteredToken> {
    if config.storage.engine == "sqlite" && !config.sqlite_path().exists() {
        let path = config.sqlite_path();
        report.ok(PART, format!("{} is not there yet; the first start makes it", path.display()));
        return Vec::new();
    }
    let read_urls = config.storage.postgres_read_urls.iter().map(|url| url.expose().to_owned()).collect();
    let settings = DbSettings { acquire_timeout: WITHIN, read_urls, ..DbSettings::new(config.database_url().expose()) };
    let opened = tokio::time::timeout(2 * WITHIN, Db::open_existing(&settings, false)).await;
    let advice = match config.storage.engine {
        "sqlite" => "see that the user that runs the program may read and write the file and its folder",
        _ => "see that the server runs, and that address and password of storage.postgres.url (DATABASE_URL) are right",
    };
    let db = match opened {
        Ok(Ok(db)) => db,
        Ok(Err(error)) => {
            report.fail(PART, format!("cannot be opened: {error}"), advice);
            return Vec::new();
        }
        Err(_) => {
            report.fail(PART, format!("does not answer within {} s", 2 * WITHIN.as_secs()), advice);
            return Vec::new();
        }
    };
    let Ok(asked) = tokio::time::timeout(ANSWERS_WITHIN, look_inside(report, &db)).await else {
        let message = format!("opened, and does not answer within {} s", ANSWERS_WITHIN.as_secs());
        report.fail(PART, message, "see what it waits for, such as a lock that a migration or another program holds");
        // Its connections are not waited for: whoever asked goes with this process.
        return Vec::new();
    };
    let entered = asked.unwrap_or_else(|error| {
        report.fail(PART, format!("cannot be read: {error}"), advice);
        Vec::new()
    });
    look_at_replicas(report, &db).await;
    // Nothing was written that an end could lose.
    let _ = db.close().await;
    match db.engine {
        Engine::Sqlite => look_for_damage(report, &settings).await,
        Engine::Postgres => {
            report.ok(PART, "damage is not looked for: PostgreSQL checks its own pages, where data_checksums is on");
        }
    }
    entered
}

async fn look_inside(report: &mut Report, db: &Db) -> store::Result<Vec<EnteredToken>> {
    let size = number(u64::try_from(maintenance::size_bytes(db).await?).unwrap_or_default());
    match maintenance::server_major(db).await? {
        Some(major) => report.ok(PART, format!("PostgreSQL {major} answers; {size} bytes")),
        None => report.ok(PART, format!("SQLite, {size} bytes")),
    }
    let applied = maintenance::applied_migrations(db).await?;
    let Some(applied) = applied else {
        report.ok(PART, "holds no schema yet; the first start makes it");
        return Ok(Vec::new());
    };
    let schema = Schema::of(&applied);
    if let Err(error) = schema.check("the schema") {
        report.fail(PART, error.to_string(), "start the newer program, or restore a backup that this one wrote");
        return Ok(Vec::new());
    }
    if !schema.pending.is_empty() {
        let message = format!("the schema lacks {} migrations of this program", schema.pending.len());
        report.warn(PART, message, "make a backup; the next start of this program brings it up to date");
        // What follows asks for columns that may not be there.
        return Ok(Vec::new());
    }
    report.ok(PART, format!("the schema is this program's, {} migrations", applied.len()));
    look_at_work(report, db).await?;
    entered_tokens(db).await
}

async fn entered_tokens(db: &Db) -> store::Result<Vec<EnteredToken>> {
    let found = store::secrets::list_forge_tokens(&db.read).await?;
    let hosts = store::forges::list_hosts(&db.read).await?;
    let known = |host: &str| hosts.iter().find(|(known, ..)| known == host).map(|(_, provider, _)| *provider);
    let token = |(host, sealed): (String, SealedSecret)| {
        let provider = known(&host).unwrap_or_else(|| provider_of_host(&host));
        EnteredToken { host, provider, sealed }
    };
    Ok(found.into_iter().map(token).collect())
}

/// Twice, as how far one is behind is told by what it shows of what was there a moment before.
async fn look_at_replicas(report: &mut Report, db: &Db) {
    const PART: &str = "replicas";
    for _ in 0..if db.has_replicas() { 2 } else { 0 } {
        if let Err(error) = db.look_at_replicas().await {
            let advice = "the user of storage.postgres.url has to be allowed to ask how much was written";
            return report.fail(PART, format!("cannot be compared with what is written: {error}"), advice);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    for state in db.replica_states() {
        match (state.left_out, state.behind) {
            (Some(why), _) => {
                let advice = "what it would answer is read where it is written; see to the replica, or take it out of \
                              storage.postgres.read_urls";
                report.warn(PART, format!("{} is left out: {why}", state.name), advice);
            }
            (None, Some(behind)) => {
                report.ok(PART, format!("{} is read, {} s behind at most", state.name, behind.as_secs()));
            }
            (None, None) => {
                let advice = "use one that follows by streaming replication; this one may show what is long past";
                report.warn(PART, format!("{} follows nobody that it tells of", state.name), advice);
            }
        }
    }
}

/// Reads SQLite's whole file, by a connection of its own: nothing else gets an answer by it until that is done.
async fn look_for_damage(report: &mut Report, settings: &DbSettings) {
    const RESTORE: &str = "stop the server, keep the file, and restore the newest backup; see to the disk";
    let found = async {
        let db = Db::open_existing(settings, false).await?;
        let damage = maintenance::find_damage(&db).await?;
        let _ = db.close().await;
        Ok::<_, DataError>(damage)
    };
    match tokio::time::timeout(CHECK_WITHIN, found).await {
        Ok(Ok(damage)) if damage.is_empty() => report.ok(PART, "sound, page by page"),
        Ok(Ok(damage)) => report.fail(PART, format!("damaged: {}", damage.join("; ")), RESTORE),
        Ok(Err(error)) => report.fail(PART, format!("cannot be read page by page: {error}"), RESTORE),
        Err(_) => {
            let minutes = CHECK_WITHIN.as_secs() / 60;
            let message = format!("not read to its end within {minutes} min: whether it is sound is not known");
            report.warn(PART, message, "a backup reads it as well, without a limit of time");
        }
    }
}

async fn look_at_work(report: &mut Report, db: &Db) -> store::Result<()> {
    let now = clock::now();
    let workers = workers::list_workers(&db.read, now).await?;
    let alive = workers.iter().filter(|worker| worker.alive).count();
    let at_work = workers.iter().filter(|worker| worker.alive && worker.capacity > 0).count();
    let vanished = workers.len() - alive;
    let message =
        format!("{alive} processes were seen within a minute, {at_work} of them take jobs; {vanished} have vanished");
    report.ok("workers", message);
    let lost = maintenance::count_lost_jobs(&db.read, now).await?;
    let waiting: i64 = tasks::queue_depths(&db.read, now).await?.iter().map(|depth| depth.ready).sum();
    let waiting_since = tasks::oldest_ready(&db.read, now).await?;
    if lost > 0 && at_work > 0 {
        let message = format!("{lost} jobs run by the table and their workers are gone");
        report.warn(
            "jobs",
            message,
            "they are put back within a minute; where not, see the log of the workers that live",
        );
    } else if lost > 0 {
        report.ok("jobs", format!("{lost} jobs were interrupted; the next start puts them back"));
    }
    tell_long(report, &maintenance::list_long_jobs(&db.read, now, LONG_RUN).await?);
    let seconds = waiting_since.map_or(0, |since| (now - since).num_seconds());
    let message = match waiting {
        0 => "none waits".to_owned(),
        _ => format!("{waiting} wait, the oldest for {} min", seconds / 60),
    };
    match (waiting, at_work) {
        (1.., 0) => report.warn("jobs", message, "nobody is there to do them: start `kubestats serve`, or a worker"),
        (1.., _) if seconds > LONG => {
            let advice = "raise polling.max_workers, or start more workers on PostgreSQL; /tasks shows what takes long";
            report.warn("jobs", message, advice);
        }
        _ => report.ok("jobs", message),
    }
    let (waiting, unsent) = store::mail::count_unsent(&db.read).await?;
    if unsent > 0 {
        let message = format!("{unsent} mails of the last days could not be sent, {waiting} wait");
        report.warn("mail", message, "the server's log says why of each; accounts are told no other way");
    }
    Ok(())
}

/// A worker that lives renews the lease of what it has, also where that stands still.
fn tell_long(report: &mut Report, long: &[LongJob]) {
    for LongJob { job, runs_for, longest } in long.iter().take(NAMED) {
        let name = job.repository_full_name.as_ref().map(|name| format!(" of {name}")).unwrap_or_default();
        let worker = job.worker.as_deref().unwrap_or("nobody");
        let compared = match longest {
            Some(longest) => format!("the longest of its kind lately took {} min", longest.num_minutes()),
            None => "none of its kind has ended yet".to_owned(),
        };
        let label = job.kind.label();
        let message = format!("{label}{name} runs for {} min at {worker}; {compared}", runs_for.num_minutes());
        let advice = format!("see at /tasks/{} whether it still gets on; it can be stopped there", job.id);
        report.warn("jobs", message, advice);
    }
    if let more @ 1.. = long.len().saturating_sub(NAMED) {
        report.warn("jobs", format!("{more} more run for as long"), "/tasks?state=running lists them");
    }
}
