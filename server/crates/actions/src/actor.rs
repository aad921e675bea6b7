use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use entity::address::Address;
use entity::kind::{AuditAction, Permission, Permissions, RequestedBy, Via};
use entity::view::{Account, Repository};
use store::accounts::Holder;
use uuid::Uuid;

use crate::{Refusal, Result};

/// Where something is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// A page's form.
    Page,
    /// REST.
    Api,
    /// A command.
    Cli,
    /// A schedule whose time has come.
    Schedule,
}

/// Who asks, and what they may: made by a door once it has found out, and asked by every action.
#[derive(Clone, Debug)]
pub struct Actor {
    door: Door,
    account: Option<Arc<Holder>>,
    via: Via,
    via_id: Option<Uuid>,
    permissions: Permissions,
    /// Patterns of repositories that may be changed; all where there are none.
    repositories: Arc<[String]>,
    address: Option<IpAddr>,
    request_id: Option<Arc<str>>,
    /// What they asked for in this request and lack the right to.
    lacked: Arc<Mutex<Option<&'static str>>>,
}

impl Actor {
    /// Somebody that nothing is known of. They may read where everybody may.
    #[must_use]
    pub fn nobody(door: Door, may_read: bool) -> Self {
        let read = may_read.then_some(Permission::Read);
        Self::new(door, Via::Nobody, read.into_iter().collect())
    }

    /// Whoever has a shell on the machine may do everything.
    #[must_use]
    pub fn command() -> Self {
        Self::new(Door::Cli, Via::Command, Permissions::all())
    }

    /// Whoever has a shell on the machine, in the name of an account: what that may do, no more.
    #[must_use]
    pub fn command_as(account: &Account) -> Self {
        let holder = Holder {
            id: account.id,
            email: account.email.clone(),
            full_name: account.full_name.clone(),
            role: account.role.clone(),
            permissions: account.permissions.iter().copied().collect(),
        };
        let permissions = holder.permissions;
        Self { account: Some(Arc::new(holder)), ..Self::new(Door::Cli, Via::Command, permissions) }
    }

    /// The program itself, when a schedule's time has come.
    #[must_use]
    pub fn schedule() -> Self {
        Self::new(Door::Schedule, Via::Schedule, Permissions::all())
    }

    fn new(door: Door, via: Via, permissions: Permissions) -> Self {
        Self {
            door,
            account: None,
            via,
            via_id: None,
            permissions,
            repositories: Arc::new([]),
            address: None,
            request_id: None,
            lacked: Arc::default(),
        }
    }

    /// Somebody who signed in: what their role allows.
    #[must_use]
    pub fn session(door: Door, holder: Holder, session: Uuid) -> Self {
        let permissions = holder.permissions;
        Self { account: Some(Arc::new(holder)), via_id: Some(session), ..Self::new(door, Via::Session, permissions) }
    }

    /// A program with a token: what the account's role and the token's scopes both allow, on the token's repositories.
    #[must_use]
    pub fn token(holder: Holder, token: Uuid, scopes: Permissions, repositories: Vec<String>) -> Self {
        let permissions = holder.permissions.and(scopes);
        Self {
            account: Some(Arc::new(holder)),
            via_id: Some(token),
            repositories: repositories.into(),
            ..Self::new(Door::Api, Via::Token, permissions)
        }
    }

    /// The same, who has just shown whose account is theirs; how is told.
    #[must_use]
    pub(crate) fn known(&self, holder: Holder, via: Via) -> Self {
        Self { account: Some(Arc::new(holder)), via, ..self.clone() }
    }

    /// The same, known by where they ask from and in which request.
    #[must_use]
    pub fn from(mut self, address: Option<IpAddr>, request_id: Option<Arc<str>>) -> Self {
        self.address = address;
        self.request_id = request_id;
        self
    }

    /// At another door: pages' server functions and REST share one check.
    #[must_use]
    pub fn at(mut self, door: Door) -> Self {
        self.door = door;
        self
    }

    /// The account, where somebody signed in.
    #[must_use]
    pub fn account(&self) -> Option<&Holder> {
        self.account.as_deref()
    }

    /// The account that is to be there.
    ///
    /// # Errors
    /// Nobody signed in.
    pub fn signed_in(&self) -> Result<&Holder> {
        self.account().ok_or(Refusal::NotSignedIn)
    }

