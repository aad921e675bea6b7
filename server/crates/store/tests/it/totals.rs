//! Totals that are kept must be what counting gives, whatever happened.

use std::collections::BTreeMap;

use entity::input::*;
use entity::kind::*;
use entity::view::{EventFilter, PageQuery, ResourceFilter};
use sea_orm::Statement;
use store::db::{ConnectionTrait as _, Db};
use store::{commits, events, repositories, resources, scans};
use uuid::Uuid;

use crate::fill::{Dice, History, Scale, now};
use crate::support::input::add_repository;
use crate::support::on_each_engine;

/// Rows of a statement as text, those without any number left out.
async fn rows(db: &Db, sql: &str, texts: usize, numbers: usize) -> BTreeMap<Vec<String>, Vec<i64>> {
    let backend = db.write.get_database_backend();
    let rows = db.write.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
    let read = rows.iter().map(|row| {
        let key: Vec<String> = (0..texts).map(|place| row.try_get_by_index(place).unwrap()).collect();
        (key, (texts..texts + numbers).map(|place| row.try_get_by_index(place).unwrap()).collect())
    });
    read.filter(|(_, numbers): &(_, Vec<i64>)| numbers.iter().any(|number| *number != 0)).collect()
}

async fn totals_equal_recounted_ones(db: &Db) {
    let day = match db.engine {
        store::db::Engine::Sqlite => "substr(committed_at, 1, 10)",
        store::db::Engine::Postgres => "to_char(committed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
    };
    let pairs = [
        (
            "SELECT kind, name, active, deleted FROM group_total".to_owned(),
            "SELECT kind, name, COUNT(CASE WHEN status = 'ACTIVE' THEN 1 END), \
             COUNT(CASE WHEN status <> 'ACTIVE' THEN 1 END) FROM kubernetesresource GROUP BY kind, name"
                .to_owned(),
            (2, 2),
        ),
        (
            "SELECT value, active, deleted FROM facet_total WHERE facet = 'kind'".to_owned(),
            "SELECT kind, COUNT(CASE WHEN status = 'ACTIVE' THEN 1 END), \
             COUNT(CASE WHEN status <> 'ACTIVE' THEN 1 END) FROM kubernetesresource GROUP BY kind"
                .to_owned(),
            (1, 2),
        ),
        (
            "SELECT facet, value, active, deleted FROM facet_total".to_owned(),
            "SELECT facet, value, CAST(SUM(active) AS BIGINT), CAST(SUM(deleted) AS BIGINT) FROM repository_facet \
             GROUP BY facet, value"
                .to_owned(),
            (2, 2),
        ),
        (
            "SELECT day, created, modified, deleted, resurrected, commits FROM day_total".to_owned(),
            format!(
                "SELECT {day}, CAST(SUM(created) AS BIGINT), CAST(SUM(modified) AS BIGINT), \
                 CAST(SUM(deleted) AS BIGINT), CAST(SUM(resurrected) AS BIGINT), COUNT(*) FROM \"commit\" GROUP BY {day}"
            ),
            (1, 5),
        ),
        (
            "SELECT 'all', CAST(COALESCE(SUM(version_changes), 0) AS BIGINT) FROM day_total".to_owned(),
            "SELECT 'all', COUNT(CASE WHEN version_changed THEN 1 END) FROM kubernetesresourceevent".to_owned(),
            (1, 1),
        ),
    ];
    for (kept, counted, (texts, numbers)) in pairs {
        let (kept, counted) = (rows(db, &kept, texts, numbers).await, rows(db, &counted, texts, numbers).await);
        assert_eq!(kept, counted);
    }
}

struct Told {
    id: Uuid,
    history: History,
    dice: Dice,
}

async fn tell(db: &Db, told: &mut Told, commits: i64) {
    let Some(batch) = told.history.next_batch(commits, &mut told.dice) else { return };
    let run = scans::begin_scan(&db.write, told.id, now()).await.unwrap();
    scans::apply_batch(&db.write, told.id, run, &batch, now()).await.unwrap();
    if told.dice.roll(2) == 0 {
        scans::finish_scan(&db.write, told.id, run, HeadFigures::default(), now()).await.unwrap();
    }
}

