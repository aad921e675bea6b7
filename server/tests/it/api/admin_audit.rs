//! The log of what people did, as admins ask for it.

use axum::http::{Method, StatusCode, header};
use entity::kind::{AuditAction, Via};
use entity::view::AuditEntry;
use store::{accounts, audit};
use uuid::Uuid;

use super::people::{account, ask};
use crate::support::{TestApp, day, on_each_engine};

/// Somebody asked for a sync on this day of January.
async fn add(app: &TestApp, on: u32, account_id: Uuid, via: Via, via_id: Uuid) -> AuditEntry {
    let entry = AuditEntry {
        id: Uuid::nil(),
        at: day(on),
        action: AuditAction::SyncRepository,
        account_id: Some(account_id),
        who: "ada@example.org".to_owned(),
        via,
        via_id: Some(via_id),
        object_kind: "repository".to_owned(),
        object_id: None,
        object_name: format!("ada/{on}"),
        before: None,
        after: None,
        address: None,
        request_id: None,
    };
    audit::add_audit_entry(&app.state.db.write, &entry).await.unwrap();
    entry
}

#[tokio::test]
async fn what_people_did_is_asked_for_by_dates_and_told_with_what_let_them_in() {
    on_each_engine(async |app| {
        let (id, _) = account(app, "ada@example.org", "developer").await;
        let token = accounts::list_tokens(&app.state.db.read, id).await.unwrap()[0].id;
        let session = Uuid::from_u128(7);
        add(app, 10, id, Via::Token, token).await;
        add(app, 20, id, Via::Session, session).await;
        let admin = Some(app.token.as_str());
        let log = "/api/v1/admin/audit?action=sync_repository";
        let names = async |dates: &str| {
            ask(app, Method::GET, &format!("{log}{dates}"), admin, None).await.column("object_name")
        };
        assert_eq!(names("").await, ["ada/20", "ada/10"]);
        assert_eq!(names("&since=2026-01-20T12:00:00Z").await, ["ada/20"]);
        assert_eq!(names("&until=2026-01-20T12:00:00Z").await, ["ada/10"], "before that time");
        assert_eq!(names("&since=2026-01-11T00:00:00Z&until=2026-01-20T00:00:00Z").await, [""; 0]);
        let refused = app.refused("/api/v1/admin/audit?since=yesterday&until=2026-01-20").await;
        assert_eq!(refused, ["query.since", "query.until"]);

        let csv = ask(app, Method::GET, &format!("{log}&format=csv"), admin, None).await.text();
        let lines: Vec<&str> = csv.lines().collect();
        assert!(lines[0].ends_with(",account_id,via_id"), "{csv}");
        assert!(lines[1].ends_with(&format!("\"{id}\",\"{session}\"")), "{csv}");
        assert!(lines[2].ends_with(&format!("\"{id}\",\"{token}\"")), "{csv}");
        assert_eq!(lines[1].split("\",\"").count(), lines[0].split(',').count());
    })
    .await;
}

#[tokio::test]
async fn the_logs_page_has_dates_and_names_what_let_people_in() {
    on_each_engine(async |app| {
        let (id, _) = account(app, "ada@example.org", "developer").await;
        let token = accounts::list_tokens(&app.state.db.read, id).await.unwrap()[0].id;
        add(app, 10, id, Via::Token, token).await;
        add(app, 20, id, Via::Session, Uuid::from_u128(7)).await;
        let own = format!("Bearer {}", app.token);
        let page =
            async |query: &str| app.get_with(&format!("/admin/audit?{query}"), &[(header::AUTHORIZATION, &own)]).await;
        let both = page("action=sync_repository").await.text();
        assert!(both.contains("by the token test") && both.contains(&token.to_string()), "{both}");
        assert!(both.contains(&Uuid::from_u128(7).to_string()), "which session, though it is over");
        // Days are meant whole.
        let one = page("action=sync_repository&since=2026-01-10&until=2026-01-10").await.text();
        assert!(one.contains("ada/10") && !one.contains("ada/20"));
        assert!(one.contains("2026-01-11T00"), "what is exported is what is shown");
        assert_eq!(page("since=yesterday").await.status, StatusCode::BAD_REQUEST);
        // A token that is gone has its id still.
        accounts::delete_token(&app.state.db.write, id, token).await.unwrap();
        let gone = page("action=sync_repository").await.text();
        assert!(gone.contains("by a token") && gone.contains(&token.to_string()));
    })
    .await;
}

#[tokio::test]
async fn an_export_has_all_that_matches_however_much_it_is() {
    on_each_engine(async |app| {
        let (ada, _) = account(app, "ada@example.org", "developer").await;
        let (grace, _) = account(app, "grace@example.org", "developer").await;
        // More than is read at once, of which many are of one moment, as what a job does is.
        let many = 1_003;
        let template = add(app, 1, ada, Via::Session, Uuid::from_u128(7)).await;
        let txn = app.state.db.begin().await.unwrap();
        for number in 1..many {
            let at = template.at + chrono::TimeDelta::seconds(number / 400);
            audit::add_audit_entry(&txn, &AuditEntry { at, object_name: format!("ada/{number}"), ..template.clone() })
                .await
                .unwrap();
        }
        txn.commit().await.unwrap();
        add(app, 2, grace, Via::Session, Uuid::from_u128(8)).await;
        let admin = Some(app.token.as_str());
        let export = async |query: &str| {
            let answer = ask(app, Method::GET, &format!("/api/v1/admin/audit/export?{query}"), admin, None).await;
            assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text());
            answer
        };
        let of_ada = format!("action=sync_repository&account_id={ada}");
        let page = |skip| format!("/api/v1/admin/audit?{of_ada}&limit=1000&skip={skip}");
        let mut listed = ask(app, Method::GET, &page(0), admin, None).await.column("object_name");
        listed.extend(ask(app, Method::GET, &page(1_000), admin, None).await.column("object_name"));
        assert_eq!(listed.len(), 1_003);
        let json = export(&of_ada).await;
        assert_eq!((json.count(), json.column("object_name")), (1_003, listed.clone()), "in the order of the list");
        assert_eq!(json.header("content-disposition"), "attachment; filename=\"audit.json\"");
        let csv = export(&format!("{of_ada}&format=csv")).await;
        assert_eq!(csv.header("content-disposition"), "attachment; filename=\"audit.csv\"");
        let text = csv.text();
        let names = text.lines().skip(1).map(|line| line.split("\",\"").nth(6).unwrap().to_owned());
        assert_eq!(names.collect::<Vec<_>>(), listed);
        // Nobody else's, nothing at all, and what can't be asked.
        assert_eq!(export(&format!("account_id={grace}")).await.column("object_name"), ["ada/2"]);
        let none = format!("account_id={}", Uuid::nil());
        assert_eq!(export(&none).await.json(), serde_json::json!({ "data": [], "count": 0 }));
        assert_eq!(export(&format!("{none}&format=csv")).await.text().lines().count(), 1);
        assert_eq!(app.refused("/api/v1/admin/audit/export?since=yesterday").await, ["query.since"]);
        let own = format!("Bearer {}", app.token);
        let shown = app.get_with(&format!("/admin/audit?account_id={ada}"), &[(header::AUTHORIZATION, &own)]).await;
        assert!(shown.text().contains("/api/v1/admin/audit/export?format=csv"), "{}", shown.text());
    })
    .await;
}
