use chrono::TimeDelta;
use entity::kind::{AuditAction, LinkKind, Permission, SessionKind, Via};
use entity::view::{AuditEntry, AuditFilter, PageQuery};
use store::accounts::*;
use store::audit::{
    add_audit_entry, list_audit_entries, list_audit_entries_after, remove_audit_entries_before, remove_refused_before,
};
use store::secrets;
use uuid::Uuid;

use crate::support::{at, on_each_engine};

fn new(email: &str, role: &str) -> NewAccount {
    NewAccount {
        email: email.to_owned(),
        full_name: Some("Ada Byron".to_owned()),
        role: role.to_owned(),
        password_hash: None,
    }
}

fn session(hash: u8, account: Option<Uuid>, kind: SessionKind) -> NewSession {
    NewSession {
        id: Uuid::from_u128(u128::from(hash)),
        token_hash: [hash; 32],
        kind,
        account_id: account,
        data: "{}".to_owned(),
        created_at: at(8, 0),
        expires_at: at(8, 0) + TimeDelta::days(1),
        address: None,
        user_agent: Some("a browser".to_owned()),
        family_hash: (kind == SessionKind::Api).then_some([7; 32]),
    }
}

#[tokio::test]
async fn an_account_is_found_by_what_lets_it_in_and_by_nothing_else() {
    on_each_engine(async |db| {
        let w = &db.write;
        assert!(!is_set_up(&db.read).await.unwrap());
        let id = insert_account(w, &new("ada@example.org", "operator"), at(8, 0)).await.unwrap();
        let again = insert_account(w, &new("ada@example.org", "user"), at(8, 0)).await.unwrap_err();
        assert!(again.is_taken(), "{again}");
        assert!(is_set_up(&db.read).await.unwrap());
        // A role that is not there lets nobody do anything; once it is, it counts.
        assert_eq!(find_account(&db.read, id).await.unwrap().unwrap().permissions, []);
        add_role(w, "operator", &[Permission::Read, Permission::RunJobs], at(8, 0)).await.unwrap();
        assert!(add_role(w, "operator", &[], at(8, 0)).await.unwrap_err().is_taken());
        assert!(insert_session(w, &session(1, Some(id), SessionKind::Browser)).await.unwrap());
        assert!(!insert_session(w, &session(1, None, SessionKind::Browser)).await.unwrap(), "the same token twice");
        let holder = find_session(&db.read, &[1; 32]).await.unwrap().unwrap().holder.unwrap();
        assert_eq!((holder.id, holder.permissions.iter().count()), (id, 2));
        assert!(find_session(&db.read, &[2; 32]).await.unwrap().is_none());
        assert!(find_api_session(&db.read, Uuid::from_u128(1)).await.unwrap().is_none(), "a browser is no program");
        let token = NewToken {
            account_id: id,
            token_hash: [3; 32],
            name: "ci".to_owned(),
            scopes: vec![Permission::Read],
            repositories: vec!["ada/*".to_owned()],
            expires_at: Some(at(8, 0) + TimeDelta::days(2)),
        };
        let token = insert_token(w, &token, at(8, 0)).await.unwrap();
        touch_token(w, token, Some("192.0.2.7"), at(9, 0)).await.unwrap();
        let found = find_token(&db.read, &[3; 32]).await.unwrap().unwrap();
        assert_eq!((found.token.id, found.token.used_from.as_deref()), (token, Some("192.0.2.7")));
        assert_eq!(list_tokens(&db.read, id).await.unwrap(), [found.token]);
        link_identity(w, id, "https://id.example.org", "7", Some("a@b.example"), at(8, 0)).await.unwrap();
        let of = async |subject| find_by_identity(&db.read, "https://id.example.org", subject).await.unwrap();
        assert_eq!(of("7").await.map(|found| (found.id, found.email)), Some((id, "ada@example.org".to_owned())));
        assert!(of("8").await.is_none());
        // Whoever is switched off is nobody, whatever they hold.
        assert!(set_active(w, id, false).await.unwrap());
        assert!(find_session(&db.read, &[1; 32]).await.unwrap().unwrap().holder.is_none());
        assert!(find_token(&db.read, &[3; 32]).await.unwrap().unwrap().holder.is_none());
        // And nothing of an account that is gone opens anything.
        assert!(delete_account(w, id).await.unwrap());
        assert!(find_session(&db.read, &[1; 32]).await.unwrap().is_none());
        assert!(find_token(&db.read, &[3; 32]).await.unwrap().is_none());
        assert!(of("7").await.is_none());
    })
    .await;
}

