//! "Why is this repository not here?", answered from what is stored and configured: no forge is asked.

use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, Func};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use uuid::Uuid;

use super::people::list_tombstones;
use super::{KnownRepository, list_known};
use crate::db::{ConnectionTrait, Result};
use crate::repositories::find_repository;
use entity::address::{Address, address_key, shown_url};
use entity::kind::{RejectReason, SyncStatus, WhyNotKind};
use entity::pattern::matches;
use entity::table::discovery_reject;
use entity::view::{DiscoverySettings, Rejected, Timestamp, WhyNot};

/// A longer question names no repository.
const MAX_LENGTH: usize = 2_000;
/// A name may be one on several forges; more than so many are not told.
const MAX_ANSWERS: usize = 5;

/// What somebody asks about.
struct Wanted {
    /// Not given with a bare `owner/name`.
    host: Option<String>,
    /// `owner/name` or deeper, in lower case.
    path: String,
}

impl Wanted {
    /// Reads an address or `owner/name`.
    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > MAX_LENGTH || text.chars().any(char::is_control) {
            return None;
        }
        let bare = !text.contains("://") && !text.contains('@');
        let parts: Vec<&str> = text.trim_end_matches('/').split('/').collect();
        if bare && parts.len() == 2 && !parts[0].is_empty() && !parts[1].is_empty() && !parts[0].contains(':') {
            let path = text.trim_end_matches('/').to_lowercase();
            return Some(Self { host: None, path: path.strip_suffix(".git").unwrap_or(&path).to_owned() });
        }
        let key = Address::read_pasted(text).ok()?.key();
        let (host, path) = key.split_once('/')?;
        let path = repository_part(host, path);
        let named = !host.is_empty() && path.contains('/') && (host.contains('.') || !bare || host == "localhost");
        named.then(|| Self { host: Some(host.to_owned()), path: path.to_owned() })
    }

    fn is(&self, url: &str, full_name: &str) -> bool {
        match &self.host {
            Some(host) => address_key(url) == format!("{host}/{}", self.path),
            None => full_name.to_lowercase() == self.path,
        }
    }

    fn name(&self) -> String {
        self.host.as_ref().map_or_else(|| self.path.clone(), |host| format!("{host}/{}", self.path))
    }

    /// Where to add it from; GitHub is meant where no host is named.
    fn address(&self) -> String {
        format!("https://{}/{}", self.host.as_deref().unwrap_or("github.com"), self.path)
    }
}

/// What an address bar shows may be of a page below the repository: GitLab's stand behind `/-/`, those of forges without
/// groups within groups behind `owner/name`. Of a forge that is not known, the third word tells whether it is a page's.
fn repository_part<'a>(host: &str, path: &'a str) -> &'a str {
    const TWO_PARTS: [&str; 3] = ["github.com", "codeberg.org", "gitea.com"];
    const PAGES: [&str; 14] = [
        "actions", "activity", "blob", "branches", "commit", "commits", "issues", "pull", "pulls", "raw", "releases",
        "src", "tree", "wiki",
    ];
    if let Some((repository, _)) = path.split_once("/-/") {
        return repository;
    }
    let Some((end, _)) = path.match_indices('/').nth(1) else { return path };
    let word = path[end + 1..].split('/').next().unwrap_or_default();
    let is_page = TWO_PARTS.contains(&host) || (!host.contains("gitlab") && PAGES.contains(&word));
    if is_page { &path[..end] } else { path }
}

/// All that is known of it: one answer for each repository that the words can mean, at least one.
pub async fn why_not(c: &impl ConnectionTrait, settings: &DiscoverySettings, text: &str) -> Result<Vec<WhyNot>> {
    let Some(wanted) = Wanted::read(text) else {
        let asked = text.trim().chars().filter(|c| !c.is_control()).take(100).collect();
        let mut answer = plain(WhyNotKind::Invalid, asked, "This names no repository");
        answer.remedy =
            Some("write it as owner/name or as an address such as https://github.com/owner/name".to_owned());
        return Ok(vec![answer]);
    };
    let mut answers = here(c, &wanted).await?;
    if answers.is_empty() {
        answers = left_out(c, &wanted).await?;
    }
    if answers.is_empty() {
        answers = deleted(c, &wanted).await?;
    }
    if answers.is_empty() {
        answers.push(never_seen(c, settings, &wanted).await?);
    }
    answers.truncate(MAX_ANSWERS);
    Ok(answers)
}

async fn here(c: &impl ConnectionTrait, wanted: &Wanted) -> Result<Vec<WhyNot>> {
    let mut answers = Vec::new();
    let known = list_known(c).await?;
    for known in known.iter().filter(|known| wanted.is(&known.url, &known.full_name)).take(MAX_ANSWERS) {
        answers.push(of_known(c, known).await?);
    }
    Ok(answers)
}

