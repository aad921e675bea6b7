//! What a trigger would have been for.

use store::triggers::past_commits;
use store::watch::unset_watch;

use super::*;
use crate::support::{Change, Manifest, day};

#[tokio::test]
async fn a_dry_run_counts_what_a_trigger_would_have_been_for() {
    on_each_engine(async |app| {
        let (home, other) = (watched(app, "ada/home").await, watched(app, "bob/other").await);
        for commit in 2..=4 {
            push(app, home, commit).await;
        }
        push(app, other, 2).await;
        let of = async |body: Value| send(app, Method::POST, "/api/v1/triggers/dry-run", Some(body)).await.json();
        let dry = async |condition: Value| of(json!({ "condition": condition })).await;
        let all = dry(json!({})).await;
        assert_eq!(
            (&all["matched"], &all["events"], &all["is_complete"]),
            (&json!(4), &json!(4), &json!(true)),
            "{all}"
        );
        let home = dry(json!({ "repositories": ["ada/*"], "events": ["branch_updated"] })).await;
        assert_eq!(home["matched"], json!(3));
        let commits: Vec<&str> =
            home["matches"].as_array().unwrap().iter().map(|found| found["commit"].as_str().unwrap()).collect();
        let hash = |byte: u8| ObjectId([byte; 20]).to_string();
        assert_eq!(commits, [hash(4), hash(3), hash(2)], "newest first");
        assert_eq!(dry(json!({ "branches": "^release/" })).await["matched"], json!(0));
        // No clone is at hand here: what is not known is said, and never taken for a no.
        let paths = dry(json!({ "repositories": ["ada/*"], "paths": ["clusters/**"] })).await;
        assert_eq!((&paths["matched"], &paths["unknown"]), (&json!(0), &json!(3)), "{paths}");
        assert!(!paths["notes"].as_array().unwrap().is_empty());

        // Some targets are told of a branch that is gone only where that is asked for, and some not at all.
        let db = &app.state.db;
        let began = watch_state(&db.read, other).await.unwrap().unwrap();
        let txn = db.begin().await.unwrap();
        note_refs(&txn, other, &Look::new(&began, NoticedBy::Poll, vec![]), Utc::now()).await.unwrap();
        txn.commit().await.unwrap();
        for (target, all, named) in
            [(json!(null), 5, 1), (json!("flux"), 5, 1), (json!("tekton"), 4, 1), (json!("gitlab_pipeline"), 4, 0)]
        {
            let matched = async |condition: Value| {
                of(json!({ "condition": condition, "target_kind": target })).await["matched"].clone()
            };
            let found = (matched(json!({})).await, matched(json!({ "events": ["branch_deleted"] })).await);
            assert_eq!(found, (json!(all), json!(named)), "{target}");
        }
    })
    .await;
}

#[tokio::test]
async fn commits_count_up_to_the_first_look_at_their_branches() {
    on_each_engine(async |app| {
        let builder = |name: &str| {
            let change = |version| vec![Change::Modify(Manifest::release("podinfo", version))];
            RepositoryBuilder::new(name)
                .commit(2, "Add", vec![Change::Create(Manifest::release("podinfo", "6.0.0"))])
                .commit(4, "Bump", change("6.1.0"))
                .commit(6, "Bump again", change("6.2.0"))
        };
        let db = &app.state.db;
        builder("ada/never-watched").store(app).await;
        let watched = builder("ada/watched").store(app).await;
        let settings = WatchSettings { is_enabled: true, ..WatchSettings::default() };
        set_watch(&db.write, watched, &settings).await.unwrap();
        let began = watch_state(&db.read, watched).await.unwrap().unwrap();
        let txn = db.begin().await.unwrap();
        note_refs(&txn, watched, &Look::new(&began, NoticedBy::Poll, vec![]), day(5)).await.unwrap();
        txn.commit().await.unwrap();
        let found = async |since, limit| {
            let found = past_commits(&db.read, since, limit).await.unwrap();
            found.into_iter().map(|commit| (commit.repository_full_name, commit.subject)).collect::<Vec<_>>()
        };
        let mut all = found(day(1), 100).await;
        let newest = ("ada/never-watched".to_owned(), "Bump again".to_owned());
        assert_eq!(all[0], newest, "newest first");
        all.sort();
        assert_eq!(
            all.iter().filter(|(name, _)| name == "ada/watched").count(),
            2,
            "what came later are events: {all:?}"
        );
        assert_eq!(all.len(), 5);
        assert_eq!(found(day(5), 100).await, std::slice::from_ref(&newest));
        assert_eq!(found(day(1), 1).await, [newest]);
        // Nobody watches any more: what comes is no event.
        assert!(unset_watch(&db.write, watched).await.unwrap());
        let all = found(day(1), 100).await;
        assert_eq!(all.iter().filter(|(name, _)| name == "ada/watched").count(), 3, "{all:?}");
    })
    .await;
}
