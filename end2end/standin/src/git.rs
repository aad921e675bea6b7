//! Git over smart HTTP: refs and packs by `git upload-pack`, protocol v2 where the client asks for it.

use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio_util::io::ReaderStream;

use crate::forge::{Forge, Kind, lock};
use crate::gate::{self, Caller};
use crate::world::{Access, Named};

/// What a client may ask in one request; the haves of a large history are some hundred kilobytes.
const MOST: usize = 32 << 20;

/// Everything that is no API: git's paths, or 404.
pub(crate) async fn serve(State(forge): State<Arc<Forge>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let caller = request.extensions().get().copied().unwrap_or(Caller::Anonymous);
    let (name, refs) = match (request.method(), path.strip_suffix("/info/refs"), path.strip_suffix("/git-upload-pack"))
    {
        (&Method::GET, Some(name), _) => (name, true),
        (&Method::POST, _, Some(name)) => (name, false),
        _ => return not_found(forge.kind()),
    };
    let name = name.trim_start_matches('/').trim_end_matches(".git").to_owned();
    if refs && query.split('&').all(|pair| pair != "service=git-upload-pack") {
        return (StatusCode::FORBIDDEN, "Please upgrade your git client.\n").into_response();
    }
    let git = match find(&forge, &name, caller, &path, &query) {
        Ok(git) => git,
        Err(refused) => return *refused,
    };
    let protocol = request.headers().get("git-protocol").cloned();
    if refs { advertise(&git, protocol.as_ref()).await } else { upload(&forge, &git, protocol.as_ref(), request).await }
}

fn not_found(kind: Kind) -> Response {
    match kind {
        Kind::GitHub => gate::said(StatusCode::NOT_FOUND, "Not Found", "https://docs.github.com/rest"),
        _ => (StatusCode::NOT_FOUND, "Not Found\n").into_response(),
    }
}

/// The bare repository behind a name, or why it is not served.
fn find(
    forge: &Forge,
    name: &str,
    caller: Caller,
    path: &str,
    query: &str,
) -> Result<std::path::PathBuf, Box<Response>> {
    let hidden = || {
        // Whether it exists is nobody's business: a stranger is asked for a password either way.
        let status = if caller.token().is_some() { StatusCode::NOT_FOUND } else { StatusCode::UNAUTHORIZED };
        let mut response = (status, "Repository not found.\n").into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"forge\""));
        }
        Box::new(response)
    };
    if caller == Caller::Stranger || (forge.options.git_needs_token && caller.token().is_none()) {
        return Err(hidden());
    }
    let world = forge.world();
    let (id, moved) = match world.named(name) {
        Some(Named::Here(id)) => (id, false),
        Some(Named::Moved(id)) => (id, true),
        None => return Err(hidden()),
    };
    let repository = world.by_id(id).ok_or_else(hidden)?;
    match repository.state {
        Access::Private if !caller.sees_private() => return Err(hidden()),
        Access::Blocked => {
            let message = "Repository unavailable due to DMCA takedown.\n";
            return Err(Box::new((StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS, message).into_response()));
        }
        Access::Private | Access::Public => {}
    }
    if moved {
        let rest = path.rsplit_once(name).map_or("", |(_, rest)| rest.trim_start_matches(".git"));
        let mut target = format!("{}{rest}", forge.clone_url(&repository.full_name()));
        if !query.is_empty() {
            target = format!("{target}?{query}");
        }
        let location = [(header::LOCATION, target)];
        return Err(Box::new((StatusCode::MOVED_PERMANENTLY, location, "").into_response()));
    }
    Ok(repository.git.clone())
}

fn upload_pack(git: &Path, protocol: Option<&HeaderValue>, advertise: bool) -> Command {
    let mut command = Command::new("git");
    command
        .args(["-c", "safe.directory=*", "-c", "uploadpack.allowFilter=true"])
        .args(["-c", "uploadpack.allowAnySHA1InWant=true", "upload-pack", "--stateless-rpc"])
        .args(advertise.then_some("--http-backend-info-refs"))
        .arg(git)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env_remove("GIT_DIR")
        .env_remove("GIT_PROTOCOL")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    if let Some(protocol) = protocol.and_then(|value| value.to_str().ok()) {
        command.env("GIT_PROTOCOL", protocol);
    }
    command
}

async fn advertise(git: &Path, protocol: Option<&HeaderValue>) -> Response {
    match upload_pack(git, protocol, true).stdin(Stdio::null()).output().await {
        Ok(output) if output.status.success() => {
            // Version 2 answers with capabilities only; the older ones are announced by the service's name.
            let mut body = Vec::with_capacity(output.stdout.len() + 64);
            if !output.stdout.starts_with(b"000eversion 2") {
                body.extend_from_slice(b"001e# service=git-upload-pack\n0000");
            }
            body.extend_from_slice(&output.stdout);
            answer("application/x-git-upload-pack-advertisement", Body::from(body))
        }
        Ok(_) | Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "git upload-pack failed\n").into_response(),
    }
}

async fn upload(forge: &Forge, git: &Path, protocol: Option<&HeaderValue>, request: Request) -> Response {
    let gzip = is_gzip(request.headers());
    let Ok(body) = to_bytes(request.into_body(), MOST).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let mut asked = Vec::new();
    if gzip {
        let limit = u64::try_from(MOST).unwrap_or(u64::MAX);
        if GzDecoder::new(body.as_ref()).take(limit).read_to_end(&mut asked).is_err() {
            return (StatusCode::BAD_REQUEST, "the body is no gzip\n").into_response();
        }
    } else {
        asked.extend_from_slice(&body);
    }
    {
        let refs = asked.windows(15).take(64).any(|part| part == b"command=ls-refs");
        let counters = &mut lock(&forge.record).counters;
        if refs {
            counters.git_refs += 1;
        } else {
            counters.git_fetch += 1;
        }
    }
    let Ok(mut child) = upload_pack(git, protocol, false).stdin(Stdio::piped()).spawn() else {
        return (StatusCode::INTERNAL_SERVER_ERROR, "git cannot be started\n").into_response();
    };
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    tokio::spawn(async move {
        // A client that goes away closes the pipes; that is its right and no error here.
        let _ = stdin.write_all(&asked).await;
        drop(stdin);
        let _ = child.wait().await;
    });
    answer("application/x-git-upload-pack-result", Body::from_stream(ReaderStream::with_capacity(stdout, 64 << 10)))
}

fn is_gzip(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_ENCODING).is_some_and(|value| value == "gzip" || value == "x-gzip")
}

fn answer(content_type: &'static str, body: Body) -> Response {
    let headers = [(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "no-cache")];
    (headers, body).into_response()
}