async fn of_known(c: &impl ConnectionTrait, known: &KnownRepository) -> Result<WhyNot> {
    let repository = find_repository(c, known.id).await?;
    let reason = repository.as_ref().and_then(|repository| repository.sync_error.clone());
    let reason = reason.unwrap_or_else(|| "no reason was given".to_owned());
    let enabled = repository.as_ref().is_none_or(|repository| repository.enabled);
    let (kind, detail, remedy) = match known.sync_status {
        SyncStatus::PendingApproval => (
            WhyNotKind::PendingApproval,
            format!("It is here and waits for approval: {reason}"),
            Some("approve it on its page".to_owned()),
        ),
        SyncStatus::Blocked => {
            let remedy = match known.gone_at {
                Some(_) => "it comes back by itself once the forge shows it again",
                None => "unblock it on its page",
            };
            (WhyNotKind::Blocked, format!("It is here, but nothing new is fetched: {reason}"), Some(remedy.to_owned()))
        }
        _ if !enabled => (
            WhyNotKind::Blocked,
            "It is here, but nothing new is fetched: the configuration does not name it any more, or has enabled: false \
             for it"
                .to_owned(),
            Some("name it in repositories with enabled: true".to_owned()),
        ),
        SyncStatus::Error => (WhyNotKind::Here, format!("It is here; its last sync failed: {reason}"), None),
        SyncStatus::Pending | SyncStatus::Syncing | SyncStatus::Success => {
            (WhyNotKind::Here, "It is here".to_owned(), None)
        }
    };
    let mut answer = plain(kind, known.full_name.clone(), &detail);
    answer.repository_id = Some(known.id);
    answer.web_url = repository.and_then(|repository| repository.web_url);
    answer.remedy = remedy;
    answer.at = known.gone_at;
    Ok(answer)
}

async fn left_out(c: &impl ConnectionTrait, wanted: &Wanted) -> Result<Vec<WhyNot>> {
    use discovery_reject::Column::{FullName, Host, Stars};
    let named = Expr::from(Func::lower(FullName.into_expr())).eq(wanted.path.as_str());
    let on_host = wanted.host.as_ref().map(|host| Host.eq(host.as_str()));
    let found = discovery_reject::Entity::find().filter(Condition::all().add(named).add_option(on_host));
    let found = found.order_by_desc(Stars).order_by_asc(Host).limit(u64::try_from(MAX_ANSWERS).unwrap_or(u64::MAX));
    let mut answers = Vec::new();
    for found in found.into_model::<Rejected>().all(c).await? {
        let name = format!("{}/{}", found.host, found.full_name);
        let detail =
            format!("The search for {} on {} found it and left it out: {}", found.search, found.host, found.detail);
        let mut answer = plain(WhyNotKind::LeftOut, name.clone(), &detail);
        let lets_in = matches!(found.reason, RejectReason::Blocked | RejectReason::Address);
        answer.reason = Some(found.reason);
        answer.remedy = Some(match found.reason {
            RejectReason::Blocked => "take the pattern out of discovery.block".to_owned(),
            RejectReason::Address => "allow the network by security.allowed_networks".to_owned(),
            _ => "add it by its address: what a person adds passes no rule of the searches".to_owned(),
        });
        answer.add = (!lets_in).then(|| found.web_url.clone().unwrap_or_else(|| format!("https://{name}")));
        answer.web_url = found.web_url;
        answer.at = Some(found.seen_at);
        answers.push(answer);
    }
    Ok(answers)
}

async fn deleted(c: &impl ConnectionTrait, wanted: &Wanted) -> Result<Vec<WhyNot>> {
    let stones = list_tombstones(c).await?;
    let stones = stones.into_iter().rev().filter(|stone| wanted.is(&stone.url, &stone.full_name));
    Ok(stones
        .take(1)
        .map(|stone| {
            let detail = "It was deleted here, and searches do not bring it back";
            let mut answer = plain(WhyNotKind::Deleted, stone.full_name.clone(), detail);
            answer.reason = Some(RejectReason::Deleted);
            let remedy = match stone.is_local() {
                true => "name it in repositories to have it back, or set app.samples to always if it is a sample",
                false => "add it by its address to have it back",
            };
            answer.remedy = Some(remedy.to_owned());
            answer.add = (!stone.is_local()).then(|| shown_url(&stone.url));
            answer.at = Some(stone.deleted_at);
            answer
        })
        .collect())
}

