//! Addresses that people want to add: checked, refused with the reason, or taken in with a first sync.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use entity::credential::{has_credentials, shown_address};
use entity::db::{DataError, Db};
use entity::found::FoundRepository;
use entity::kind::{AddVerdict, JobRequest, Origin, Priority, RequestedBy, SyncStatus};
use entity::query::discovery::{Tombstone, address_key, lift_tombstones, list_known, list_tombstones, matches};
use entity::query::repositories::upsert_repositories;
use entity::queue::JobQueue;
use entity::view::Added;
use forge::Address;
use net::{AddressGuard, Refused};
use url::Url;
use uuid::Uuid;

use crate::clock;
use crate::config::{Config, ForgeConfig, provider_of};
use crate::forges::is_plain_by_choice;

/// Pasting more at once is a mistake.
pub const MAX_AT_ONCE: usize = 1_000;
/// Asking for a name must not take for ever.
const RESOLVE: Duration = Duration::from_secs(5);
/// A longer address is none.
const MAX_LENGTH: usize = 2_000;

/// What decides about addresses.
pub struct Adding {
    db: Db,
    queue: JobQueue,
    guard: Arc<AddressGuard>,
    forges: Vec<ForgeConfig>,
    block: Vec<String>,
    require_https: bool,
}

impl Adding {
    /// As the configuration says.
    #[must_use]
    pub fn new(config: &Config, db: &Db, queue: &JobQueue) -> Self {
        Self {
            db: db.clone(),
            queue: queue.clone(),
            guard: Arc::new(crate::forges::guard(config)),
            forges: config.forges.clone(),
            block: config.discovery.block.clone(),
            require_https: config.security.require_https,
        }
    }

    /// Takes in what can be taken in, and says of each address what became of it, in the order given.
    ///
    /// # Errors
    /// If the database fails; nothing is stored then.
    pub async fn add(&self, urls: &[String], requested_by: RequestedBy) -> Result<Vec<Added>, DataError> {
        let mut answers = Vec::with_capacity(urls.len());
        let mut wanted: Vec<(usize, FoundRepository)> = Vec::new();
        for (index, text) in urls.iter().enumerate() {
            let checked = self.check(text).await;
            answers.push(Added {
                url: shown(text),
                repository_id: None,
                added: false,
                verdict: checked.as_ref().err().map_or(AddVerdict::Known, |(verdict, _)| *verdict),
                refused: checked.as_ref().err().map(|(_, reason)| reason.clone()),
            });
            wanted.extend(checked.ok().map(|found| (index, found)));
        }
        if wanted.is_empty() {
            return Ok(answers);
        }
        let now = clock::now();
        let txn = self.db.begin().await?;
        let known = list_known(&txn).await?;
        let known: HashMap<String, _> = known.into_iter().rev().map(|known| (address_key(&known.url), known)).collect();
        let mut deleted: HashMap<String, Vec<Tombstone>> = HashMap::new();
        for stone in list_tombstones(&txn).await? {
            deleted.entry(address_key(&stone.url)).or_default().push(stone);
        }
        let mut new: HashMap<String, Uuid> = HashMap::new();
        for (index, found) in wanted {
            let key = address_key(&found.url);
            if let Some(id) = new.get(&key) {
                answers[index].repository_id = Some(*id);
                answers[index].refused = Some("it stands twice in the list".to_owned());
                answers[index].verdict = AddVerdict::Repeated;
                continue;
            }
            if let Some(known) = known.get(&key) {
                answers[index].repository_id = Some(known.id);
                if known.sync_status == SyncStatus::Blocked {
                    answers[index].verdict = AddVerdict::Blocked;
                }
                answers[index].refused = Some(match known.sync_status {
                    SyncStatus::Blocked => {
                        format!("{} is here and blocked; approve it to have it synced", known.full_name)
                    }
                    SyncStatus::PendingApproval => format!("{} is here and waits for approval", known.full_name),
                    _ => format!("{} is here already", known.full_name),
                });
                continue;
            }
            lift_tombstones(&txn, deleted.get(&key).into_iter().flatten()).await?;
            for (id, _) in upsert_repositories(&txn, std::slice::from_ref(&found), now).await? {
                let request = JobRequest::SyncRepository { repository_id: id };
                self.queue.enqueue_in(&txn, &request, requested_by, Priority::CLICK, now).await?;
                answers[index].repository_id = Some(id);
                answers[index].added = true;
                answers[index].verdict = AddVerdict::Added;
                new.insert(key.clone(), id);
            }
        }
        if !new.is_empty() {
            self.queue.enqueue_in(&txn, &JobRequest::RefreshMetrics, requested_by, Priority::FOLLOW_UP, now).await?;
        }
        txn.commit().await?;
        self.queue.ring();
        Ok(answers)
    }

