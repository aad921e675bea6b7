//! The log of what people did, as admins ask for it.

use axum::http::{Method, StatusCode, header};
use entity::kind::{AuditAction, Via};
use entity::view::AuditEntry;
use store::{accounts, audit};
use uuid::Uuid;

use super::people::{account, ask};
use crate::support::{TestApp, day, on_each_engine};

/// Somebody asked for a sync on this day of January.
async fn add(app: &TestApp, on: u32, account_id: Uuid, via: Via, via_id: Uuid) {
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
