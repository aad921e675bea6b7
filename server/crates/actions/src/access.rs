//! A repository's own access: a token, and where its forge's API is, entered for it alone.
//!
//! Both are sealed in one record, with the address of the repository that they were entered for: wherever the token is used, it
//! is known where it may go, and nobody who changes something beside it has it sent elsewhere.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use auth::seal::Keys;
use entity::address::{Address, Scheme};
use entity::kind::{AuditAction, JobRequest, Origin, Permission, Priority, Provider};
use entity::view::{Live, MASK, Repository, RepositoryAccess, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::db::{ConnectionTrait, DataError};
use store::discovery::ask_anew;
use store::repositories::{SyncTarget, find_repository};
use store::secrets::{find_sealed, hold_access, list_accesses, of_access, put_access, remove_secret};
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::audit::Change;
use crate::forges::read_token;
use crate::repository::{may_work, object};
use crate::secrets::purpose;
use crate::{Actions, Actor, Refusal, Result};

/// No API's address is longer.
const MAX_ADDRESS: usize = 1_000;

/// What is kept of it, sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// Where the repository was cloned from when it was entered: Git's requests carry the token to that machine alone.
    pub url: String,
    /// Where the API is; at its usual place on that machine where there is none.
    pub api_base_url: Option<String>,
    pub token: Option<String>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_ref().map(|_| MASK);
        f.debug_struct("Access")
            .field("url", &self.url)
            .field("api_base_url", &self.api_base_url)
            .field("token", &token)
            .finish()
    }
}

impl Access {
    /// Whether it was entered for the machine of this address, and for this way to it. A repository may move.
    #[must_use]
    pub fn is_for(&self, url: &str) -> bool {
        let machine = |text: &str| Address::read(text).ok().and_then(|address| address.machine());
        let here = machine(url);
        here.is_some() && here == machine(&self.url)
    }
}

/// Opens a repository's own access: for the one job that needs it.
///
/// # Errors
/// If it was sealed with another key or for another repository, or is damaged.
pub fn open_access(keys: &Keys, repository: Uuid, sealed: &[u8]) -> std::result::Result<Access, String> {
    let plain = keys.open(&purpose(&of_access(repository)), sealed).map_err(|error| error.to_string())?;
    serde_json::from_slice(&plain).map_err(|_| "a repository's own access is damaged; enter it anew".to_owned())
}

/// Whom a repository's own token would be sent to, to be checked before it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedAccess {
    /// Where the repository is cloned from.
    pub url: String,
    pub provider: Provider,
    pub api_base_url: Option<String>,
    pub has_token: bool,
}

/// Whether these may be talked to from here, and with a token; else why not, without a full stop.
pub type CheckAccess =
    Arc<dyn Fn(AskedAccess) -> Pin<Box<dyn Future<Output = std::result::Result<(), String>> + Send>> + Send + Sync>;

/// What somebody enters. It has no `Debug`, which logs are made of.
pub struct NewAccess {
    /// Left out or empty, the one that is kept stays, as long as the API's address does.
    pub token: Option<Zeroizing<String>>,
    /// Left out or empty, the API is at its usual place.
    pub api_base_url: Option<String>,
}

/// What was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAccess {
    pub access: RepositoryAccess,
    /// The token that was kept was entered for another address, and is forgotten.
    pub forgot_token: bool,
    /// The sync that tries it, where one is asked for.
    pub job: Option<Uuid>,
}

/// A repository that may have an access of its own, and whose somebody wants to change.
async fn changeable(ctx: &Actions, actor: &Actor, action: AuditAction, id: Uuid) -> Result<Repository> {
    actor.may(action)?;
    let found = find_repository(&ctx.db.read, id).await?.ok_or(Refusal::Missing("repository"))?;
    actor.may_to(action, &found)?;
    let name = found.full_name.clone();
    match (found.origin, found.enabled) {
        (Origin::Config, true) => Err(Refusal::ConfiguredAccess { name }),
        (Origin::Config, false) => Err(Refusal::Disabled { name }),
        (Origin::Sample, _) => Err(Refusal::SampleAccess { name }),
        (Origin::Added | Origin::Discovered, _) => Ok(found),
    }
}

