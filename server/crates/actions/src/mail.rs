//! What accounts are told by mail. A mail is written in the transaction of what it tells of and sealed, as it may hold a link
//! that opens an account; a job sends it. So nobody waits for a mail server, and none is lost with a process.

use auth::seal::Keys;
use auth::token::mint_opaque;
use chrono::TimeDelta;
use entity::kind::{AuditAction, JobRequest, LinkKind, MailKind, Priority, RequestedBy};
use entity::view::Timestamp;
use serde::{Deserialize, Serialize};
use store::accounts::{self as stored, StoredLink};
use store::db::{ConnectionTrait, DataError, Db, new_id};
use store::mail::{DueMail, NewMail, add_mail, is_link_waiting, keep_content, was_asked_since};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::audit::Object;
use crate::{Actions, Actor, Refusal, Result};

/// How long a link works that somebody asked for who is not signed in.
const ASKED_WORKS: TimeDelta = TimeDelta::hours(1);
/// A mail that waited so long for its server gets a new link: the old one would be over before it is read.
const TOO_SOON: TimeDelta = TimeDelta::minutes(30);
/// Who asks again and again within this time gets one mail: the link in it works for a while, whoever else asks.
const ASKED_AGAIN: TimeDelta = TimeDelta::minutes(10);
/// Accounts are told so long before a token of theirs ends.
const TOLD_BEFORE: TimeDelta = TimeDelta::days(3);
/// So many tokens are told of in one run; the next one goes on.
const MOST_TOKENS: u64 = 200;

/// What a mail tells. It may hold a link, so it has no `Debug`, which logs are made of.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// What stands behind `/welcome/` to choose a new password, and until when.
    Reset {
        link: String,
        until: Timestamp,
    },
    /// The same to take an account.
    Invite {
        link: String,
        until: Timestamp,
    },
    PasswordChanged {
        at: Timestamp,
        from: Option<String>,
        /// Whether all that let somebody in before ended with the old one.
        #[serde(default)]
        is_reset: bool,
    },
    SecondFactor {
        is_on: bool,
        at: Timestamp,
        from: Option<String>,
    },
    /// Somebody who is known elsewhere is let in from now on, or no more.
    Connection {
        is_on: bool,
        /// The site that says who it is.
        site: String,
        /// Who they are there.
        who: String,
        at: Timestamp,
        from: Option<String>,
    },
    TokenExpires {
        name: String,
        at: Timestamp,
    },
    /// To an address that somebody gave as theirs: what stands behind `/welcome/` to show that it is, and until when.
    Address {
        link: String,
        until: Timestamp,
    },
    AddressChanged {
        to: String,
        at: Timestamp,
    },
}

impl Content {
    const fn kind(&self) -> MailKind {
        match self {
            Self::Reset { .. } => MailKind::Reset,
            Self::Invite { .. } => MailKind::Invite,
            Self::PasswordChanged { .. } => MailKind::PasswordChanged,
            Self::SecondFactor { .. } => MailKind::SecondFactor,
            Self::Connection { .. } => MailKind::Connection,
            Self::TokenExpires { .. } => MailKind::TokenExpires,
            Self::Address { .. } => MailKind::Address,
            Self::AddressChanged { .. } => MailKind::AddressChanged,
        }
    }

    fn seal(&self, keys: &Keys, id: Uuid) -> Result<Vec<u8>> {
        let plain = serde_json::to_vec(self)
            .map_err(|error| DataError::Damaged { what: "mail.sealed", reason: error.to_string() })?;
        Ok(keys.seal(&purpose(id), &Zeroizing::new(plain)))
    }
}

/// What a mail is sealed for: it opens as no other.
#[must_use]
pub fn purpose(id: Uuid) -> String {
    format!("mail:{id}")
}

/// A mail to an account, written with what it tells of.
async fn write(
    w: &impl ConnectionTrait,
    keys: &Keys,
    account_id: Uuid,
    to: &str,
    content: &Content,
    now: Timestamp,
) -> Result<()> {
    let id = new_id(now);
    let sealed = Some(content.seal(keys, id)?);
    let new = NewMail { id, kind: content.kind(), account_id: Some(account_id), recipient: to.to_owned(), sealed };
    Ok(add_mail(w, new, now).await?)
}

impl Actions {
    /// Whether mails are sent at all.
    #[must_use]
    pub fn sends_mail(&self) -> bool {
        self.outside.sends_mail
    }

    /// Has an account told something, in the transaction of what it tells; nothing where no mail is sent. Its job is to be
    /// announced after the commit.
    pub(crate) async fn mail(
        &self,
        txn: &impl ConnectionTrait,
        actor: &Actor,
        (account_id, to): (Uuid, &str),
        content: &Content,
    ) -> Result<Option<Uuid>> {
        if !self.sends_mail() {
            return Ok(None);
        }
        write(txn, &self.outside.keys, account_id, to, content, self.now()).await?;
        Ok(Some(self.send_soon(txn, actor.requested_by()).await?))
    }

