//! Charts by the keys of their sources and by those they had before, and repositories by the names that people give.

use entity::input::Batch;
use sea_orm::Statement;
use store::db::{ConnectionTrait as _, Db};
use store::{charts, repositories};

use crate::support::input::*;
use crate::support::{at, on_each_engine};

/// A repository that has a chart from each of some sources, each of which counts for a group.
async fn has(db: &Db, name: &str, first: i64, sources: &[(&str, &str)]) -> uuid::Uuid {
    let mut found: Batch = batch(vec![commit(0, vec![])], vec![]);
    for (id, (source, _)) in (first..).zip(sources) {
        install(&mut found, id, &format!("{source}.yaml"), source, &[(0, "1.0.0")]);
    }
    for (source, group) in sources {
        for one in found.uses.sources.iter_mut().filter(|one| one.id == chart_id(source)) {
            (one.chart_id, one.chart_key) = (chart_id(group), format!("charts.example/{group}"));
            (*group).clone_into(&mut one.chart_name);
        }
        for one in found.uses.uses.iter_mut().filter(|one| one.facts.source_id == Some(chart_id(source))) {
            one.facts.chart_id = Some(chart_id(group));
        }
    }
    let id = add_repository(db, name).await;
    scan(db, id, &found).await;
    id
}

async fn by_key(db: &Db, name: &str) -> Option<String> {
    let found = charts::chart_by_key(&db.read, &format!("charts.example/{name}")).await.unwrap();
    found.map(|(_, key)| key.trim_start_matches("charts.example/").to_owned())
}

#[tokio::test]
async fn keys_lead_to_what_counts_now_and_never_in_a_circle() {
    on_each_engine(async |db| {
        let ada = has(&db, "ada/home", 1, &[("web", "web"), ("old", "web")]).await;
        for key in ["web", "old"] {
            assert_eq!(by_key(&db, key).await.as_deref(), Some("web"), "{key}");
        }
        assert!(repositories::remove_repository(&db.write, ada).await.unwrap());
        // Turned round, and nobody takes it from the other place: that counts for the same chart all the same.
        let bob = has(&db, "bob/lab", 10, &[("web", "old")]).await;
        for key in ["web", "old"] {
            assert_eq!(by_key(&db, key).await.as_deref(), Some("old"), "{key}");
        }
        // Each by itself again; the first is there no more.
        assert!(repositories::remove_repository(&db.write, bob).await.unwrap());
        let eve = has(&db, "eve/k8s", 20, &[("web", "web")]).await;
        for key in ["web", "old"] {
            assert_eq!(by_key(&db, key).await.as_deref(), Some(key), "{key}");
        }
        assert!(repositories::remove_repository(&db.write, eve).await.unwrap());
        // A group's key that is no source's leads to where most of its sources went, and on from there.
        let kim = has(&db, "kim/one", 30, &[("a", "both"), ("b", "both"), ("c", "both")]).await;
        assert_eq!(by_key(&db, "both").await.as_deref(), Some("both"));
        assert!(repositories::remove_repository(&db.write, kim).await.unwrap());
        let kim = has(&db, "kim/one", 40, &[("a", "first"), ("b", "second"), ("c", "second")]).await;
        assert_eq!(by_key(&db, "both").await.as_deref(), Some("second"));
        assert!(repositories::remove_repository(&db.write, kim).await.unwrap());
        has(&db, "kim/one", 50, &[("a", "first"), ("b", "third"), ("c", "third")]).await;
        for (key, chart) in [("second", "third"), ("a", "first"), ("b", "third"), ("c", "third"), ("first", "first")] {
            assert_eq!(by_key(&db, key).await.as_deref(), Some(chart), "{key}");
        }
        assert_eq!(by_key(&db, "nothing").await, None);
    })
    .await;
}

/// Others that use what the first use does, each by a release of its own.
const MANY: [&str; 2] = [
    "INSERT INTO chart_release (id, repository_id, first_sequence)
        SELECT 1000 + ROW_NUMBER() OVER (ORDER BY full_name), id, 0 FROM repository WHERE full_name <> 'ada/home'",
    "INSERT INTO chart_use (id, repository_id, release_id, chart_id, source_id, file_path, document, kind, version,
            version_kind, how, by_name, rendered, values_resolved, values_missing, values_secret, from_sequence, from_time)
        SELECT r.id, r.repository_id, r.id, u.chart_id, u.source_id, u.file_path, u.document, u.kind, u.version,
            u.version_kind, u.how, u.by_name, u.rendered, 0, 0, 0, u.from_sequence, u.from_time
        FROM chart_release r CROSS JOIN chart_use u WHERE r.id > 1000 AND u.release_id = 1",
];

#[tokio::test]
async fn users_are_found_by_id_and_name_however_many_there_are() {
    on_each_engine(async |db| {
        let ada = has(&db, "ada/home", 1, &[("web", "web")]).await;
        let many: Vec<_> = (0..1_000).map(|number| repository(&format!("many/r{number:04}"))).collect();
        repositories::upsert_repositories(&db.write, &many, at(8, 0)).await.unwrap();
        let last = add_repository(&db, "zoe/Last").await;
        for statement in MANY {
            let statement = Statement::from_string(db.write.get_database_backend(), statement);
            db.write.execute_raw(statement).await.unwrap();
        }
        let other = add_repository(&db, "zoe/other").await;
        let chart = chart_id("web");
        let listed = charts::list_users(&db.read, chart, None).await.unwrap();
        assert_eq!((listed.len(), listed.iter().any(|(id, _)| *id == last)), (1_000, false));
        let named = async |named: &[&str], at| {
            let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
            charts::users_named(&db.read, chart, &named, at).await.unwrap()
        };
        let found = vec![(last, "zoe/Last".to_owned())];
        for name in ["zoe/Last", "ZOE/last", &last.to_string()] {
            assert_eq!(named(&[name], None).await, found, "{name}");
        }
        let (ada_id, other_id) = (ada.to_string(), other.to_string());
        let both = [ada_id.as_str(), "zoe/last", "zoe/other", other_id.as_str(), "nobody/x", "zoe"];
        assert_eq!(named(&both, None).await, [(ada, "ada/home".to_owned()), found[0].clone()]);
        assert!(named(&both, Some(day(0) - chrono::TimeDelta::days(1))).await.is_empty());
        assert!(named(&[], None).await.is_empty());
    })
    .await;
}