#[tokio::test]
async fn what_works_once_works_once() {
    on_each_engine(async |db| {
        let w = &db.write;
        let id = insert_account(w, &new("ada@example.org", "user"), at(8, 0)).await.unwrap();
        let link = StoredLink::of(LinkKind::Invite, Some(id));
        add_link(w, &[1; 32], link.clone(), at(9, 0), at(8, 0)).await.unwrap();
        add_link(w, &[2; 32], link.clone(), at(9, 0), at(8, 0)).await.unwrap();
        let first = find_link(&db.read, &[1; 32], at(8, 1)).await.unwrap();
        assert_eq!(first.as_ref(), Some(&link), "a newer one ends none");
        assert_eq!(find_link(&db.read, &[2; 32], at(9, 0)).await.unwrap(), None, "its time is over");
        assert_eq!(take_link(w, &[2; 32], at(8, 1)).await.unwrap(), Some(link));
        assert_eq!(take_link(w, &[2; 32], at(8, 1)).await.unwrap(), None);
        let waits =
            StoredLink { email: Some("new@example.org".to_owned()), ..StoredLink::of(LinkKind::Address, Some(id)) };
        add_link(w, &[3; 32], waits.clone(), at(9, 0), at(8, 0)).await.unwrap();
        assert_eq!(find_link(&db.read, &[3; 32], at(8, 1)).await.unwrap(), Some(waits));
        let waiting = async |now| find_waiting_address(&db.read, id, now).await.unwrap().map(|waiting| waiting.email);
        assert_eq!((waiting(at(8, 1)).await.as_deref(), waiting(at(9, 0)).await), (Some("new@example.org"), None));
        assert!(remove_links_for(w, id, LinkKind::Address).await.unwrap());
        assert!(!remove_links_for(w, id, LinkKind::Address).await.unwrap());
        assert_eq!((waiting(at(8, 1)).await, find_link(&db.read, &[3; 32], at(8, 1)).await.unwrap()), (None, None));
        assert!(find_link(&db.read, &[1; 32], at(8, 1)).await.unwrap().is_some(), "others are left alone");
        remove_links(w, id).await.unwrap();
        assert_eq!(find_link(&db.read, &[1; 32], at(8, 1)).await.unwrap(), None);
        set_totp(w, id, Some(vec![1]), Some(at(8, 0))).await.unwrap();
        assert!(take_totp_step(w, id, 100).await.unwrap());
        assert!(!take_totp_step(w, id, 100).await.unwrap() && !take_totp_step(w, id, 99).await.unwrap());
        assert!(take_totp_step(w, id, 101).await.unwrap());
        replace_recovery_codes(w, id, &[[1; 32], [2; 32]]).await.unwrap();
        assert!(take_recovery_code(w, id, &[1; 32]).await.unwrap());
        assert!(!take_recovery_code(w, id, &[1; 32]).await.unwrap());
        replace_recovery_codes(w, id, &[]).await.unwrap();
        assert!(!take_recovery_code(w, id, &[2; 32]).await.unwrap());
        insert_session(w, &session(1, Some(id), SessionKind::Api)).await.unwrap();
        let ends = at(8, 0) + TimeDelta::days(3);
        assert!(rotate_session(w, &[1; 32], (&[2; 32], &[8; 32]), ends, at(9, 0)).await.unwrap());
        assert!(!rotate_session(w, &[1; 32], (&[3; 32], &[8; 32]), ends, at(9, 0)).await.unwrap());
        assert!(find_session_of_family(w, &[7; 32]).await.unwrap().is_none());
        assert_eq!(find_session_of_family(w, &[8; 32]).await.unwrap().unwrap().id, Uuid::from_u128(1));
        // A code is counted once, whoever else counts one at the same time.
        assert!(count_code(w, id, 0, None).await.unwrap() && !count_code(w, id, 0, None).await.unwrap());
        assert!(count_code(w, id, 1, Some(at(9, 0))).await.unwrap());
        let found = find_credentials(w, id).await.unwrap().unwrap();
        assert_eq!((found.wrong_codes, found.codes_after), (2, Some(at(9, 0).into())));
        assert!(forget_wrong_codes(w, id).await.unwrap());
        let found = find_credentials(w, id).await.unwrap().unwrap();
        assert_eq!((found.wrong_codes, found.codes_after), (0, None));
    })
    .await;
}