    /// The account, where its person is here: at an open session, or at a shell of the machine. A token is no person: it
    /// changes nothing of the account, makes no other tokens and tries no passwords.
    ///
    /// # Errors
    /// Nobody signed in, or a program asks.
    pub fn in_person(&self) -> Result<&Holder> {
        let own = self.signed_in()?;
        match self.via {
            Via::Session | Via::Command => Ok(own),
            Via::Token | Via::Password | Via::Provider | Via::Link | Via::Schedule | Via::Nobody => {
                self.lacks("in person");
                Err(Refusal::NotInPerson)
            }
        }
    }

    /// The session that they came with.
    #[must_use]
    pub fn session_id(&self) -> Option<Uuid> {
        self.via_id.filter(|_| self.via == Via::Session)
    }

    /// The token that they came with.
    #[must_use]
    pub fn token_id(&self) -> Option<Uuid> {
        self.via_id.filter(|_| self.via == Via::Token)
    }

    /// What they may do.
    #[must_use]
    pub const fn permissions(&self) -> Permissions {
        self.permissions
    }

    /// Where they ask from.
    #[must_use]
    pub const fn address(&self) -> Option<IpAddr> {
        self.address
    }

    pub(crate) const fn via(&self) -> (Via, Option<Uuid>) {
        (self.via, self.via_id)
    }

    pub(crate) fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Who it is, as the log of what people did tells.
    pub(crate) fn name(&self) -> String {
        match &self.account {
            Some(holder) => holder.email.clone(),
            None => self.via.as_str().to_owned(),
        }
    }

    /// Whether they have a permission: the one place that decides.
    ///
    /// # Errors
    /// What is missing.
    pub fn need(&self, permission: Permission) -> Result<()> {
        match (self.permissions.has(permission), &self.account) {
            (true, _) => Ok(()),
            (false, None) if self.via == Via::Nobody => Err(Refusal::NotSignedIn),
            (false, _) => {
                self.lacks(permission.as_str());
                Err(Refusal::NotAllowed(permission))
            }
        }
    }

    /// Whether they may do something.
    ///
    /// # Errors
    /// What is missing.
    pub fn may(&self, action: AuditAction) -> Result<()> {
        let Some(permission) = action.needs() else { return Ok(()) };
        self.need(permission).inspect_err(|_| self.lacks(action.as_str()))
    }

    /// Notes what they may not, for the log of what people did. Who did not sign in is nobody that it could tell of.
    fn lacks(&self, what: &'static str) {
        if self.account.is_some() {
            *self.lacked.lock().unwrap_or_else(PoisonError::into_inner) = Some(what);
        }
    }

    /// What they asked for in this request and lack the right to, if anything; once.
    #[must_use]
    pub fn take_lacked(&self) -> Option<&'static str> {
        self.lacked.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether they may administer, all there is: a token for some repositories may not.
    pub(crate) fn administers(&self) -> Result<()> {
        self.need(Permission::Admin)?;
        self.has_all()
    }

    fn has_all(&self) -> Result<()> {
        match self.repositories.is_empty() {
            true => Ok(()),
            false => {
                self.lacks("all repositories");
                Err(Refusal::OtherRepository)
            }
        }
    }

    /// Whether they may do it to what is no single repository: a token for some of them may not.
    pub(crate) fn may_to_all(&self, action: AuditAction) -> Result<()> {
        self.may(action)?;
        self.has_all()
    }

    /// Whether they may do it to this repository.
    pub(crate) fn may_to(&self, action: AuditAction, repository: &Repository) -> Result<()> {
        self.may(action)?;
        self.covers(&repository.url, repository.main_name())
    }

    /// Whether a repository is one of those that the token is for.
    pub(crate) fn covers(&self, url: &str, full_name: &str) -> Result<()> {
        if self.is_for(url, full_name) {
            return Ok(());
        }
        self.lacks("other repositories");
        Err(Refusal::OtherRepository)
    }

    /// Whether they may manage this repository: for what is shown to those alone, which is asked for by nobody.
    pub(crate) fn manages(&self, url: &str, full_name: &str) -> bool {
        self.permissions.has(Permission::ManageRepositories) && self.is_for(url, full_name)
    }

    fn is_for(&self, url: &str, full_name: &str) -> bool {
        if self.repositories.is_empty() {
            return true;
        }
        let host = Address::read(url).ok().map(|address| address.host().to_owned()).unwrap_or_default();
        self.repositories.iter().any(|pattern| store::discovery::matches(pattern, &host, full_name))
    }

    /// As jobs remember it.
    pub(crate) const fn requested_by(&self) -> RequestedBy {
        match self.door {
            Door::Page => RequestedBy::Page,
            Door::Api => RequestedBy::Api,
            Door::Cli => RequestedBy::Cli,
            Door::Schedule => RequestedBy::Schedule,
        }
    }
}
