//! The database as a thing of its own: whether it is sound, how large, of which schema; copied, and emptied.

mod raw;

use std::collections::HashMap;
use std::path::Path;

use chrono::TimeDelta;
use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Func, IntoIden as _, Query, SelectStatement, Table};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, TryGetable};

use crate::db::select::count;
use crate::db::{ConnectionTrait, Db, Engine, Result};
use crate::jobs::{find_views, is_in};
use entity::kind::{JobKind, JobState};
use entity::table::job;
use entity::value::StoredTimestamp;
use entity::view::{Job, Timestamp};

/// The table in which migrations are written down.
pub const MIGRATIONS: &str = "seaql_migrations";

/// Problems that are told of a damaged file; there may be one for each page.
const PROBLEMS: usize = 20;

/// Writes SQLite's whole database, as it stands at one moment, into a file that is empty or not there. Whoever writes
/// meanwhile goes on. What was deleted is not in the copy, not even in free pages.
pub async fn copy_into(db: &Db, file: &Path) -> Result<()> {
    raw::vacuum_into(&db.write, file).await
}

/// What is wrong with SQLite's file, in SQLite's words; nothing where it is sound. PostgreSQL sees to its pages itself.
pub async fn find_damage(db: &Db) -> Result<Vec<String>> {
    if db.engine == Engine::Postgres {
        return Ok(Vec::new());
    }
    let check = Func::cust("pragma_quick_check");
    let problems = Query::select().column("quick_check").from_function(check, "problem").to_owned();
    let found: Vec<String> = texts(&db.read, &problems).await?;
    Ok(found.into_iter().filter(|line| line != "ok").take(PROBLEMS).collect())
}

/// Bytes of the database, without SQLite's write-ahead log.
pub async fn size_bytes(db: &Db) -> Result<i64> {
    let query = match db.engine {
        Engine::Sqlite => {
            let pages = Expr::col(("pages", "page_count")).mul(Expr::col(("size", "page_size")));
            let pragma = |name: &'static str| Func::cust(name);
            let mut query = Query::select().expr(pages).from_function(pragma("pragma_page_count"), "pages").to_owned();
            query.from_function(pragma("pragma_page_size"), "size").to_owned()
        }
        Engine::Postgres => {
            let this = Func::cust("current_database");
            Query::select().expr(Func::cust("pg_database_size").arg(this)).to_owned()
        }
    };
    Ok(first(&db.read, &query).await?.unwrap_or_default())
}

/// PostgreSQL's version, such as 17 for 17.2; nothing of SQLite, which is part of the program.
pub async fn server_major(db: &Db) -> Result<Option<u32>> {
    if db.engine == Engine::Sqlite {
        return Ok(None);
    }
    let number = Func::cust("current_setting").arg("server_version_num");
    let number: Option<String> = first(&db.read, &Query::select().expr(number).to_owned()).await?;
    Ok(number.and_then(|number| number.parse::<u32>().ok()).map(|number| number / 10_000))
}

/// The schema of PostgreSQL in which our tables are.
pub async fn schema_name(db: &Db) -> Result<String> {
    let name = Query::select().expr(Func::cust("current_schema")).to_owned();
    Ok(first(&db.read, &name).await?.unwrap_or_else(|| "public".to_owned()))
}

/// Tables that are there, whoever made them.
pub async fn list_tables(db: &Db) -> Result<Vec<String>> {
    let query = match db.engine {
        Engine::Sqlite => Query::select()
            .column("name")
            .from("sqlite_master")
            .and_where(Expr::col("type").eq("table"))
            .and_where(Expr::col("name").not_like("sqlite_%"))
            .to_owned(),
        Engine::Postgres => Query::select()
            // A name of PostgreSQL's catalogue is of a type of its own.
            .expr(Expr::col("table_name").cast_as("text"))
            .from(("information_schema", "tables"))
            .and_where(Expr::col("table_schema").eq(Func::cust("current_schema")))
            .and_where(Expr::col("table_type").eq("BASE TABLE"))
            .to_owned(),
    };
    texts(&db.read, &query).await
}

/// Migrations that were applied, oldest first; nothing where no migration ever was.
pub async fn applied_migrations(db: &Db) -> Result<Option<Vec<String>>> {
    if !list_tables(db).await?.iter().any(|table| table == MIGRATIONS) {
        return Ok(None);
    }
    let names = Query::select().column("version").from(MIGRATIONS).order_by("version", sea_orm::Order::Asc).to_owned();
    Ok(Some(texts(&db.read, &names).await?))
}