#[tokio::test]
async fn who_was_known_by_a_password_comes_in_while_it_is_the_same() {
    on_each_engine(async |db| {
        let w = &db.write;
        let id = insert_account(w, &new("ada@example.org", "user"), at(8, 0)).await.unwrap();
        let holds = async |since| {
            let txn = db.begin().await.unwrap();
            let holds = hold_account(&txn, id, since).await.unwrap();
            txn.rollback().await.unwrap();
            holds
        };
        assert!(holds(None).await && !holds(Some(at(8, 0))).await, "there is none yet");
        set_password(w, id, "one", at(8, 1)).await.unwrap();
        assert!(holds(Some(at(8, 1))).await && !holds(Some(at(8, 2))).await && !holds(None).await);
        assert!(replace_password_hash(w, id, "one", "two").await.unwrap());
        assert!(holds(Some(at(8, 1))).await, "another hash of the same password");
        // A reset came between the look at the old hash and the new one of it.
        set_password(w, id, "three", at(8, 2)).await.unwrap();
        assert!(!replace_password_hash(w, id, "two", "four").await.unwrap());
        let found = find_credentials(w, id).await.unwrap().unwrap();
        assert_eq!((found.password_hash.as_deref(), holds(Some(at(8, 1))).await), (Some("three"), false));
        assert!(holds(Some(at(8, 2))).await);
        set_active(w, id, false).await.unwrap();
        assert!(!holds(Some(at(8, 2))).await, "whoever is switched off comes in no more");
    })
    .await;
}

#[tokio::test]
async fn no_session_outlives_the_reset_of_a_password_beside_which_it_was_opened() {
    on_each_engine(async |db| {
        let id = insert_account(&db.write, &new("ada@example.org", "user"), at(8, 0)).await.unwrap();
        let mut since = None;
        for round in 1..=20 {
            let now = at(8, u32::from(round));
            let opens = async {
                let txn = db.begin().await.unwrap();
                if hold_account(&txn, id, since).await.unwrap() {
                    insert_session(&txn, &session(round, Some(id), SessionKind::Browser)).await.unwrap();
                }
                txn.commit().await.unwrap();
            };
            let resets = async {
                let txn = db.begin().await.unwrap();
                set_password(&txn, id, "hash", now).await.unwrap();
                delete_sessions(&txn, id, None).await.unwrap();
                txn.commit().await.unwrap();
            };
            match round % 2 {
                0 => tokio::join!(opens, resets),
                _ => tokio::join!(resets, opens),
            };
            assert!(list_sessions(&db.read, id, now).await.unwrap().is_empty(), "round {round}");
            since = Some(now);
        }
    })
    .await;
}

