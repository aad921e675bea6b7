//! Who asks: found out once for each request, by its token or its cookie, with at most one question to the database.

mod sessions;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actions::{Actions, Actor, Door};
use app::context::SHOWN_COOKIE;
use app::cookies;
use auth::jwt::{AUDIENCE, Claims, ISSUER, JwtKeys};
use auth::seal::Keys;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use chrono::TimeDelta;
use entity::kind::Permission;
use entity::view::{Timestamp, Viewer, ViewerAccount};
use store::accounts::{self, Holder, IdleSince, StoredSession};
use store::db::Db;
use tower_sessions::Session;
use uuid::Uuid;

pub use sessions::{
    ADDRESS as SESSION_ADDRESS, OUTDATED, PASSWORD_SINCE, SessionRows, USER_AGENT as SESSION_USER_AGENT, layer,
};

use super::api::problem::Problem;
use super::client_address::Client;
use super::rate_limits::{RateLimits, SignedIn, limit_refused};
use super::reading::Changed;
use super::rights::LINKS;
use super::trace::RequestId;
use crate::clock;

/// Under which name a session keeps whose it is.
pub const ACCOUNT: &str = "account";
/// Whose password was right, while a code is still asked for.
pub const PENDING: &str = "pending";
/// When somebody was last seen is told no more exactly than this.
const TOLD_EACH: TimeDelta = TimeDelta::minutes(1);

/// What finding out who asks works with; cheap to clone.
#[derive(Clone)]
pub struct Identity {
    db: Db,
    jwt: Arc<JwtKeys>,
    settings: Arc<Settings>,
    is_set_up: Arc<AtomicBool>,
}

/// Who asks, and when they changed something last, where that matters.
type Asking = (Actor, Option<Timestamp>);

/// What the configuration says about it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether everybody may read.
    pub anonymous_read: bool,
    /// A session that is not used ends.
    pub session_idle: Duration,
    /// A session ends, used or not.
    pub session_max: Duration,
    /// How long an access token of the API works.
    pub access_token: Duration,
    /// Whether browsers reach us by https alone, so that cookies say so.
    pub secure: bool,
}

impl Identity {
    /// Over this database; access tokens are signed by a key that is made of the one for secrets.
    #[must_use]
    pub fn new(db: Db, keys: &Keys, settings: Settings) -> Self {
        const PURPOSE: &str = "access tokens";
        let previous = keys.derive_previous(PURPOSE);
        let jwt = JwtKeys::new(&keys.derive(PURPOSE), previous.as_ref().map(<[u8; 32]>::as_slice));
        let jwt = jwt.unwrap_or_else(|_| unreachable!("a key that is made has 32 bytes"));
        Self { db, jwt: Arc::new(jwt), settings: Arc::new(settings), is_set_up: Arc::default() }
    }

    /// What the configuration says.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// An access token for a program's session.
    #[must_use]
    pub fn access_token(&self, holder: &Holder, session: Uuid) -> String {
        let now = clock::now().timestamp();
        self.jwt.sign(&Claims {
            sub: holder.id,
            iat: now,
            exp: now + i64::try_from(self.settings.access_token.as_secs()).unwrap_or(i64::MAX / 2),
            jti: session,
            roles: vec![holder.role.clone()],
            permissions: holder.permissions.iter().map(|permission| permission.as_str().to_owned()).collect(),
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
        })
    }