/// Removes every table of the schema, all or none of them.
pub async fn drop_tables(db: &Db) -> Result<()> {
    let tables = list_tables(db).await?;
    if tables.is_empty() {
        return Ok(());
    }
    let txn = db.begin().await?;
    let mut drop = Table::drop();
    for table in tables {
        drop.table(Alias::new(table).into_iden());
    }
    txn.execute(drop.cascade()).await?;
    txn.commit().await?;
    Ok(())
}

/// Makes what our tables need of PostgreSQL beside themselves, where the server has it.
pub async fn add_extensions(db: &Db) -> Result<()> {
    let has_it = Expr::col("name").eq("pg_trgm");
    let available = Query::select().expr(Expr::val(1)).from("pg_available_extensions").and_where(has_it).to_owned();
    if db.engine == Engine::Postgres && db.read.query_one(&available).await?.is_some() {
        raw::create_trigrams(&db.write).await?;
    }
    Ok(())
}

/// A job that runs for far longer than others of its kind did, though its worker lives.
#[derive(Clone, Debug)]
pub struct LongJob {
    pub job: Job,
    pub runs_for: TimeDelta,
    /// The longest that one of the newest of its kind took that succeeded; nothing where there is none.
    pub longest: Option<TimeDelta>,
}

/// So many of the newest jobs of a kind tell how long one takes.
const COMPARED: u64 = 200;
/// By so much a job takes longer than the longest of those before it is told.
const FAR_LONGER: i32 = 5;

/// Jobs whose workers hold them, which have been running for at least so long and for far longer than others of their kind;
/// the oldest first.
pub async fn list_long_jobs(c: &impl ConnectionTrait, now: Timestamp, at_least: TimeDelta) -> Result<Vec<LongJob>> {
    let is_held = job::COLUMN.lease_until.gte(StoredTimestamp::from(now));
    let began = job::COLUMN.started_at.lte(StoredTimestamp::from(now - at_least));
    let running = find_views().filter(is_in(JobState::Running)).filter(is_held).filter(began);
    let running: Vec<Job> = running.order_by_asc(job::Column::StartedAt).into_partial_model().all(c).await?;
    let mut by_kind = HashMap::new();
    let mut found = Vec::new();
    for job in running {
        let Some(started_at) = job.started_at else { continue };
        let longest = match by_kind.get(&job.kind) {
            Some(longest) => *longest,
            None => {
                let longest = longest_of(c, job.kind).await?;
                by_kind.insert(job.kind, longest);
                longest
            }
        };
        let runs_for = now - started_at;
        if longest.is_none_or(|longest| runs_for > longest * FAR_LONGER) {
            found.push(LongJob { job, runs_for, longest });
        }
    }
    Ok(found)
}

async fn longest_of(c: &impl ConnectionTrait, kind: JobKind) -> Result<Option<TimeDelta>> {
    use job::Column::{FinishedAt, Id, Kind, StartedAt, State};
    let ended = job::Entity::find().filter(Kind.eq(kind)).filter(State.eq(JobState::Succeeded));
    let ended = ended.select_only().columns([StartedAt, FinishedAt]).order_by_desc(Id).limit(COMPARED);
    let times: Vec<(Option<StoredTimestamp>, Option<StoredTimestamp>)> = ended.into_tuple().all(c).await?;
    let took = times.into_iter().filter_map(|(began, ended)| Some(Timestamp::from(ended?) - Timestamp::from(began?)));
    Ok(took.max())
}

/// Jobs that run by the table, though whoever held them has not been heard of since.
pub async fn count_lost_jobs(c: &impl ConnectionTrait, now: Timestamp) -> Result<u64> {
    let has_run_out = job::COLUMN.lease_until.lt(StoredTimestamp::from(now));
    count(c, job::Entity::find().filter(is_in(JobState::Running)).filter(has_run_out)).await
}

async fn texts(c: &impl ConnectionTrait, query: &SelectStatement) -> Result<Vec<String>> {
    let rows = c.query_all(query).await?;
    Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<std::result::Result<_, _>>()?)
}

async fn first<T: TryGetable>(c: &impl ConnectionTrait, query: &SelectStatement) -> Result<Option<T>> {
    let row = c.query_one(query).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
}