    async fn send_soon(&self, txn: &impl ConnectionTrait, by: RequestedBy) -> Result<Uuid> {
        Ok(self.queue.enqueue_in(txn, &JobRequest::SendMail, by, Priority::CLICK, self.now()).await?)
    }

    /// Where somebody asks from, as mails tell it.
    pub(crate) fn from(actor: &Actor) -> Option<String> {
        actor.address().map(|address| address.to_string())
    }
}

/// Has a link for a new password sent to whoever has the account of this address. What is done here is the same for addresses
/// that nobody has: whose it is, is looked up when the mail is sent.
///
/// # Errors
/// The refusal, which tells nothing of accounts.
pub async fn ask_password_reset(ctx: &Actions, actor: &Actor, address: &str) -> Result<()> {
    if !ctx.sends_mail() {
        return Err(Refusal::Unusable("no mail is sent here; an admin can make a link for you".to_owned()));
    }
    let recipient = crate::accounts::email(address)?;
    // One that waits already serves for both who asked.
    if !is_link_waiting(&ctx.db.read, &recipient).await? {
        let txn = ctx.db.begin().await?;
        let new = NewMail {
            id: new_id(ctx.now()),
            kind: MailKind::Reset,
            account_id: None,
            recipient: recipient.clone(),
            sealed: None,
        };
        add_mail(&txn, new, ctx.now()).await?;
        let job = ctx.send_soon(&txn, actor.requested_by()).await?;
        txn.commit().await.map_err(DataError::from)?;
        ctx.queue.announce(&[job]).await;
    }
    let object = Object::new("account", None, recipient.clone());
    ctx.tell_now_and_then(actor, AuditAction::AskPasswordReset, object, &[&recipient], None).await
}

/// What a mail says, now that it is sent; nothing where there is nobody to send it to.
///
/// # Errors
/// If it can't be opened, or the database fails.
pub async fn open(db: &Db, keys: &Keys, mail: &DueMail, now: Timestamp) -> Result<Option<Content>> {
    let opened = match &mail.sealed {
        Some(sealed) => {
            let plain = keys.open(&purpose(mail.id), sealed);
            let plain = plain.map_err(|error| Refusal::Unusable(error.to_string()))?;
            let content = serde_json::from_slice(&plain);
            Some(content.map_err(|error| Refusal::Unusable(format!("the mail's content is damaged: {error}")))?)
        }
        None => None,
    };
    match opened {
        // Links that admins made are theirs to make anew.
        Some(Content::Reset { until, .. }) if mail.account_id.is_none() && until - now < TOO_SOON => {
            make_asked_link(db, keys, mail, now).await
        }
        Some(content) => Ok(Some(content)),
        None => make_asked_link(db, keys, mail, now).await,
    }
}

/// Makes the link that somebody asked for, and keeps it with the mail for its next tries.
async fn make_asked_link(db: &Db, keys: &Keys, mail: &DueMail, now: Timestamp) -> Result<Option<Content>> {
    let found = stored::find_credentials_by_email(&db.read, &mail.recipient).await?.filter(|found| found.is_active);
    let Some(found) = found else { return Ok(None) };
    // Whoever signs in elsewhere alone is known by what is asked for there.
    let signs_in_elsewhere =
        found.password_hash.is_none() && !stored::list_identities(&db.read, found.id).await?.is_empty();
    let asked_again = mail.sealed.is_none() && was_asked_since(&db.read, mail, mail.created_at - ASKED_AGAIN).await?;
    if signs_in_elsewhere || asked_again {
        return Ok(None);
    }
    let (minted, until) = (mint_opaque(), now + ASKED_WORKS);
    let content = Content::Reset { link: minted.text.to_string(), until };
    let txn = db.begin().await?;
    let link = StoredLink::of(LinkKind::Reset, Some(found.id));
    stored::add_link(&txn, &minted.hash, link, until, now).await?;
    keep_content(&txn, mail.id, content.seal(keys, mail.id)?).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(Some(content))
}

/// Writes a mail for each token that ends within days; once for each, however often and wherever this runs.
///
/// # Errors
/// The database's.
pub async fn tell_of_ending_tokens(db: &Db, keys: &Keys, now: Timestamp) -> Result<u64> {
    let mut told = 0;
    for token in stored::list_ending_tokens(&db.read, now, now + TOLD_BEFORE, MOST_TOKENS).await? {
        let txn = db.begin().await?;
        if stored::mark_ending_told(&txn, token.id, now).await? {
            let content = Content::TokenExpires { name: token.name, at: token.expires_at };
            write(&txn, keys, token.account_id, &token.email, &content, now).await?;
            told += 1;
        }
        txn.commit().await.map_err(DataError::from)?;
    }
    Ok(told)
}