    /// How long what one person is shown may be kept: by no cache that others use, and where it is for them alone not even
    /// by their browser, which would show it to whoever presses its back button. So it is with any page that may show something
    /// once.
    fn may_be_kept(&self, path: &str, shows_once: bool) -> &'static str {
        const OWN: [&str; 6] = ["/account", "/admin", "/api/v1/me", "/api/v1/users", "/api/v1/admin", "/ui/"];
        let is_own = shows_once || gives_keys(path) || OWN.iter().any(|own| path.starts_with(own));
        if is_own || !self.settings.anonymous_read { "no-store" } else { "private, no-cache" }
    }

    /// Whether anybody can sign in; asked until somebody can.
    async fn is_set_up(&self) -> bool {
        if self.is_set_up.load(Ordering::Relaxed) {
            return true;
        }
        let found = accounts::is_set_up(&self.db.read).await.unwrap_or(true);
        self.is_set_up.store(found, Ordering::Relaxed);
        found
    }

    /// By the token in the request's head.
    async fn by_token(&self, token: &str, address: Option<IpAddr>) -> Result<Asking, Problem> {
        let now = clock::now();
        if auth::token::looks_like(token) {
            // A mistyped one costs no question.
            let hash = auth::token::read(token).ok_or_else(bad_credentials)?;
            let found = accounts::find_token(&self.db.read, &hash).await?.ok_or_else(bad_credentials)?;
            if found.token.expires_at.is_some_and(|end| end <= now) {
                return Err(Problem::new(StatusCode::FORBIDDEN, "This token's time is over; make another one"));
            }
            let holder = found.holder.ok_or_else(bad_credentials)?;
            if found.token.used_at.is_none_or(|used| now - used >= TOLD_EACH) {
                let (db, id) = (self.db.clone(), found.token.id);
                self.later(async move { accounts::touch_token(&db.write, id, text(address).as_deref(), now).await });
            }
            let scopes = found.token.scopes.into_iter().collect();
            return Ok((Actor::token(holder, found.token.id, scopes, found.token.repositories), found.changed_at));
        }
        let claims = self.jwt.verify(token, now.timestamp()).map_err(|_| bad_credentials())?;
        let found = accounts::find_api_session(&self.db.read, claims.jti).await?.ok_or_else(bad_credentials)?;
        let changed_at = found.changed_at;
        self.holder(found, address)
            .map(|(holder, id)| (Actor::session(Door::Api, holder, id), changed_at))
            .ok_or_else(bad_credentials)
    }

    /// Whose a session is, where it still counts. That it was seen is told now and then.
    fn holder(&self, found: StoredSession, address: Option<IpAddr>) -> Option<(Holder, Uuid)> {
        let now = clock::now();
        let holder = found.holder.filter(|_| found.expires_at > now)?;
        if now - found.seen_at >= TOLD_EACH {
            let (db, id) = (self.db.clone(), found.id);
            self.later(async move { accounts::touch_session(&db.write, id, text(address).as_deref(), now).await });
        }
        Some((holder, found.id))
    }

    /// Since when a browser's session has to have been seen to be open still.
    #[must_use]
    pub fn idle_since(&self, now: Timestamp) -> IdleSince {
        let idle = TimeDelta::from_std(self.settings.session_idle).unwrap_or(TimeDelta::MAX);
        IdleSince(now.checked_sub_signed(idle).unwrap_or_default())
    }

    /// Whether whoever came in before may still read: what let them in works, and the account has the right. Where that can't
    /// be found out they may, for now.
    pub async fn still_reads(&self, actor: &Actor) -> bool {
        let now = clock::now();
        let found = match (actor.session_id(), actor.token_id()) {
            (Some(id), _) => accounts::find_open_session(&self.db.write, id, self.idle_since(now).0, now)
                .await
                .map(|found| found.and_then(|found| found.holder).map(|holder| holder.permissions)),
            (None, Some(id)) => accounts::find_open_token(&self.db.write, id, now).await.map(|found| {
                let scopes = |scopes: Vec<Permission>| scopes.into_iter().collect();
                found.and_then(|found| Some(found.holder?.permissions.and(scopes(found.token.scopes))))
            }),
            (None, None) => Ok(self.settings.anonymous_read.then(|| [Permission::Read].into_iter().collect())),
        };
        match found {
            Ok(permissions) => permissions.is_some_and(|permissions| permissions.has(Permission::Read)),
            Err(error) => {
                tracing::warn!(%error, "whether somebody may still listen could not be found out");
                true
            }
        }
    }

    /// Notes that something was changed, before the answer says so: what its sender reads next is read where it was written.
    async fn note_change(&self, actor: &Actor) {
        let (now, w) = (clock::now(), &self.db.write);
        let noted = match (actor.session_id(), actor.token_id()) {
            _ if !self.db.has_replicas() => return,
            (Some(id), _) => accounts::mark_session(w, id, now).await,
            (None, Some(id)) => accounts::mark_token(w, id, now).await,
            (None, None) => return,
        };
        if let Err(error) = noted {
            tracing::warn!(%error, "that somebody changed something could not be noted");
        }
    }

    /// Does what nobody waits for.
    #[expect(clippy::unused_self, reason = "reads as what it is")]
    fn later(&self, write: impl Future<Output = store::Result<()>> + Send + 'static) {
        tokio::spawn(async move {
            if let Err(error) = write.await {
                tracing::warn!(%error, "when somebody was last seen could not be stored");
            }
        });
    }

    async fn find(
        &self,
        headers: &HeaderMap,
        session: Option<Session>,
        address: Option<IpAddr>,
    ) -> Result<Asking, Problem> {
        let nobody = || (Actor::nobody(Door::Api, self.settings.anonymous_read), None);
        if let Some(given) = headers.get(header::AUTHORIZATION) {
            let token = given.to_str().ok().and_then(|given| given.split_once(' '));
            // Other schemes are for proxies in front of us.
            if let Some((_, token)) = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) {
                return self.by_token(token.trim(), address).await;
            }
        }
        let Some(session) = session else { return Ok(nobody()) };
        let kept = session.get::<StoredSession>(sessions::KEPT).await;
        let kept = kept.map_err(|error| {
            tracing::warn!(%error, "a session can't be read");
            Problem::unavailable("The session can't be read now; try again in a moment", 5)
        })?;
        let changed_at = kept.as_ref().and_then(|found| found.changed_at);
        Ok(match kept.and_then(|found| self.holder(found, address)) {
            Some((holder, id)) => (Actor::session(Door::Page, holder, id), changed_at),
            None => nobody(),
        })
    }
}

