//! Pages by Leptos, its server functions under `/ui`, and the site's files under `/assets`.

use std::sync::Arc;

use app::{
    app::{App, shell},
    context::{Assets, ServerContext},
    reload::BUILD,
};
use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use leptos::{
    nonce::use_nonce,
    prelude::{AnyView, IntoAny as _, provide_context, use_context},
};
use leptos_axum::{LeptosRoutes as _, ResponseOptions, generate_route_list, render_app_async_with_context};

use super::{api::problem, assets::Site, reading::Reading, security};
use crate::state::AppState;

/// Where the site's files are served.
pub const ASSETS: &str = "/assets/";

/// Every page, every server function, every file of the site.
pub(super) fn routes(state: &AppState) -> Router<AppState> {
    let pages = generate_route_list(App);
    let with_slash: Vec<String> = pages
        .iter()
        .map(|page| page.path().trim_end_matches('/'))
        // What ends with any path takes slashes too.
        .filter(|path| !path.is_empty() && !path.contains('*'))
        .map(|path| format!("{path}/"))
        .collect();
    let router = with_slash.iter().fold(Router::new(), |router, path| router.route(path, get(without_slash)));
    router.leptos_routes_with_context(state, pages, lend(state), document(state)).route("/assets/{*name}", get(asset))
}

/// Leads from a page's address with a slash at its end to the page.
async fn without_slash(state: State<AppState>, request: Request<Body>) -> Response {
    let uri = request.uri();
    // More slashes are no page, and could lead to another host.
    if uri.path().contains("//") {
        return file_or_not_found(state, request).await;
    }
    let path = uri.path().trim_end_matches('/');
    let place = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    Redirect::permanent(&place).into_response()
}

/// Answers what no route does: a file such as `/favicon.ico`, else the page that says there is nothing.
pub(super) async fn file_or_not_found(State(state): State<AppState>, request: Request<Body>) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return problem::unknown_path(request.uri().clone()).await.into_response();
    }
    if let Some(file) = state.site.serve_at_root(request.uri().path(), request.headers()).await {
        return file;
    }
    let mut response = render_app_async_with_context(lend(&state), document(&state))(request).await;
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

async fn asset(State(site): State<Arc<Site>>, Path(name): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    match site.serve(&name, &headers).await {
        Some(file) => file,
        None => problem::unknown_path(uri).await.into_response(),
    }
}

/// What every page and server function gets: the context, and the policy for this answer's nonce.
fn lend(state: &AppState) -> impl Fn() + Clone + Send + Sync + 'static {
    let state = state.clone();
    // cargo-leptos sets it while it watches; the page then holds a script that opens a socket.
    let reload = std::env::var_os("LEPTOS_WATCH").is_some();
    move || {
        let reading = use_context::<Parts>().and_then(|parts| parts.extensions.get::<Reading>().cloned());
        match reading {
            Some(Reading(db)) => provide_context(ServerContext { db, ..state.context.clone() }),
            None => provide_context(state.context.clone()),
        }
        let Some(response) = use_context::<ResponseOptions>() else { return };
        response.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if let Ok(build) = HeaderValue::from_str(&state.site.build()) {
            response.insert_header(HeaderName::from_static(BUILD), build);
        }
        if let Some(nonce) = use_nonce()
            && let Ok(policy) = HeaderValue::from_str(&security::page_policy(&nonce, reload))
        {
            response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
}

/// The shell with the addresses of the site's files as they are now.
fn document(state: &AppState) -> impl Fn() -> AnyView + Clone + Send + Sync + 'static {
    let site = Arc::clone(&state.site);
    move || shell(&Assets::from_manifest(&site.manifest(), ASSETS, site.build())).into_any()
}
