//! Figures for those whose role lets them see them.

use axum::http::{Method, StatusCode};
use entity::kind::Permission;

use super::people::{account, ask, token};
use crate::support::on_each_engine;

#[tokio::test]
async fn who_may_see_metrics_needs_no_token_of_the_configuration() {
    on_each_engine(async |app| {
        let app = app.with_config("server: {metrics: {token: 0123456789abcdef}}");
        let read = async |token: Option<&str>| ask(&app, Method::GET, "/metrics", token, None).await;
        for (role, status) in [
            ("viewer", StatusCode::OK),
            ("developer", StatusCode::OK),
            ("admin", StatusCode::OK),
            ("user", StatusCode::UNAUTHORIZED),
        ] {
            let (_, own) = account(&app, &format!("{role}@test.example.org"), role).await;
            let answer = read(Some(&own)).await;
            assert_eq!(answer.status, status, "{role}");
            assert_eq!(answer.text().contains("kubestats_database_up"), status == StatusCode::OK, "{role}");
        }
        // A token may no more than its scopes.
        let (id, _) = account(&app, "vera@test.example.org", "viewer").await;
        let (only_reads, sees) =
            (token(&app, id, &[Permission::Read], &[]).await, token(&app, id, &[Permission::ViewMetrics], &[]).await);
        assert_eq!(read(Some(&only_reads)).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(read(Some(&sees)).await.status, StatusCode::OK);
        assert_eq!(read(None).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(read(Some("0123456789abcdef")).await.status, StatusCode::OK);
    })
    .await;
}