/// Holds the repository until the transaction ends: who sets an access reads the one before, and what somebody else removes or
/// sets meanwhile must not come back by that. The configuration may have taken the repository over since it was found.
async fn hold(w: &impl ConnectionTrait, repository: &Repository) -> Result<()> {
    match hold_access(w, repository.id).await? {
        Some(origin) if origin.takes_access() => Ok(()),
        Some(_) => Err(Refusal::ConfiguredAccess { name: repository.full_name.clone() }),
        None => Err(Refusal::Missing("repository")),
    }
}

/// Keeps a token and the address of an API for one repository, in place of what was kept, and asks for a sync, which tries them.
/// Who names another address without entering the token anew has it forgotten. Open pages are told.
///
/// # Errors
/// The refusal.
pub async fn set_access(ctx: &Actions, actor: &Actor, id: Uuid, wanted: NewAccess) -> Result<SetAccess> {
    let repository = changeable(ctx, actor, AuditAction::SetRepositoryAccess, id).await?;
    let NewAccess { token, api_base_url } = wanted;
    let given = |text: &&str| !text.is_empty();
    let token = token.as_deref().map(|text| text.trim()).filter(given).map(read_token).transpose()?;
    let api_base_url = api_base_url.as_deref().map(str::trim).filter(given).map(read_api).transpose()?;
    fits(&repository, token.is_some(), api_base_url.is_some())?;
    let kept_for = |kept: &Access| kept.api_base_url == api_base_url && kept.is_for(&repository.url);
    let (now, keys) = (ctx.now(), &ctx.outside.keys);

    let asked = AskedAccess {
        url: repository.url.clone(),
        provider: repository.provider,
        api_base_url: api_base_url.clone(),
        // One that is kept was checked with the address that it was entered for.
        has_token: token.is_some(),
    };
    (ctx.outside.check_access)(asked).await.map_err(Refusal::Unusable)?;

    let txn = ctx.db.begin().await?;
    hold(&txn, &repository).await?;
    // What can't be opened is used by nobody.
    let kept = find_sealed(&txn, &of_access(id)).await?;
    let before = kept.as_ref().and_then(|kept| open_access(keys, id, &kept.sealed).ok());
    let stays = before.as_ref().filter(|before| kept_for(before)).and_then(|before| before.token.clone());
    let is_new = token.is_some();
    let access = Access {
        url: repository.url.clone(),
        token: token.map(|token| token.to_string()).or(stays),
        api_base_url: api_base_url.clone(),
    };
    let forgot_token = access.token.is_none() && before.as_ref().is_some_and(|before| before.token.is_some());
    let is_kept = access.token.is_some() || access.api_base_url.is_some();
    if is_kept {
        let damaged =
            |error: serde_json::Error| DataError::Damaged { what: "sealed_secret", reason: error.to_string() };
        let plain = Zeroizing::new(serde_json::to_vec(&access).map_err(damaged)?);
        let sealed = keys.seal(&purpose(&of_access(id)), &plain);
        if !put_access(&txn, id, sealed, now).await? {
            return Err(Refusal::Missing("repository"));
        }
    } else if !remove_secret(&txn, &of_access(id)).await? {
        return Err(Refusal::Unusable("enter a token, the address of an API, or both".to_owned()));
    }
    // What was not there for everybody may be there for this token.
    let is_back = ask_anew(&txn, id, now).await?;
    let by = actor.requested_by();
    let job = match is_back || may_work(&repository).is_ok() {
        true => {
            let sync = JobRequest::SyncRepository { repository_id: id };
            Some(ctx.queue.enqueue_in(&txn, &sync, by, Priority::CLICK, now).await?)
        }
        false => None,
    };
    if repository.provider != Provider::Git {
        ctx.queue.enqueue_in(&txn, &JobRequest::RefreshMetrics, by, Priority::FOLLOW_UP, now).await?;
    }
    let change =
        Change { before: before.as_ref().map(|before| told(before, false)), after: Some(told(&access, is_new)) };
    ctx.tell(&txn, actor, AuditAction::SetRepositoryAccess, object(&repository), change).await?;
    txn.commit().await.map_err(DataError::from)?;
    match job {
        Some(job) => ctx.queue.announce(&[job]).await,
        None => ctx.queue.ring(),
    }
    tell_open_pages(ctx, id);
    let access = match is_kept {
        true => shown(actor, &repository, Ok(access), now),
        false => RepositoryAccess::default(),
    };
    Ok(SetAccess { access, forgot_token, job })
}

