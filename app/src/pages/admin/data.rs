use entity::view::{Account, AuditEntry, Listing, PageQuery, RoleDetail, Route, Timestamp};
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};

use crate::error::AppError;
use crate::pages::outcome::OutcomeText;
#[cfg(feature = "ssr")]
use crate::pages::{account::idle_since, ask, outcome::tell};
#[cfg(feature = "ssr")]
use entity::kind::Permission;
#[cfg(feature = "ssr")]
use entity::view::ShownOnce;
#[cfg(feature = "ssr")]
use store::accounts::{find_account, list_accounts, list_open_sessions, list_roles, list_tokens};

/// What the page of all accounts shows. Like all that may hold a link, it has no `Debug`, which logs are made of.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct UsersData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    pub accounts: Listing<Account>,
    /// Which of them are here.
    pub page: PageQuery,
    /// Names of all roles.
    pub roles: Vec<String>,
    pub outcome: Option<OutcomeText>,
}

/// Accounts, as the page's address says.
#[server(prefix = "/ui", endpoint = "users", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn read_users(query: String) -> Result<UsersData, AppError> {
    ask::actor().need(Permission::Admin)?;
    let (db, params) = (ask::context()?.db, ask::params(&query)?);
    let page = ask::page(&params, 50);
    Ok(UsersData {
        now: ask::now(),
        accounts: list_accounts(&db.read, ask::text(&params, "text")?.as_deref(), page).await?,
        page,
        roles: list_roles(&db.read).await?.into_iter().map(|role| role.name).collect(),
        outcome: tell::find_text(&db, &params).await?,
    })
}

/// What the page of one account shows.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct UserData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    pub account: Account,
    /// Whether it is the one that asks.
    pub is_own: bool,
    pub roles: Vec<String>,
    pub sessions: usize,
    pub tokens: usize,
    pub outcome: Option<OutcomeText>,
    /// A link for it that is shown this once.
    pub link: Option<String>,
}

/// One account.
#[server(prefix = "/ui", endpoint = "user", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn find_user(id: String, query: String) -> Result<UserData, AppError> {
    let (ctx, actor) = ask::actions()?;
    actor.need(Permission::Admin)?;
    let (db, now, params) = (ask::context()?.db, ask::now(), ask::params(&query)?);
    let id = ask::id(&id, "account")?;
    let account = find_account(&db.read, id).await?.ok_or_else(|| ask::missing("account"))?;
    let is_here = |shown: &ShownOnce| matches!(shown, ShownOnce::Link { account_id, .. } if *account_id == id);
    let link = match ask::shown_once(&ctx, &actor, is_here) {
        Some(ShownOnce::Link { path, .. }) => Some(format!("{}{path}", ask::origin().unwrap_or_default())),
        _ => None,
    };
    Ok(UserData {
        now,
        is_own: actor.account().is_some_and(|own| own.id == id),
        roles: list_roles(&db.read).await?.into_iter().map(|role| role.name).collect(),
        sessions: list_open_sessions(&db.read, id, idle_since(), now).await?.len(),
        tokens: list_tokens(&db.read, id).await?.len(),
        outcome: tell::find_text(&db, &params).await?,
        link,
        account,
    })
}

/// What the page of roles shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolesData {
    pub roles: Vec<RoleDetail>,
    pub outcome: Option<OutcomeText>,
}

/// What the page of permissions shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PermissionsData {
    pub roles: Vec<RoleDetail>,
    /// What programs can ask for.
    pub operations: Vec<Route>,
    /// What our own pages ask for.
    pub functions: Vec<Route>,
    /// Whether everybody may read.
    pub anonymous_read: bool,
}

/// Roles, and what each of them can ask for.
#[server(prefix = "/ui", endpoint = "permissions", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn read_permissions() -> Result<PermissionsData, AppError> {
    ask::actor().need(Permission::Admin)?;
    let context = ask::context()?;
    Ok(PermissionsData {
        roles: list_roles(&context.db.read).await?,
        operations: context.operations.to_vec(),
        functions: crate::functions::routes(),
        anonymous_read: context.anonymous_read,
    })
}

