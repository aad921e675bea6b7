//! Measures the database's share of what people wait for:
//! `measure write URL` stores a history of 25,000 commits, 56,500 events and 53,000 texts;
//! `measure read URL` asks the lists of a generated database (an empty one is filled), first pages and deep ones.
#![expect(clippy::print_stdout, reason = "a program for people at a terminal")]

#[path = "../generate/fill.rs"]
mod fill;
mod uses;

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use entity::input::{FoundManifest, FoundRepository, HeadFigures, ObjectId};
use entity::kind::{EventType, Origin, Provider, ResourceStatus};
use entity::view::{
    EventFilter, JobFilter, PageQuery, RepositoryFilter, RepositorySort, ResourceFilter, ResourceSort, Sort,
};
use fill::{Dice, History, Scale, now};
use migration::{Migrator, MigratorTrait as _};
use store::db::{Connection, Db, DbSettings, text};
use store::{commits, events, jobs, overview, repositories, resources, scans};
use uuid::Uuid;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (what, url) = (arguments.next().unwrap_or_default(), arguments.next());
    let url = url.context("usage: measure write|read URL")?;
    let db = Db::connect(&DbSettings::new(url)).await?;
    Migrator::up(&db.write, None).await?;
    match what.as_str() {
        "write" => write(&db).await?,
        "read" => read(&db).await?,
        _ => anyhow::bail!("{what:?} is not known here; allowed: write, read"),
    }
    db.close().await?;
    Ok(())
}

/// Seconds of processor time that this process has used (Linux).
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

async fn write(db: &Db) -> anyhow::Result<()> {
    let mut dice = Dice(42);
    let (start, cpu) = (Instant::now(), cpu_seconds());
    for number in 0..53_000u32 {
        let yaml = format!("apiVersion: v1\nkind: Service\nmetadata:\n  name: web-{number}\n").repeat(45);
        std::hint::black_box(text::compress(yaml.as_bytes())?);
    }
    println!("compress 53,000 texts: {:.2} s, processor {:.2} s", start.elapsed().as_secs_f64(), cpu_seconds() - cpu);

    let mut history = History::new(Scale { repositories: 1, resources: 6000, events: 56_500 });
    let mut batches = Vec::new();
    while let Some(mut batch) = history.next_batch(1000, &mut dice) {
        batch.manifests = (0..2060).map(|_| random_text(&mut dice)).collect();
        batches.push(batch);
    }
    let found = FoundRepository {
        url: format!("https://example.org/{}", Uuid::now_v7()),
        owner: "measure".into(),
        name: "history".into(),
        full_name: "measure/history".into(),
        description: None,
        provider: Provider::Git,
        origin: Origin::Config,
        web_url: None,
        enabled: true,
        branch_regex: None,
        polling_interval_seconds: None,
        topics: Vec::new(),
    };
    let (repository, _) = repositories::upsert_repositories(&db.write, &[found], now()).await?[0];
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let run = scans::begin_scan(&db.write, repository, now()).await?;
    let (mut events, mut texts) = (0, 0);
    for batch in &batches {
        events += scans::apply_batch(&db.write, repository, run, batch, now()).await?;
        texts += batch.manifests.len();
    }
    scans::finish_scan(&db.write, repository, run, HeadFigures::default(), now()).await?;
    println!(
        "apply {} batches, {events} events, {texts} texts: {:.2} s, processor {:.2} s",
        batches.len(),
        start.elapsed().as_secs_f64(),
        cpu_seconds() - cpu
    );
    let start = Instant::now();
    let known = scans::known_all(&db.read, repository).await?;
    println!("known_all, {} resources: {:.1} ms", known.len(), start.elapsed().as_secs_f64() * 1000.0);
    Ok(())
}