    /// Whether an address may be added, before the database is asked.
    async fn check(&self, text: &str) -> Result<FoundRepository, (AddVerdict, String)> {
        let invalid = |reason: String| (AddVerdict::Invalid, reason);
        let text = text.trim();
        if text.is_empty() || text.len() > MAX_LENGTH || text.chars().any(char::is_control) {
            return Err(invalid("this is no address; write it as https://github.com/owner/name".to_owned()));
        }
        if has_credentials(text) {
            // Neither kept nor said again.
            let said = "it carries credentials, and addresses end up in logs; set token: in the configuration instead";
            return Err(invalid(said.to_owned()));
        }
        // `owner/name` is what people copy from GitHub's pages.
        let spelled = match text.split('/').collect::<Vec<_>>()[..] {
            [owner, name] if is_word(owner) && is_word(name) => format!("https://github.com/{text}"),
            [host, _, ..] if !text.contains("://") && !text.contains('@') && host.contains('.') && host.len() > 1 => {
                format!("https://{text}")
            }
            _ => text.to_owned(),
        };
        let is_scp = !spelled.contains("://")
            && spelled
                .split_once(':')
                .and_then(|(host, _)| host.split_once('@'))
                .is_some_and(|(user, _)| is_word(user));
        let as_url = if is_scp { format!("ssh://{}", spelled.replacen(':', "/", 1)) } else { spelled.clone() };
        let mut url = Url::parse(&as_url).map_err(|error| {
            let why = match error {
                url::ParseError::RelativeUrlWithoutBase => String::new(),
                error => format!(" ({error})"),
            };
            invalid(format!("this is no address{why}; write it as https://github.com/owner/name"))
        })?;
        match url.scheme() {
            "https" | "ssh" => {}
            "http" if self.require_https && !is_plain_by_choice(&self.forges, &url) => {
                let text = "plain http is not allowed; use https, or set security.require_https to false";
                return Err(invalid(text.to_owned()));
            }
            "http" => {}
            "file" => {
                return Err(invalid("paths and file:// addresses can only be named in the configuration".to_owned()));
            }
            other => return Err(invalid(format!("the scheme {other:?} is not known here; use https or ssh"))),
        }
        url.set_query(None);
        url.set_fragment(None);
        let configured = self.forges.iter().find(|forge| forge::host_of(&url).is_some_and(|host| host == forge.host()));
        let provider = configured.map_or_else(|| provider_of(url.as_str()), |forge| forge.provider);
        let address = Address::parse(url.as_str(), provider).ok_or_else(|| {
            invalid("it names a host but no repository on it; write it as https://github.com/owner/name".to_owned())
        })?;
        if let Some(pattern) = self.block.iter().find(|pattern| matches(pattern, &address.host, &address.full_name)) {
            let text = format!("{} is blocked: discovery.block has {pattern}", address.full_name);
            return Err((AddVerdict::Blocked, text));
        }
        self.check_place(&url).await?;
        let clone_url = match url.scheme() {
            "ssh" if is_scp => spelled,
            "ssh" => url.to_string(),
            scheme => {
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                format!("{scheme}://{}{port}/{}", url.host_str().unwrap_or_default(), address.full_name)
            }
        };
        let (owner, name) = address.full_name.rsplit_once('/').unwrap_or(("", &address.full_name));
        Ok(FoundRepository {
            owner: owner.to_owned(),
            name: name.to_owned(),
            full_name: address.full_name.clone(),
            description: None,
            provider,
            origin: Origin::Added,
            web_url: clone_url.starts_with("http").then(|| clone_url.clone()),
            enabled: true,
            branch_regex: None,
            polling_interval_seconds: None,
            topics: Vec::new(),
            url: clone_url,
        })
    }

    /// Where the name leads now. What is connected to later is checked again then.
    async fn check_place(&self, url: &Url) -> Result<(), (AddVerdict, String)> {
        let refusal = |refused: Refused| {
            let verdict = match refused {
                Refused::Address { .. } => AddVerdict::Private,
                Refused::Unresolved { .. } | Refused::NoHost { .. } => AddVerdict::Invalid,
            };
            (verdict, refused.to_string())
        };
        self.guard.check_url(url).map_err(refusal)?;
        let Some(host) = url.host_str().map(str::to_owned) else {
            return Err((AddVerdict::Invalid, "it names no host".to_owned()));
        };
        let guard = Arc::clone(&self.guard);
        let port = url.port_or_known_default().unwrap_or(22);
        let resolved = tokio::task::spawn_blocking(move || guard.resolve(&host, port));
        match tokio::time::timeout(RESOLVE, resolved).await {
            Ok(Ok(Err(refused))) => Err(refusal(refused)),
            Ok(Ok(Ok(_))) => Ok(()),
            // Too slow a name server is the sync's trouble, which checks again.
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// An address for the answer: without credentials, and bounded.
fn shown(text: &str) -> String {
    let text: String = text.trim().chars().filter(|c| !c.is_control()).take(MAX_LENGTH).collect();
    shown_address(&text).chars().take(200).collect()
}
