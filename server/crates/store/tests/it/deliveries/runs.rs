//! What Tekton has to do with deliveries: resources that a commit brings, and how far runs got that a delivery began.

use super::*;

#[tokio::test]
async fn what_a_target_tells_of_its_run_is_kept_in_its_order() {
    on_each_engine(async |db| {
        let id = add(&db, "ci").await;
        let event = Mover::new(&db, "ada/home", "main").await.push(&db).await;
        tell(&db, event, &[id], at(9, 0)).await;
        let claimed = ids(&db, room(5, 5), at(9, 0)).await[0];
        let set = async |answer: &str, state, name: &str, now| {
            set_run_state(&db.write, claimed, answer, state, name, now).await.unwrap();
        };
        let known = async || {
            let told = delivery(&db, claimed).await;
            (told.run_state, told.run_name, told.run_at)
        };
        set("run-7", RunState::Started, "early", at(9, 0)).await;
        assert_eq!(known().await, (None, None, None), "it has not answered yet");
        assert!(is_telling(&db.read).await.unwrap());
        record(&db, claimed, AttemptEnd::Delivered, at(9, 1)).await.unwrap();
        assert!(!is_telling(&db.read).await.unwrap());
        let kind = delivery(&db, claimed).await.target_kind;
        let of = async |answer, kind| find_answered(&db.read, answer, kind).await.unwrap();
        let answered = of("run-7", kind).await.unwrap();
        assert_eq!((answered.delivery_id, answered.trigger_id), (claimed, id));
        assert_eq!(of("run-1", kind).await, None);
        let other = TargetKind::ALL.iter().find(|other| **other != kind).unwrap();
        assert_eq!(of("run-7", *other).await, None);
        assert_eq!(known().await, (None, None, None));
        set("run-7", RunState::Started, "build-x1", at(9, 2)).await;
        assert_eq!(known().await, (Some(RunState::Started), Some("build-x1".into()), Some(at(9, 2))));
        set("run-7", RunState::Failed, "build-x1", at(9, 5)).await;
        set("run-7", RunState::Started, "late", at(9, 6)).await;
        set("run-7", RunState::Succeeded, "build-x1", at(9, 4)).await;
        set("run-1", RunState::Failed, "another", at(9, 9)).await;
        assert_eq!(known().await, (Some(RunState::Failed), Some("build-x1".into()), Some(at(9, 5))));
        // Told once more, it begins another run.
        replay_deliveries(&db, &[claimed], at(10, 0)).await.unwrap();
        ids(&db, room(5, 5), at(10, 0)).await;
        let next = Attempt { number: 2, answer_id: Some("run-8".into()), ..went(AttemptEnd::Delivered) };
        record_attempt(&db, claimed, "w", &next, at(10, 0)).await.unwrap();
        assert_eq!(known().await, (None, None, None));
        // And another three, of which one fails.
        set("run-8", RunState::Succeeded, "first", at(10, 2)).await;
        set("run-8", RunState::Started, "second", at(10, 3)).await;
        assert_eq!(known().await, (Some(RunState::Succeeded), Some("first".into()), Some(at(10, 2))));
        set("run-8", RunState::Failed, "second", at(10, 1)).await;
        set("run-8", RunState::Succeeded, "third", at(10, 5)).await;
        assert_eq!(known().await, (Some(RunState::Failed), Some("second".into()), Some(at(10, 1))));
    })
    .await;
}

fn brings() -> TektonFound {
    let resource = TektonResource {
        api_version: "tekton.dev/v1".into(),
        kind: "PipelineRun".into(),
        name: "build".into(),
        namespace: None,
        path: ".tekton/build.yaml".into(),
        index: 0,
        is_valid: true,
        errors: vec![],
        dependencies: vec!["Task/x".into()],
    };
    TektonFound {
        has_directory: true,
        total_files: 1,
        valid_files: 1,
        resources: vec![resource; 300],
        estimated_action: TektonAction::Trigger,
        ..Default::default()
    }
}