async fn never_seen(c: &impl ConnectionTrait, settings: &DiscoverySettings, wanted: &Wanted) -> Result<WhyNot> {
    let hosts: Vec<&str> = match &wanted.host {
        Some(host) => vec![host.as_str()],
        None => settings.hosts.iter().map(String::as_str).chain(["github.com"]).collect(),
    };
    let blocked = settings.block.iter().find(|pattern| hosts.iter().any(|host| matches(pattern, host, &wanted.path)));
    if let Some(pattern) = blocked {
        let detail = format!("The configuration keeps it out: discovery.block has {pattern}");
        let mut answer = plain(WhyNotKind::LeftOut, wanted.name(), &detail);
        answer.reason = Some(RejectReason::Blocked);
        answer.remedy = Some("take the pattern out of discovery.block".to_owned());
        return Ok(answer);
    }
    let add = "add it by its address";
    let mut answer = if !settings.enabled {
        let mut answer =
            plain(WhyNotKind::NotSearched, wanted.name(), "Nobody looks for it: discovery is switched off");
        answer.remedy = Some(format!("{add}, or switch discovery on"));
        answer
    } else if wanted.host.as_ref().is_some_and(|host| !settings.hosts.contains(host)) {
        let host = wanted.host.clone().unwrap_or_default();
        let searched = settings.hosts.join(", ");
        let detail = format!("Nobody looks for it: {host} is not searched, only {searched}");
        let mut answer = plain(WhyNotKind::NotSearched, wanted.name(), &detail);
        answer.remedy = Some(format!("{add}, or name {host} in discovery.forges"));
        answer
    } else {
        let last = last_run(c).await?;
        let detail = match last {
            Some((_, true)) => "The last discovery did not find it, but it could not see everything",
            Some((_, false)) => "The last discovery did not find it: none of its searches fits",
            None => "Discovery has not run to its end yet",
        };
        let mut answer = plain(WhyNotKind::NotFound, wanted.name(), detail);
        answer.at = last.map(|(at, _)| at);
        let topics: Vec<String> = settings.topics.iter().map(|topic| format!("\u{201c}{topic}\u{201d}")).collect();
        answer.remedy = Some(match topics.is_empty() {
            true => add.to_owned(),
            false => format!("give it the topic {} on its forge, or {add}", topics.join(" or ")),
        });
        answer
    };
    answer.add = Some(wanted.address());
    Ok(answer)
}

/// When the last whole run ended, and whether something may have been hidden from it.
async fn last_run(c: &impl ConnectionTrait) -> Result<Option<(Timestamp, bool)>> {
    let runs = super::runs::list_runs(c, 1).await?;
    Ok(runs.into_iter().next().and_then(|run| {
        let hidden = run.searches.iter().any(|search| search.incomplete || search.error.is_some() || !search.done);
        Some((run.finished_at?, hidden))
    }))
}

fn plain(kind: WhyNotKind, name: String, detail: &str) -> WhyNot {
    WhyNot {
        kind,
        name,
        repository_id: None::<Uuid>,
        web_url: None,
        reason: None,
        detail: detail.to_owned(),
        remedy: None,
        add: None,
        at: None,
    }
}

#[cfg(test)]
mod tests {
    use super::Wanted;

    #[test]
    fn names_and_addresses_are_read_alike() {
        for (text, host, path) in [
            ("Ada/Home-Ops", None, "ada/home-ops"),
            (" ada/home-ops/ ", None, "ada/home-ops"),
            ("https://github.com/ada/home-ops.git", Some("github.com"), "ada/home-ops"),
            ("git@codeberg.org:ada/home-ops.git", Some("codeberg.org"), "ada/home-ops"),
            ("gitlab.com/group/sub/project", Some("gitlab.com"), "group/sub/project"),
            ("https://github.com/ada/home-ops/tree/main/apps", Some("github.com"), "ada/home-ops"),
            ("https://github.com/ada/home-ops/issues", Some("github.com"), "ada/home-ops"),
            ("https://gitlab.com/group/sub/src", Some("gitlab.com"), "group/sub/src"),
            ("https://gitlab.com/group/sub/src/app", Some("gitlab.com"), "group/sub/src/app"),
            ("https://codeberg.org/ada/home-ops/src/branch/main", Some("codeberg.org"), "ada/home-ops"),
            ("https://git.example.org/ada/home-ops/pulls/3", Some("git.example.org"), "ada/home-ops"),
            ("https://git.example.org/ada/home-ops/issues", Some("git.example.org"), "ada/home-ops"),
            ("https://git.example.org/group/sub/project", Some("git.example.org"), "group/sub/project"),
            ("https://gitlab.com/group/sub/project/-/blob/main/a.yaml", Some("gitlab.com"), "group/sub/project"),
        ] {
            let wanted = Wanted::read(text).unwrap();
            assert_eq!((wanted.host.as_deref(), wanted.path.as_str()), (host, path), "{text}");
        }
        let long = format!("a/{}", "b".repeat(3_000));
        for text in ["", "home-ops", "https://github.com/", "https://github.com/ada", "a\n/b", "/", long.as_str()] {
            assert!(Wanted::read(text).is_none(), "{text:?}");
        }
    }
}