/// Forgets what was entered for a repository: it is asked as all others are. Open pages are told.
///
/// # Errors
/// The refusal, also where there is nothing.
pub async fn remove_access(ctx: &Actions, actor: &Actor, id: Uuid) -> Result<()> {
    let repository = changeable(ctx, actor, AuditAction::RemoveRepositoryAccess, id).await?;
    let txn = ctx.db.begin().await?;
    hold(&txn, &repository).await?;
    if !remove_secret(&txn, &of_access(id)).await? {
        return Err(Refusal::Missing("access"));
    }
    ctx.tell(&txn, actor, AuditAction::RemoveRepositoryAccess, object(&repository), Change::NONE).await?;
    txn.commit().await.map_err(DataError::from)?;
    tell_open_pages(ctx, id);
    Ok(())
}

/// What is told of a repository's own access.
///
/// # Errors
/// The refusal.
pub async fn find_access(ctx: &Actions, actor: &Actor, id: Uuid) -> Result<RepositoryAccess> {
    actor.need(Permission::Read)?;
    let repository = find_repository(&ctx.db.read, id).await?.ok_or(Refusal::Missing("repository"))?;
    let Some(kept) = find_sealed(&ctx.db.read, &of_access(id)).await? else { return Ok(RepositoryAccess::default()) };
    Ok(shown(actor, &repository, open_access(&ctx.outside.keys, id, &kept.sealed), kept.changed_at))
}

/// Where the forges of these repositories are asked about them by an address that somebody entered for one alone, by the
/// repository's id: nothing of those whose address this actor may not see. Those that are asked as all others are left out.
///
/// # Errors
/// The database's.
pub async fn list_entered_apis(
    ctx: &Actions,
    c: &impl ConnectionTrait,
    actor: &Actor,
    targets: &[SyncTarget],
) -> std::result::Result<HashMap<Uuid, Option<String>>, DataError> {
    let may_have = |target: &&SyncTarget| target.origin.takes_access();
    let targets: HashMap<Uuid, &SyncTarget> =
        targets.iter().filter(may_have).map(|target| (target.id, target)).collect();
    let mut apis = HashMap::new();
    for (id, sealed) in list_accesses(c, targets.keys().copied()).await? {
        let (Some(target), Ok(access)) = (targets.get(&id), open_access(&ctx.outside.keys, id, &sealed)) else {
            continue;
        };
        if access.is_for(&target.url)
            && let Some(api) = access.api_base_url.clone()
        {
            apis.insert(id, Some(api).filter(|_| actor.manages(&target.url, &target.full_name)));
        }
    }
    Ok(apis)
}

/// Never the token itself.
fn shown(
    actor: &Actor,
    repository: &Repository,
    access: std::result::Result<Access, String>,
    changed_at: Timestamp,
) -> RepositoryAccess {
    let changed_at = Some(changed_at);
    let access = match access {
        Ok(access) => access,
        Err(why) => return RepositoryAccess { error: Some(why), changed_at, ..RepositoryAccess::default() },
    };
    let is_used = access.is_for(&repository.url);
    let elsewhere = || "it was entered while the repository was on another machine; enter it anew".to_owned();
    RepositoryAccess {
        has_own_token: is_used && access.token.is_some(),
        api_base_url: access.api_base_url.filter(|_| actor.manages(&repository.url, repository.main_name())),
        changed_at,
        error: (!is_used).then(elsewhere),
    }
}

fn told(access: &Access, is_new: bool) -> Value {
    json!({ "has_token": access.token.is_some(), "is_new_token": is_new, "api_base_url": access.api_base_url })
}

