//! The page of the own account: what ends soon, where one is signed in, and how pages look.

use axum::http::{Method, header};
use chrono::{TimeDelta, Utc};
use entity::kind::{Permission, Role, SessionKind};
use store::accounts::{self, NewSession, NewToken};
use uuid::Uuid;

use super::people::{PASSWORD, by_cookie, cookie, form, location, person};
use crate::support::{TestApp, on_each_engine};

/// Somebody, and what their browser came in with.
async fn signed_in(app: &TestApp) -> (Uuid, String) {
    let id = person(app, "ada@example.org", Role::User).await;
    let answer = form(app, "/sign-in", &[("email", "ada@example.org"), ("password", PASSWORD)], None).await;
    (id, cookie(&answer).unwrap())
}

async fn keep_token(app: &TestApp, account_id: Uuid, name: &str, days: Option<i64>) {
    let new = NewToken {
        account_id,
        token_hash: auth::token::mint().hash,
        name: name.to_owned(),
        scopes: vec![Permission::Read],
        repositories: Vec::new(),
        expires_at: days.map(|days| Utc::now() + TimeDelta::days(days)),
    };
    accounts::insert_token(&app.state.db.write, &new, Utc::now()).await.unwrap();
}

#[tokio::test]
async fn tokens_that_stop_working_soon_are_named_at_the_head() {
    on_each_engine(async |app| {
        let (id, open) = signed_in(app).await;
        let page = async || by_cookie(app, "/account", &open).await.text();
        for (name, days) in [("for-the-month", Some(30)), ("for-ever", None), ("long-over", Some(-1))] {
            keep_token(app, id, name, days).await;
        }
        assert!(!page().await.contains("working soon"));
        keep_token(app, id, "for-two-days", Some(2)).await;
        let shown = page().await;
        let notice = shown.split("stops working soon").nth(1).and_then(|rest| rest.split("</ul>").next()).unwrap();
        assert!(notice.contains("for-two-days"), "{notice}");
        for other in ["for-the-month", "for-ever", "long-over"] {
            assert!(!notice.contains(other), "{notice}");
        }
        keep_token(app, id, "for-a-day", Some(1)).await;
        assert!(page().await.contains("Tokens stop working soon"));
    })
    .await;
}

#[tokio::test]
async fn sessions_that_nobody_used_for_long_are_not_told_as_open() {
    on_each_engine(async |app| {
        let (id, open) = signed_in(app).await;
        let long_ago = Utc::now() - TimeDelta::days(8);
        let forgotten = NewSession {
            id: Uuid::from_u128(9),
            token_hash: [9; 32],
            kind: SessionKind::Browser,
            account_id: Some(id),
            data: "{}".to_owned(),
            created_at: long_ago,
            expires_at: long_ago + TimeDelta::days(30),
            address: None,
            user_agent: Some("forgotten-browser/1".to_owned()),
            family_hash: None,
        };
        accounts::insert_session(&app.state.db.write, &forgotten).await.unwrap();
        let told = by_cookie(app, "/api/v1/users/me/sessions", &open).await.json();
        assert_eq!(told.as_array().unwrap().len(), 1, "{told}");
        assert!(!by_cookie(app, "/account", &open).await.text().contains("forgotten-browser"));
        let own = format!("Bearer {}", app.token);
        let page = app.get_with(&format!("/admin/users/{id}"), &[(header::AUTHORIZATION, &own)]).await.text();
        assert!(page.contains("1 session") && !page.contains("2 sessions"), "{page}");
        // Where sessions last for longer, it is open.
        let patient = app.with_config("accounts: {session_idle: 9d}");
        let told = by_cookie(&patient, "/api/v1/users/me/sessions", &open).await.json();
        assert_eq!(told.as_array().unwrap().len(), 2, "{told}");
        assert!(by_cookie(&patient, "/account", &open).await.text().contains("forgotten-browser"));
    })
    .await;
}

#[tokio::test]
async fn the_theme_is_chosen_there_without_scripts() {
    on_each_engine(async |app| {
        let (_, open) = signed_in(app).await;
        let page = by_cookie(app, "/account", &open).await.text();
        let place = page.split("id=\"appearance\"").nth(1).and_then(|rest| rest.split("</section>").next()).unwrap();
        assert!(place.contains("action=\"/ui/theme\"") && place.contains("value=\"dark\""), "{place}");
        let chosen = form(app, "/ui/theme", &[("theme", "dark")], Some(&open)).await;
        let mut set = chosen.headers.get_all(header::SET_COOKIE).iter().map(|set| set.to_str().unwrap());
        assert!(set.any(|set| set.starts_with("theme=dark")), "{} {}", chosen.status, location(&chosen));
        let dark = app.request(Method::GET, "/account", &[("cookie", &format!("{open}; theme=dark"))]).await.text();
        assert!(dark.contains("data-theme=\"dark\""));
    })
    .await;
}