/// Back to an older commit: resources get the states that their events tell.
async fn rewind(db: &Db, told: &mut Told) {
    let commits = scans::event_commits(&db.read, told.id).await.unwrap();
    let Some((id, sequence)) = commits.get(told.dice.roll(commits.len() as u64) as usize).copied() else { return };
    let kept = commits::find_commit(&db.read, told.id, &id.to_string(), PageQuery::default()).await.unwrap().unwrap();
    let known = scans::known_at(&db.read, told.id, sequence).await.unwrap();
    let resources = known.into_iter().map(|known| FoundResource {
        id: known.id,
        api_version: known.api_version,
        kind: known.kind,
        name: known.name,
        namespace: known.namespace,
        namespace_inherited: None,
        file_path: known.file_path,
        file_hash: known.file_hash,
        version: known.version,
        data: "{}".into(),
        status: known.status,
        place: known.place,
        created_at: known.created_at,
        updated_at: known.updated_at,
        deleted_at: known.deleted_at,
        first_sequence: known.first_sequence,
        commit: known.commit,
        new_events: 0,
        source: None,
        charts: vec![],
        images: vec![],
    });
    let restored = Batch { resources: resources.collect(), ..Batch::default() };
    let kept = ScannedCommit { id, sequence, committed_at: kept.commit.committed_at };
    scans::rewind(&db.write, told.id, Some(kept), &restored, now()).await.unwrap();
}

#[tokio::test]
async fn kept_totals_are_what_counting_gives_after_applies_rewinds_and_removals() {
    on_each_engine(async |db| {
        let scale = Scale { repositories: 1, resources: 60, events: 400 };
        let mut dice = Dice(20_261_121);
        let mut all = Vec::new();
        for number in 0..4u64 {
            let id = add_repository(&db, &format!("ada/home-{number}")).await;
            all.push(Told { id, history: History::new(scale), dice: Dice(7 + number) });
        }
        for round in 0..40 {
            let one = dice.roll(all.len() as u64) as usize;
            match dice.roll(10) {
                // A history that was rewound is not told on: what is invented later knows nothing of it.
                0 | 1 => {
                    rewind(&db, &mut all[one]).await;
                    totals_equal_recounted_ones(&db).await;
                    let told = all.remove(one);
                    if round % 2 == 0 {
                        let txn = db.begin().await.unwrap();
                        assert!(repositories::remove_repository(&txn, told.id).await.unwrap());
                        txn.commit().await.unwrap();
                    }
                    let id = add_repository(&db, &format!("kim/lab-{round}")).await;
                    all.push(Told { id, history: History::new(scale), dice: Dice(100 + round) });
                }
                _ => tell(&db, &mut all[one], 1 + (round as i64 * 7) % 60).await,
            }
            totals_equal_recounted_ones(&db).await;
        }
    })
    .await;
}

#[tokio::test]
async fn pages_far_down_the_lists_of_all_are_the_same_without_skipping_days() {
    on_each_engine(async |db| {
        crate::fill::fill(&db, Scale { repositories: 3, resources: 40, events: 330 }).await.unwrap();
        for event_type in [None, Some(EventType::Modified)] {
            let list = async |skip, limit| {
                let filter = EventFilter { event_type, page: PageQuery { skip, limit }, ..EventFilter::default() };
                events::list_events(&db.read, &filter).await.unwrap()
            };
            let whole = list(0, 1000).await;
            assert_eq!(whole.count, whole.data.len() as u64);
            for skip in [199, 200, 431, whole.count - 5, whole.count] {
                let place = skip as usize;
                let page = list(skip, 7).await;
                let expected = &whole.data[place.min(whole.data.len())..(place + 7).min(whole.data.len())];
                assert_eq!((page.count, page.data.as_slice()), (whole.count, expected), "from {skip}");
            }
        }
        let list = async |skip, limit| commits::list_commits(&db.read, None, PageQuery { skip, limit }).await.unwrap();
        let whole = list(0, 1000).await;
        let page = list(301, 10).await;
        assert_eq!((page.count, page.data.as_slice()), (whole.count, &whole.data[301..311]));
    })
    .await;
}

#[tokio::test]
async fn groups_from_kept_totals_are_those_that_a_filter_would_count() {
    on_each_engine(async |db| {
        let ids = crate::fill::fill(&db, Scale { repositories: 1, resources: 200, events: 900 }).await.unwrap();
        for statuses in [vec![], vec![ResourceStatus::Active], vec![ResourceStatus::Deleted]] {
            for kind in [None, Some("HelmRelease".to_owned()), Some("Nothing".to_owned())] {
                for skip in [0, 3, 5000] {
                    let page = PageQuery { skip, limit: 20 };
                    let kept =
                        ResourceFilter { statuses: statuses.clone(), kind: kind.clone(), page, ..Default::default() };
                    // The only repository there is: the same groups, counted.
                    let counted = ResourceFilter { repository_id: Some(ids.repositories[0]), ..kept.clone() };
                    let kept = resources::list_grouped(&db.read, &kept).await.unwrap();
                    assert_eq!(kept, resources::list_grouped(&db.read, &counted).await.unwrap());
                }
            }
        }
    })
    .await;
}