fn tell_open_pages(ctx: &Actions, repository_id: Uuid) {
    ctx.queue.bus().send(Live::Repository { repository_id });
    ctx.queue.bus().send(Live::Branches { repository_id });
}

/// Whether there is anybody who would take it.
fn fits(repository: &Repository, has_token: bool, has_api: bool) -> Result<()> {
    let refused = |why: &str| Err(Refusal::Unusable(why.to_owned()));
    let is_ssh = Address::read(&repository.url).is_ok_and(|address| *address.scheme() == Scheme::Ssh);
    match repository.provider {
        Provider::Git if has_api => refused("a plain Git server has no API; leave its address out"),
        Provider::Git if has_token && is_ssh => {
            refused("the repository is cloned by SSH, where the program's key counts and no token is sent")
        }
        _ => Ok(()),
    }
}

/// The root of an API, without a slash at its end.
fn read_api(text: &str) -> Result<String> {
    let refused = |why: &str| Err(Refusal::Unusable(format!("the address of the API {why}")));
    if text.len() > MAX_ADDRESS {
        return refused("is longer than 1,000 bytes");
    }
    let Ok(url) = Url::parse(text) else {
        return refused("can't be read; write one such as https://git.example.org/api/v4");
    };
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none_or(str::is_empty) {
        return refused("has to begin with https:// and name a host");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refused("holds a user or password; enter the token in its own field");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refused("has a part behind ? or #; write the API's root, such as https://git.example.org/api/v4");
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(url: &str) -> Access {
        Access { url: url.to_owned(), api_base_url: None, token: Some("s3cret".to_owned()) }
    }

    #[test]
    fn it_is_sealed_for_its_repository_alone_and_not_printed() {
        let keys = Keys::new([7; 32], None);
        let (own, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let kept = access("https://git.example.org/ada/home");
        let sealed = keys.seal(&purpose(&of_access(own)), &serde_json::to_vec(&kept).unwrap());
        assert_eq!(open_access(&keys, own, &sealed).unwrap(), kept);
        assert!(open_access(&keys, other, &sealed).is_err());
        assert!(open_access(&Keys::new([8; 32], None), own, &sealed).is_err());
        assert!(!format!("{kept:?}").contains("s3cret"));
    }

    #[test]
    fn it_is_for_one_machine_and_one_way_to_it() {
        let kept = access("https://git.example.org/ada/home");
        for same in [
            "https://git.example.org/ada/home",
            "https://GIT.example.org/ada/renamed.git",
            "https://ada@git.example.org.:443/ada/home",
        ] {
            assert!(kept.is_for(same), "{same}");
        }
        for other in [
            "http://git.example.org/ada/home",
            "https://git.example.org:8443/ada/home",
            "https://example.org/ada/home",
            "https://git.example.org@evil.example/ada/home",
            "https://git.example.org.evil.example/ada/home",
            "ssh://git@git.example.org/ada/home",
            "/srv/home",
            "",
        ] {
            assert!(!kept.is_for(other), "{other}");
        }
        assert!(!access("/srv/home").is_for("/srv/home"), "a folder is asked by nobody");
    }

    #[test]
    fn addresses_of_apis_are_roots_without_secrets() {
        assert_eq!(read_api("https://git.example.org/api/v4/").unwrap(), "https://git.example.org/api/v4");
        assert_eq!(read_api("HTTPS://Git.example.org").unwrap(), "https://git.example.org");
        for (wrong, why) in [
            ("git.example.org", "can't be read"),
            ("ftp://git.example.org/", "begin with https://"),
            ("https://ada:s3cret@git.example.org/", "holds a user"),
            ("https://git.example.org/?private_token=s3cret", "behind ?"),
            ("https://git.example.org/#a", "behind ?"),
        ] {
            let said = read_api(wrong).unwrap_err().text();
            assert!(said.contains(why) && !said.contains("s3cret"), "{wrong}: {said}");
        }
        assert!(read_api(&format!("https://h/{}", "a".repeat(MAX_ADDRESS))).is_err());
    }
}