/// Roles and what they may do.
#[server(prefix = "/ui", endpoint = "roles", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn read_roles(query: String) -> Result<RolesData, AppError> {
    ask::actor().need(Permission::Admin)?;
    let (db, params) = (ask::context()?.db, ask::params(&query)?);
    Ok(RolesData { roles: list_roles(&db.read).await?, outcome: tell::find_text(&db, &params).await? })
}

/// One entry of the log, with what was there before and since as text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditRow {
    /// Without `before` and `after`, which are here in words.
    pub entry: AuditEntry,
    pub before: Option<String>,
    pub after: Option<String>,
    /// What the token is called that let them in, or the device that the session is of, while that is there.
    pub means: Option<String>,
}

/// What the page of the log shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    pub rows: Listing<AuditRow>,
    /// Which of them are here.
    pub page: PageQuery,
    /// The account that is filtered by, as people know it.
    pub account: Option<String>,
    /// The times that days of the address stand for: not before this one.
    pub since: Option<Timestamp>,
    /// Before this one.
    pub until: Option<Timestamp>,
}

/// What people did, as the page's address says.
#[server(prefix = "/ui", endpoint = "audit", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn read_audit(query: String) -> Result<AuditData, AppError> {
    use entity::kind::AuditAction;
    use entity::view::AuditFilter;
    use store::audit::list_audit_entries;

    ask::actor().need(Permission::Admin)?;
    let (db, params) = (ask::context()?.db, ask::params(&query)?);
    let (page, filter) = (
        ask::page(&params, 50),
        AuditFilter {
            action: ask::word(&params, "action"),
            account_id: ask::uuid(&params, "account_id"),
            text: ask::text(&params, "text")?,
            since: super::tell::midnight(&params, "since", 0)?,
            // To the end of the day.
            until: super::tell::midnight(&params, "until", 1)?,
        },
    );
    let unknown = ask::is_unknown::<AuditAction>(&params, "action") || ask::is_no_id(&params, "account_id");
    let found = if unknown { Listing::default() } else { list_audit_entries(&db.read, &filter, page).await? };
    let words = |json: Option<serde_json::Value>| json.and_then(|json| serde_json::to_string_pretty(&json).ok());
    let means = super::tell::means(&db, &found.data).await?;
    let row = |mut entry: AuditEntry| AuditRow {
        before: words(entry.before.take()),
        after: words(entry.after.take()),
        means: entry.via_id.and_then(|id| means.get(&id).cloned()),
        entry,
    };
    let account = match filter.account_id {
        Some(id) => find_account(&db.read, id).await?.map(|account| account.email).or(Some(id.to_string())),
        None => None,
    };
    Ok(AuditData {
        now: ask::now(),
        rows: Listing { data: found.data.into_iter().map(row).collect(), count: found.count },
        page,
        account,
        since: filter.since,
        until: filter.until,
    })
}

/// A forge as its page shows it, in sentences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForgeRow {
    pub host: String,
    /// What it is used for and with which token.
    pub about: String,
    /// What it said of its limits.
    pub budgets: Vec<String>,
    pub last_error: Option<String>,
    /// Since when a token is kept that somebody entered.
    pub entered_at: Option<Timestamp>,
    /// Which scopes a token needs.
    pub scopes: String,
}

/// What the page of forges shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForgesData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    pub forges: Vec<ForgeRow>,
    pub outcome: Option<OutcomeText>,
}

/// All forges.
#[server(prefix = "/ui", endpoint = "forges", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn read_forges(query: String) -> Result<ForgesData, AppError> {
    let (ctx, actor) = ask::actions()?;
    let forges = actions::forges::list_forges(&ctx, &actor).await?;
    let (db, params) = (ask::context()?.db, ask::params(&query)?);
    Ok(ForgesData {
        now: ask::now(),
        forges: forges.into_iter().map(super::tell::forge).collect(),
        outcome: tell::find_text(&db, &params).await?,
    })
}