#[tokio::test]
async fn a_commit_that_brings_tekton_resources_is_an_event_of_its_own_once() {
    on_each_engine(async |db| {
        let mut mover = Mover::new(&db, "ada/home", "main").await;
        let learn = async |event, found: &TektonFound| {
            let txn = db.begin().await.unwrap();
            assert!(decide(&txn, event, &[], at(9, 0)).await.unwrap());
            let learned = Learned { tekton: Some(found), is_forced: Some(true) };
            let detected = note_facts(&txn, event, learned, at(9, 0)).await.unwrap();
            txn.commit().await.unwrap();
            detected
        };
        let event = mover.push(&db).await;
        let follows = learn(event, &brings()).await.unwrap();
        let stored = find_branch_event(&db.read, event).await.unwrap().unwrap();
        assert_eq!((stored.is_forced, stored.tekton.as_ref().unwrap().resources.len()), (Some(true), 200), "bounded");
        assert_eq!(
            (follows.kind, &follows.new_commit.unwrap().to_string()),
            (BranchEventKind::TektonDetected, stored.new_commit.as_ref().unwrap())
        );
        // It is decided next, before what happens to the branch afterwards, and knows what was found.
        let later = mover.push(&db).await;
        let due = events_to_follow(&db.read, mover.repository, at(9, 9), 10).await.unwrap();
        assert_eq!(due.iter().map(|due| due.id).collect::<Vec<_>>(), [follows.id]);
        assert_eq!(due[0].tekton.as_ref().map(|found| found.resources.len()), Some(200));
        assert_eq!((due[0].is_undecided, due[0].is_unread), (true, false), "its commit was read");
        assert_eq!(learn(follows.id, &brings()).await, None, "it leads to no further one");
        assert_eq!(learn(later, &TektonFound::default()).await, None, "nothing is brought");
        let of_branch = BranchEventFilter { branch_id: Some(follows.branch_id), ..Default::default() };
        let timeline = list_branch_events(&db.read, &of_branch).await.unwrap().data;
        assert_eq!(timeline.iter().map(|event| event.id).collect::<Vec<_>>(), [later, follows.id, event]);
        let back = look(&db, mover.repository, &[seen("main", 2)], at(9, 3)).await.events[0].id;
        assert_eq!(learn(back, &brings()).await, None, "it was told of this commit");
        let past = past_events(&db.read, at(8, 0), 3).await.unwrap();
        assert_eq!((past.len(), past[0].id, past[0].repository_full_name.as_str()), (3, back, "ada/home"));
        assert_eq!(past[0].tekton.as_ref().map(|found| found.0.resources.len()), Some(200));
    })
    .await;
}

/// A forge's API may tell it before the clone is read.
#[tokio::test]
async fn what_is_told_of_tekton_while_a_commit_is_unread_is_one_event_and_holds_nobody_up() {
    on_each_engine(async |db| {
        let mut mover = Mover::new(&db, "ada/home", "main").await;
        let (event, repository) = (mover.push(&db).await, mover.repository);
        let told = TektonFound { read_by_api: true, ..brings() };
        let tell = async |event| {
            let txn = db.begin().await.unwrap();
            let learned = Learned { tekton: Some(&told), is_forced: None };
            let detected = note_told(&txn, event, learned, at(9, 0)).await.unwrap();
            txn.commit().await.unwrap();
            detected
        };
        let decided = async |event| {
            let txn = db.begin().await.unwrap();
            assert!(decide(&txn, event, &[], at(9, 0)).await.unwrap());
            txn.commit().await.unwrap();
        };
        let kept = async || find_branch_event(&db.read, event).await.unwrap().unwrap().tekton.unwrap();
        let due = async || {
            let due = events_to_follow(&db.read, repository, at(9, 9), 10).await.unwrap();
            due.into_iter().map(|due| (due.id, due.is_undecided, due.is_unread)).collect::<Vec<_>>()
        };
        assert_eq!(tell(event).await, None, "who is told of the change comes first");
        let forced = async |event| {
            let txn = db.begin().await.unwrap();
            let learned = Learned { tekton: None, is_forced: Some(true) };
            assert_eq!(note_told(&txn, event, learned, at(9, 0)).await.unwrap(), None);
            txn.commit().await.unwrap();
            let due = events_to_follow(&db.read, repository, at(9, 9), 10).await.unwrap();
            due.into_iter().map(|due| (due.is_forced, due.tekton.is_some())).collect::<Vec<_>>()
        };
        assert_eq!(forced(event).await, [(Some(true), true)], "neither is forgotten for the other");
        assert!(kept().await.read_by_api && kept().await.resources.len() == 200);
        assert_eq!(due().await, [(event, true, true)]);
        decided(event).await;
        let detected = tell(event).await.unwrap();
        assert_eq!(detected.kind, BranchEventKind::TektonDetected);
        assert_eq!(tell(event).await, None, "it is one event");
        assert_eq!(due().await, [(event, false, true), (detected.id, true, false)]);
        let stored = find_branch_event(&db.read, detected.id).await.unwrap().unwrap();
        assert_eq!(stored.is_forced, Some(true), "it knows what is known of the change");
        decided(detected.id).await;
        let later = mover.push(&db).await;
        let due = events_to_follow(&db.read, repository, at(9, 9), 10).await.unwrap();
        let due: Vec<Uuid> = due.iter().map(|due| due.id).collect();
        assert_eq!(due, [event, later], "what is still read of the first one does not hold the next one up");

        // Then the clone tells, and nobody again.
        let txn = db.begin().await.unwrap();
        assert_eq!(note_facts(&txn, event, Learned::default(), at(9, 1)).await.unwrap(), None);
        txn.commit().await.unwrap();
        assert!(kept().await.read_by_api, "what is known is not forgotten");
        let stored = find_branch_event(&db.read, event).await.unwrap().unwrap();
        assert_eq!(stored.is_forced, Some(true), "nor this");
        assert_eq!(tell(event).await, None);
        let page = BranchEventFilter { kind: Some(BranchEventKind::TektonDetected), ..Default::default() };
        assert_eq!(list_branch_events(&db.read, &page).await.unwrap().count, 1);
    })
    .await;
}
