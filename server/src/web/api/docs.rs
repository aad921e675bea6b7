//! The interactive documentation of the API under `/docs`: Swagger UI, from inside the program.

use std::{collections::HashMap, sync::LazyLock};

use axum::{
    Router,
    body::Bytes,
    extract::Path,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse as _, Redirect, Response},
    routing::get,
};
use tower_http::set_header::SetResponseHeaderLayer;

use super::openapi::PATH;
use crate::{
    state::AppState,
    web::{assets::Asset, etag::tag_reads, security},
};

/// Swagger UI's files as gzip, by name.
const EMBEDDED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/docs.rs"));

static FILES: LazyLock<HashMap<&str, Asset>> = LazyLock::new(|| {
    let file = |(name, gzip): &(&'static str, &'static [u8])| {
        let name = name.trim_end_matches(".gz");
        (name, Asset::new(name, false, None, None, Some(Bytes::from_static(gzip))))
    };
    EMBEDDED.iter().map(file).collect()
});

const PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="UTF-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>API · Kubestats</title>
    <link rel="stylesheet" href="swagger-ui.css">
    <link rel="icon" type="image/svg+xml" href="/favicon.svg">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="swagger-ui-bundle.js"></script>
    <script src="swagger-ui-standalone-preset.js"></script>
    <script src="swagger-initializer.js"></script>
  </body>
</html>
"#;

/// `/docs` and what belongs to it.
pub(super) fn router() -> Router<AppState> {
    let start = format!(
        "window.ui = SwaggerUIBundle({{ dom_id: '#swagger-ui', url: '{PATH}', deepLinking: true, layout: 'StandaloneLayout', \
         presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset] }});\n"
    );
    let start: Bytes = start.into();
    let script: [(HeaderName, HeaderValue); 1] =
        [(header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"))];
    Router::new()
        .route("/docs", get(async || Redirect::to("/docs/")))
        .route("/docs/", get(async || Html(PAGE)))
        // Where RepoSentry had it.
        .route("/swagger/", get(async || Redirect::to("/docs/")))
        .route("/swagger/doc.json", get(async || Redirect::to(PATH)))
        .route("/docs/swagger-initializer.js", get(async move || (script, start)))
        .layer(axum::middleware::from_fn(tag_reads))
        .route("/docs/{file}", get(file))
        .layer(SetResponseHeaderLayer::overriding(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(security::DOCS_POLICY),
        ))
}

async fn file(Path(name): Path<String>, request: HeaderMap) -> Response {
    FILES.get(name.as_str()).map_or_else(|| StatusCode::NOT_FOUND.into_response(), |file| file.answer(&request))
}