fn text(address: Option<IpAddr>) -> Option<String> {
    address.map(|address| address.to_string())
}

/// Whether an answer may hold what opens something.
fn gives_keys(path: &str) -> bool {
    let tokens = ["/api/v1/login/", "/api/v1/auth/", "/auth/"];
    LINKS.iter().chain(&tokens).any(|place| path.starts_with(place))
}

/// In the words that clients of the v1 API know.
fn bad_credentials() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "Could not validate credentials")
}

/// What [`find_out`] works with: who is known, what tells of who is refused, and what counts them.
pub type Known = (Identity, Actions, RateLimits);

/// Finds out who asks and says so to all that follow.
pub async fn find_out(State(with): State<Arc<Known>>, mut request: Request, next: Next) -> Response {
    let (identity, ctx, limits) = &*with;
    // Files of the site are everybody's.
    if request.uri().path().starts_with(super::pages::ASSETS) {
        return next.run(request).await;
    }
    let client = request.extensions().get::<Client>().map(|client| client.address);
    let id = request.extensions().get::<RequestId>().map(|id| Arc::from(id.0.to_string()));
    let session = request.extensions().get::<Session>().cloned();
    // In boxes: a request that waits for its body, or whose answer is read slowly, holds no room for what is done before and after.
    let (actor, changed_at) = match Box::pin(identity.find(request.headers(), session, client)).await {
        Ok((actor, changed_at)) => (actor.from(client, id), changed_at),
        // Whoever comes in, or asks how the program is, may hold what works no more, or what others look at.
        Err(_) if super::rights::is_open(request.uri().path()) => {
            (Actor::nobody(Door::Api, identity.settings.anonymous_read).from(client, id), None)
        }
        // What does not work is counted; that it can't be found out is nobody's fault.
        Err(problem) if problem.status < 500 => return limit_refused(limits, &request, problem),
        Err(problem) => return problem.into_response(),
    };
    // A browser's session is at the door that its request knocks at.
    let door = if request.uri().path().starts_with("/api/") { Door::Api } else { Door::Page };
    let actor = actor.at(door);
    let viewer = Viewer {
        account: actor.account().map(|holder| ViewerAccount {
            id: holder.id,
            email: holder.email.clone(),
            full_name: holder.full_name.clone(),
        }),
        permissions: actor.permissions().iter().collect(),
        is_set_up: Box::pin(identity.is_set_up()).await,
    };
    let path = request.uri().path();
    // Which page shows it is for that page to say.
    let shows_once = cookies::find(request.headers(), SHOWN_COOKIE).is_some();
    let is_somebodys = shows_once || gives_keys(path) || actor.account().is_some();
    let kept = is_somebodys.then(|| identity.may_be_kept(path, shows_once));
    if let Some(holder) = actor.account() {
        request.extensions_mut().insert(SignedIn(holder.id));
    }
    if let Some(changed_at) = changed_at {
        request.extensions_mut().insert(Changed(changed_at));
    }
    request.extensions_mut().insert(actor.clone());
    request.extensions_mut().insert(viewer);
    // Pages know no configuration.
    request.extensions_mut().insert(identity.idle_since(clock::now()));
    let changes = !request.method().is_safe();
    let mut response = next.run(request).await;
    if changes {
        Box::pin(identity.note_change(&actor)).await;
    }
    if let Some(what) = actor.take_lacked()
        && let Err(refusal) = Box::pin(actions::tell_refused(ctx, &actor, what)).await
    {
        tracing::warn!(error = refusal.text(), what, "that something was refused could not be told");
    }
    if let Some(kept) = kept {
        response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static(kept));
    }
    response
}
