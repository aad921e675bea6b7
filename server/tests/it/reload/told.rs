//! What came of reading the configuration again is told to everybody, of every process, and what is refused to admins in full.

use axum::http::{StatusCode, header};
use entity::kind::{ReloadCause, ReloadOutcome};
use entity::view::{Condition, Live, Pace, Target};
use serde_json::Value;
use server::clock;
use store::{db::ConnectionTrait as _, repositories, triggers};

use super::Process;
use crate::support::on_each_engine;

#[tokio::test]
async fn a_file_with_errors_changes_nothing_and_all_of_them_are_told() {
    on_each_engine(async |app| {
        let process = Process::start(app);
        process.write("repositories: [{url: 'https://h.example/team/app'}]\n");
        process.reload(StatusCode::OK).await;
        let before = process.in_force.get();
        process.write("repositories: []\npolling: {interval: 1s}\napp2: {}\ntriggers: [{name: a}]\n");
        let told = process.reload(StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!((told["outcome"].as_str(), told["error_count"].as_u64()), (Some("refused"), Some(3)), "{told}");
        let errors = told["errors"].as_array().unwrap();
        let place = |error: &Value| format!("{}:{}", error["line"], error["key"].as_str().unwrap());
        let places: Vec<String> = errors.iter().map(place).collect();
        assert_eq!(places, ["4:polling.interval", "5:app2", "6:triggers[0].target"]);
        assert_eq!(process.in_force.get().to_yaml().unwrap(), before.to_yaml().unwrap());
        assert_eq!(repositories::list_sync_targets(&app.state.db.read).await.unwrap().len(), 1);

        // A name that a person took: known by the database alone, and the rest of the file is left alone with it.
        let taken = triggers::NewTrigger {
            name: "mine".to_owned(),
            is_enabled: true,
            condition: Condition::default(),
            target: Target::Flux { url: "https://flux.example/hook".to_owned() },
            pace: Pace::default(),
        };
        triggers::insert_trigger(&app.state.db.write, &taken, clock::now()).await.unwrap();
        process.write(
            "repositories: [{url: 'https://h.example/team/new'}]\ntriggers: [{name: mine, target: {flux: {url: 'https://h/x'}}}]\n",
        );
        let told = process.reload(StatusCode::UNPROCESSABLE_ENTITY).await;
        let message = told["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("there is a trigger named \"mine\" already"), "{message}");
        let names: Vec<String> = repositories::list_sync_targets(&app.state.db.read)
            .await
            .unwrap()
            .into_iter()
            .map(|found| found.full_name)
            .collect();
        assert_eq!(names, ["team/app"]);
        let triggers = triggers::list_triggers(&app.state.db.read, clock::now()).await.unwrap();
        assert!(triggers.len() == 1 && !triggers[0].is_configured);

        // What needs a restart is named, and the rest is in force.
        process.write("server: {idle_timeout: 2m}\n");
        let told = process.reload(StatusCode::OK).await;
        assert_eq!((&told["outcome"], &told["applied"]), (&"applied".into(), &serde_json::json!(["repositories"])));
        assert_eq!(told["needs_restart"], serde_json::json!(["server.idle_timeout"]));

        // Everybody sees that, admins alone what stands in the file.
        let shown = process.reloads().await;
        let outcomes: Vec<&str> = shown.iter().map(|reload| reload["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes, ["applied", "refused", "refused", "applied"]);
        assert_eq!((shown[2]["error_count"].as_u64(), shown[2]["errors"].as_array().unwrap().len()), (Some(3), 0));
        assert!(shown.iter().all(|reload| reload["asked_by"].is_null() && reload["cause"] == "request"));
        let bearer = format!("Bearer {}", process.app.token);
        let shown = process.app.get_with("/api/v1/config/reloads", &[(header::AUTHORIZATION, &bearer)]).await.json();
        assert_eq!(shown[2]["errors"].as_array().unwrap().len(), 3);
        assert!(shown[0]["asked_by"].as_str().is_some_and(|who| who.contains('@')), "{shown}");
        let page = process.app.get("/tasks").await.text();
        assert!(page.contains("the configuration before stays in force") && !page.contains("app2"), "{page}");
        let audit = process.app.get("/api/v1/admin/audit?action=reload_configuration").await;
        assert_eq!(audit.count(), 4, "{}", audit.text());
    })
    .await;
}

#[tokio::test]
async fn every_process_tells_of_the_reloads_of_all() {
    on_each_engine(async |app| {
        let (one, two) = (Process::start(app), Process::named(app, "two-0"));
        one.write("polling: {interval: 7m}\n");
        one.reload(StatusCode::OK).await;
        two.write("polling: {interval: '${APP_TOKEN}'}\ntriggers: [{name: '${APP_TOKEN}'}]\n");
        let refused = two.reloader.run(ReloadCause::File, None).await;
        assert_eq!((refused.outcome, refused.error_count), (ReloadOutcome::Refused, 2));
        let told = one.reloads().await;
        assert_eq!(told, two.reloads().await);
        let of = |reload: &Value| {
            ["worker", "host", "outcome", "cause"].map(|field| reload[field].as_str().unwrap().to_owned())
        };
        let told: Vec<[String; 4]> = told.iter().map(of).collect();
        let expected =
            [["two-0", "host-of-two-0", "refused", "file"], ["one-0", "host-of-one-0", "applied", "request"]];
        assert_eq!(told, expected.map(|words| words.map(str::to_owned)));
        // What is wrong is told in full to admins, and no secret in it.
        let bearer = format!("Bearer {}", app.token);
        let shown = one.app.get_with("/api/v1/config/reloads", &[(header::AUTHORIZATION, &bearer)]).await;
        assert_eq!(shown.json()[0]["errors"].as_array().unwrap().len(), 2);
        assert!(shown.text().contains("${APP_TOKEN}") && !shown.text().contains("secret-token"), "{}", shown.text());
        // A process that can read none again tells of them too, and one that starts anew still does.
        let page = app.get("/tasks").await.text();
        assert!(page.contains("host-of-one-0") && page.contains("host-of-two-0"), "{page}");
        drop((one, two));
        assert_eq!(Process::start(app).reloads().await.len(), 2);
    })
    .await;
}

/// While the database can't be written, what came of a reload waits, and is kept with the next one.
#[tokio::test]
async fn a_reload_that_could_not_be_kept_is_kept_with_the_next() {
    on_each_engine(async |app| {
        let process = Process::start(app);
        let mut heard = app.state.queue.bus().subscribe();
        let mut is_told = || std::iter::from_fn(|| heard.try_recv().ok()).any(|live| live == Live::Reload);
        let w = &app.state.db.write;
        w.execute_unprepared("ALTER TABLE config_reload RENAME TO away").await.unwrap();
        process.write("polling: {interval: 7m}\n");
        assert_eq!(process.reload(StatusCode::OK).await["outcome"], "applied");
        assert!(!is_told(), "there is nothing new to be read yet");
        w.execute_unprepared("ALTER TABLE away RENAME TO config_reload").await.unwrap();
        process.write("polling: {interval: 8m}\n");
        process.reload(StatusCode::OK).await;
        assert!(is_told(), "open pages read it anew");
        let told = process.reloads().await;
        assert_eq!(told.len(), 2);
        assert!(told.iter().all(|reload| reload["applied"] == serde_json::json!(["polling.interval"])), "{told:?}");
    })
    .await;
}