#[tokio::test]
async fn sessions_end_by_themselves_and_by_hand() {
    on_each_engine(async |db| {
        let w = &db.write;
        let id = insert_account(w, &new("ada@example.org", "user"), at(8, 0)).await.unwrap();
        for hash in 1..=4 {
            insert_session(w, &session(hash, Some(id), SessionKind::Browser)).await.unwrap();
        }
        touch_session(w, Uuid::from_u128(2), Some("192.0.2.7"), at(9, 0)).await.unwrap();
        let is_open = async |id, idle_since, now| {
            find_open_session(&db.read, Uuid::from_u128(id), idle_since, now).await.unwrap().is_some()
        };
        assert!(is_open(2, at(8, 30), at(9, 0)).await && !is_open(3, at(8, 30), at(9, 0)).await, "not used since");
        assert!(!is_open(2, at(8, 30), at(8, 0) + TimeDelta::days(1)).await, "its time is over");
        let open = list_sessions(&db.read, id, at(9, 0)).await.unwrap();
        assert_eq!((open.len(), open[0].id, open[0].address.as_deref()), (4, Uuid::from_u128(2), Some("192.0.2.7")));
        assert_eq!(count_active_accounts(&db.read, at(9, 0)).await.unwrap(), 1);
        assert!(delete_session(w, id, Uuid::from_u128(1)).await.unwrap());
        assert!(!delete_session(w, Uuid::from_u128(9), Uuid::from_u128(2)).await.unwrap(), "somebody else's");
        assert_eq!(prune_sessions(w, at(8, 30), at(9, 0)).await.unwrap(), 2, "those that were not seen since");
        assert_eq!(delete_sessions(w, id, Some(Uuid::from_u128(2))).await.unwrap(), 0);
        assert_eq!(delete_sessions(w, id, None).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn sessions_that_ended_by_not_being_used_are_not_open() {
    on_each_engine(async |db| {
        let w = &db.write;
        let id = insert_account(w, &new("ada@example.org", "user"), at(8, 0)).await.unwrap();
        for (hash, kind) in [(1, SessionKind::Browser), (2, SessionKind::Browser), (3, SessionKind::Api)] {
            insert_session(w, &session(hash, Some(id), kind)).await.unwrap();
        }
        touch_session(w, Uuid::from_u128(2), None, at(9, 0)).await.unwrap();
        let open = async |idle_since, now| {
            let open = list_open_sessions(&db.read, id, IdleSince(idle_since), now).await.unwrap();
            open.into_iter().map(|session| session.id.as_u128()).collect::<Vec<_>>()
        };
        assert_eq!(open(at(8, 30), at(9, 0)).await, [2, 3], "a program's ends by its time alone");
        assert_eq!(open(at(8, 0), at(9, 0)).await.len(), 3);
        assert_eq!(open(at(8, 0), at(8, 0) + TimeDelta::days(1)).await.len(), 0, "their time is over");
        assert_eq!(list_sessions(&db.read, id, at(9, 0)).await.unwrap().len(), 3);
    })
    .await;
}

#[tokio::test]
async fn what_let_somebody_in_is_told_while_it_is_there() {
    on_each_engine(async |db| {
        let w = &db.write;
        let id = insert_account(w, &new("ada@example.org", "user"), at(8, 0)).await.unwrap();
        insert_session(w, &session(1, Some(id), SessionKind::Browser)).await.unwrap();
        let (browser, gone) = (Uuid::from_u128(1), Uuid::from_u128(9));
        let agents = session_agents(&db.read, &[browser, gone, browser]).await.unwrap();
        assert_eq!(agents, [(browser, Some("a browser".to_owned()))]);
        let token = NewToken {
            account_id: id,
            token_hash: [3; 32],
            name: "ci".to_owned(),
            scopes: vec![Permission::Read],
            repositories: Vec::new(),
            expires_at: None,
        };
        let token = insert_token(w, &token, at(8, 0)).await.unwrap();
        assert_eq!(token_names(&db.read, &[gone, token]).await.unwrap(), [(token, "ci".to_owned())]);
        assert!(token_names(&db.read, &[]).await.unwrap().is_empty());
        assert!(session_agents(&db.read, &[]).await.unwrap().is_empty());
    })
    .await;
}

/// What somebody did to a repository on that minute after eight.
fn entry(minute: u32, action: AuditAction, who: &str, name: &str) -> AuditEntry {
    AuditEntry {
        id: Uuid::nil(),
        at: at(8, minute),
        action,
        account_id: Some(Uuid::from_u128(who.len() as u128)),
        who: who.to_owned(),
        via: Via::Session,
        via_id: None,
        object_kind: "repository".to_owned(),
        object_id: None,
        object_name: name.to_owned(),
        before: Some(serde_json::json!({ "sync_status": "blocked" })),
        after: None,
        address: Some("192.0.2.7".to_owned()),
        request_id: None,
    }
}

#[tokio::test]
async fn all_that_people_did_is_read_on_by_what_was_read_last() {
    on_each_engine(async |db| {
        // Ten at each of three times.
        for number in 0..30 {
            let told = entry(number % 3, AuditAction::SyncRepository, "ada@example.org", &format!("ada/{number}"));
            add_audit_entry(&db.write, &told).await.unwrap();
        }
        let until = Some(at(8, 2));
        for (filter, expected) in [(AuditFilter::default(), 30), (AuditFilter { until, ..AuditFilter::default() }, 20)]
        {
            let whole = list_audit_entries(&db.read, &filter, PageQuery::default()).await.unwrap().data;
            let (mut read, mut after) = (Vec::new(), None);
            loop {
                let next = list_audit_entries_after(&db.read, &filter, after, 7).await.unwrap();
                let Some(last) = next.last() else { break };
                assert!(next.len() <= 7);
                after = Some((last.at, last.id));
                read.extend(next);
            }
            assert_eq!((read.len(), &read), (expected, &whole), "each once, in the order of the list");
        }
    })
    .await;
}

#[tokio::test]
async fn what_people_did_is_found_by_who_what_and_when() {
    on_each_engine(async |db| {
        add_audit_entry(&db.write, &entry(1, AuditAction::SyncRepository, "ada@example.org", "ada/One")).await.unwrap();
        add_audit_entry(&db.write, &entry(2, AuditAction::BlockRepository, "grace@example.org", "ada/100%"))
            .await
            .unwrap();
        let find = async |filter: AuditFilter| {
            let found = list_audit_entries(&db.read, &filter, PageQuery::default()).await.unwrap();
            (found.count, found.data.into_iter().map(|entry| entry.object_name).collect::<Vec<_>>())
        };
        assert_eq!(find(AuditFilter::default()).await, (2, vec!["ada/100%".to_owned(), "ada/One".to_owned()]));
        let action = Some(AuditAction::SyncRepository);
        assert_eq!(find(AuditFilter { action, ..AuditFilter::default() }).await, (1, vec!["ada/One".to_owned()]));
        let text = |text: &str| AuditFilter { text: Some(text.to_owned()), ..AuditFilter::default() };
        assert_eq!(find(text("GRACE")).await.0, 1);
        assert_eq!(find(text("one")).await.0, 1);
        assert_eq!(find(text("0%")).await.0, 1);
        let until = Some(at(8, 2));
        assert_eq!(find(AuditFilter { until, ..AuditFilter::default() }).await.1, ["ada/One"]);
        assert_eq!(find(AuditFilter { since: until, ..AuditFilter::default() }).await.1, ["ada/100%"]);
        // What strangers add goes in time; what people did stays.
        let refused = entry(3, AuditAction::SignInRefused, "nobody", "eve@example.org");
        add_audit_entry(&db.write, &refused).await.unwrap();
        assert_eq!(remove_refused_before(&db.write, at(8, 3)).await.unwrap(), 0);
        assert_eq!(remove_refused_before(&db.write, at(9, 0)).await.unwrap(), 1);
        assert_eq!(find(AuditFilter::default()).await.0, 2);
        assert_eq!(remove_audit_entries_before(&db.write, at(8, 2)).await.unwrap(), 1);
        assert_eq!(find(AuditFilter::default()).await.1, ["ada/100%"]);
    })
    .await;
}

#[tokio::test]
async fn secrets_are_kept_as_they_were_sealed() {
    on_each_engine(async |db| {
        secrets::put_secret(&db.write, "forge:github.com", vec![1, 2], at(8, 0)).await.unwrap();
        secrets::put_secret(&db.write, "forge:github.com", vec![3], at(9, 0)).await.unwrap();
        assert_eq!(secrets::find_secret(&db.read, "forge:github.com").await.unwrap(), Some(vec![3]));
        assert_eq!(secrets::list_secrets(&db.read, "").await.unwrap(), [("forge:github.com".to_owned(), at(9, 0))]);
        // By host, the port too, and nothing that is kept for another purpose.
        let other = secrets::of_forge("git.example.org:3000");
        for name in [other.as_str(), &secrets::of_webhook(Uuid::nil()), "forgery:github.com"] {
            secrets::put_secret(&db.write, name, vec![4], at(9, 0)).await.unwrap();
        }
        let hosts = [("git.example.org:3000".to_owned(), at(9, 0)), ("github.com".to_owned(), at(9, 0))];
        assert_eq!(secrets::list_with_token(&db.read).await.unwrap(), hosts);
        let tokens = secrets::list_forge_tokens(&db.read).await.unwrap().into_iter();
        let tokens: Vec<_> = tokens.map(|(host, secret)| (host, secret.name, secret.sealed)).collect();
        let token = |host: &str, sealed| (host.to_owned(), secrets::of_forge(host), vec![sealed]);
        assert_eq!(tokens, [token("git.example.org:3000", 4), token("github.com", 3)]);
        assert!(secrets::remove_secret(&db.write, "forge:github.com").await.unwrap());
        assert_eq!(secrets::find_secret(&db.read, "forge:github.com").await.unwrap(), None);
    })
    .await;
}