/// A text as long as most are when packed, which packing can't make shorter.
fn random_text(dice: &mut Dice) -> FoundManifest {
    let mut id = [0; 20];
    id.iter_mut().for_each(|byte| *byte = dice.roll(256) as u8);
    let compressed = (0..700).map(|_| dice.roll(256) as u8).collect();
    FoundManifest { id: ObjectId(id), compressed, size: 2600 }
}

/// Asks one question many times, with other values each time; prints its times.
async fn ask<F, Fut, T>(name: &str, all: &mut Vec<Duration>, question: F) -> anyhow::Result<()>
where
    F: Fn(u64) -> Fut,
    Fut: Future<Output = store::db::Result<T>>,
{
    let mut times = Vec::new();
    for round in 0..20 {
        let start = Instant::now();
        question(round).await?;
        times.push(start.elapsed());
    }
    all.extend(&times);
    times.sort();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    println!("{name:<52} median {:>7.1} ms   p95 {:>7.1} ms", milliseconds(times[10]), milliseconds(times[18]));
    Ok(())
}

async fn read(db: &Db) -> anyhow::Result<()> {
    let c: &Connection = &db.read;
    let mut listed = repositories::list_repositories(c, &RepositoryFilter::default()).await?;
    if listed.count == 0 {
        let filled = fill::fill(db, Scale { repositories: 250, resources: 400, events: 4000 }).await?;
        println!("filled: {} resources, {} events", filled.resources, filled.events);
        listed = repositories::list_repositories(c, &RepositoryFilter::default()).await?;
    }
    let ids: Vec<Uuid> = listed.data.iter().map(|repository| repository.id).collect();
    let one = |round: u64| ids[(round as usize * 7) % ids.len()];
    let page = |skip: u64| PageQuery { skip, limit: 100 };
    let some = |text: &str| Some(text.to_owned());
    let mut all = Vec::new();
    let all = &mut all;

    ask("repositories", all, |round| async move {
        let sort = if round % 2 == 0 { RepositorySort::LastCommit } else { RepositorySort::Events };
        repositories::list_repositories(c, &RepositoryFilter { sort, ..Default::default() }).await
    })
    .await?;
    ask("repository", all, |round| repositories::find_repository(c, one(round))).await?;
    ask("overview", all, |_| overview::overview(c, now())).await?;
    ask("running work", all, |_| overview::running_work(c)).await?;
    for skip in [0, 3000] {
        ask(&format!("events of a repository, from {skip}"), all, |round| async move {
            let filter = EventFilter { repository_id: Some(one(round)), page: page(skip), ..Default::default() };
            events::list_events(c, &filter).await
        })
        .await?;
    }
    ask("events of a repository, by type and kind", all, |round| async move {
        let (event_type, resource_kind) = (Some(EventType::Modified), some("HelmRelease"));
        let repository_id = Some(one(round));
        let filter = EventFilter { repository_id, event_type, resource_kind, page: page(200), ..Default::default() };
        events::list_events(c, &filter).await
    })
    .await?;
    ask("events of a repository, by text", all, |round| async move {
        let filter = EventFilter { repository_id: Some(one(round)), text: some("graf"), ..Default::default() };
        events::list_events(c, &filter).await
    })
    .await?;
    for skip in [0, 900_000] {
        ask(&format!("events of all, from {skip}"), all, |_| async move {
            events::list_events(c, &EventFilter { page: page(skip), ..Default::default() }).await
        })
        .await?;
    }
    ask("event facets", all, |round| events::event_facets(c, one(round))).await?;
    ask("trends of 90 days", all, |round| events::trends(c, one(round), 90, now())).await?;
    ask("activity of all", all, |_| events::activity(c, None, None, now(), 120)).await?;
    for skip in [0, 300_000] {
        ask(&format!("commits of all, from {skip}"), all, |_| commits::list_commits(c, None, page(skip))).await?;
    }
    let active = || vec![ResourceStatus::Active];
    for (sort, name) in [(ResourceSort::Updated, "updated"), (ResourceSort::Name, "name"), (ResourceSort::Kind, "kind")]
    {
        for skip in [0, 80_000] {
            for direction in [Sort::Ascending, Sort::Descending] {
                ask(&format!("resources by {name}, {direction:?}, from {skip}"), all, |_| async move {
                    let statuses = active();
                    let filter = ResourceFilter { sort, direction, statuses, page: page(skip), ..Default::default() };
                    resources::list_resources(c, &filter).await
                })
                .await?;
            }
        }
    }
    let filters = [
        ("kind", ResourceFilter { kind: some("HelmRelease"), ..Default::default() }),
        ("namespace", ResourceFilter { namespace: some("media"), ..Default::default() }),
        ("kind and namespace", ResourceFilter { kind: some("Secret"), namespace: some("media"), ..Default::default() }),
        ("text", ResourceFilter { text: some("grafana-we"), ..Default::default() }),
        ("common text", ResourceFilter { text: some("apps/media"), ..Default::default() }),
        ("short text", ResourceFilter { text: some("gi"), ..Default::default() }),
    ];
    for (name, filter) in &filters {
        for (sort, skip) in [(ResourceSort::Updated, 0), (ResourceSort::Name, 2000)] {
            ask(&format!("resources by {sort:?} with {name}, from {skip}"), all, |_| async move {
                let filter = ResourceFilter { sort, page: page(skip), statuses: active(), ..filter.clone() };
                resources::list_resources(c, &filter).await
            })
            .await?;
        }
    }
    ask("resources of a repository with data", all, |round| async move {
        let filter = ResourceFilter { repository_id: Some(one(round)), with_data: true, ..Default::default() };
        resources::list_resources(c, &filter).await
    })
    .await?;
    for skip in [0, 2000] {
        ask(&format!("groups, from {skip}"), all, |_| async move {
            let filter = ResourceFilter { page: page(skip), statuses: active(), ..Default::default() };
            resources::list_grouped(c, &filter).await
        })
        .await?;
    }
    ask("groups of a kind", all, |_| async move {
        let filter = ResourceFilter { kind: some("HelmRelease"), page: page(0), ..Default::default() };
        resources::list_grouped(c, &filter).await
    })
    .await?;
    ask("facets of all", all, |_| resources::resource_facets(c, &RESOURCES)).await?;
    ask("tree", all, |round| resources::list_tree(c, one(round), None, resources::MAX_TREE)).await?;
    ask("jobs", all, |_| jobs::list_jobs(c, &JOBS)).await?;
    let filter = ResourceFilter { kind: some("HelmRelease"), ..Default::default() };
    let resource = resources::list_resources(c, &filter).await?.data[0].id;
    ask("resource", all, |_| resources::find_resource(c, resource)).await?;
    ask("versions", all, |_| resources::list_versions(c, resource, page(0))).await?;
    ask("references", all, |_| resources::find_references(c, resource)).await?;

    uses::read(db, all).await?;

    all.sort();
    let at = |share: usize| all[(all.len() - 1) * share / 100].as_secs_f64() * 1000.0;
    println!("all: median {:.1} ms, p95 {:.1} ms, p99 {:.1} ms", at(50), at(95), at(99));
    Ok(())
}

static RESOURCES: ResourceFilter = ResourceFilter {
    name: None,
    chart: None,
    repository_id: None,
    kind: None,
    api_version: None,
    namespace: None,
    statuses: Vec::new(),
    text: None,
    sort: ResourceSort::Updated,
    direction: Sort::Descending,
    with_data: false,
    page: PageQuery { skip: 0, limit: 100 },
};
static JOBS: JobFilter = JobFilter {
    kind: None,
    state: None,
    unfinished: false,
    repository_id: None,
    requested_by: None,
    retrying: None,
    since: None,
    until: None,
    text: None,
    page: PageQuery { skip: 0, limit: 100 },
};
