//! Accounts and tokens from the machine's own shell: for the first start, for who locked themselves out, and for scripts.

use std::io::Read as _;

use actions::accounts::{self as ask, AccountChange, Invited, TokenRequest};
use actions::{Actions, Actor, Refusal};
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use entity::view::{Account, PageQuery};
use store::accounts as stored;
use store::db::Db;
use store::queue::JobQueue;
use zeroize::Zeroizing;

use super::table::Table;
use super::{TokenCommand, UserCommand};
use crate::config::Config;
use crate::start;

/// A password is no longer than this, whatever is piped in.
const MOST_BYTES: u64 = 4_096;

pub(super) fn run_user(config: Config, command: &UserCommand) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(user(config, command))
}

pub(super) fn run_token(config: Config, command: &TokenCommand) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(token(config, command))
}

/// Refusals are sentences for people already.
fn said(refusal: Refusal) -> anyhow::Error {
    anyhow::anyhow!("{}", refusal.text())
}

async fn open(config: &Config) -> anyhow::Result<(Db, Actions)> {
    let db = start::connect(config).await?;
    let queue = JobQueue::new(db.clone());
    let actions = start::actions(config, &db, &queue, start::keys(config)?, std::sync::Arc::default());
    Ok((db, actions))
}

async fn account(db: &Db, email: &str) -> anyhow::Result<Account> {
    let found = stored::find_credentials_by_email(&db.read, &email.trim().to_lowercase()).await?;
    let found = found.with_context(|| format!("there is no account {email}; kubestats user list shows all"))?;
    stored::find_account(&db.read, found.id).await?.context("the account is gone")
}

/// A password from standard input: arguments are seen by everybody on the machine.
fn password() -> anyhow::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    std::io::stdin().take(MOST_BYTES).read_to_string(&mut text).context("standard input holds no text")?;
    let password = Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned());
    anyhow::ensure!(!password.is_empty(), "standard input is empty; write the password there");
    Ok(password)
}

fn shown(time: Option<DateTime<Utc>>) -> String {
    time.map_or_else(|| "never".to_owned(), |time| time.format("%Y-%m-%d %H:%M").to_string())
}

#[expect(clippy::print_stdout, reason = "the answer of a command")]
async fn user(config: Config, command: &UserCommand) -> anyhow::Result<()> {
    let (db, actions) = open(&config).await?;
    let actor = Actor::command();
    let welcome = |Invited { link, .. }: Invited| format!("{}/welcome/{}", start::public_url(&config), link.as_str());
    match command {
        UserCommand::Add { email, name, role, password_stdin } => {
            let password = if *password_stdin { Some(password()?) } else { None };
            let name = name.as_deref();
            match password {
                Some(password) => {
                    let made = ask::create_account_with_password(&actions, &actor, email, name, role, &password).await;
                    made.map_err(said)?;
                    println!("{email} can sign in");
                }
                None => {
                    let made = ask::create_account(&actions, &actor, email, name, role).await.map_err(said)?;
                    println!("{email} chooses a password at, within two days:\n{}", welcome(made));
                }
            }
        }
        UserCommand::Reset { email, password_stdin, second_factor } => {
            let id = account(&db, email).await?.id;
            if *second_factor {
                ask::remove_second_factor_of(&actions, &actor, id).await.map_err(said)?;
                println!("{email} is asked for no code any more; all sessions are over");
            } else if *password_stdin {
                ask::set_password_of(&actions, &actor, id, &password()?).await.map_err(said)?;
                println!(
                    "{email} has the new password; all sessions are over, tokens work no more, and no other site signs \
                     them in until they connect it anew"
                );
            } else {
                let made = ask::make_link(&actions, &actor, id).await.map_err(said)?;
                println!("{email} chooses a new password at, within two days:\n{}", welcome(made));
            }
        }
        UserCommand::Disable { email } | UserCommand::Enable { email } => {
            let is_active = matches!(command, UserCommand::Enable { .. });
            let change = AccountChange { role: None, is_active: Some(is_active) };
            let id = account(&db, email).await?.id;
            ask::change_account(&actions, &actor, id, &change).await.map_err(said)?;
            println!(
                "{email} {}",
                if is_active { "can sign in" } else { "can't sign in any more; all sessions are over" }
            );
        }
        UserCommand::List => {
            let found = stored::list_accounts(&db.read, None, PageQuery { skip: 0, limit: 1_000 }).await?;
            let mut table = Table::new(&["e-mail", "name", "role", "state", "second factor", "signed in"]);
            for account in found.data {
                table.row([
                    account.email,
                    account.full_name.unwrap_or_default(),
                    account.role,
                    if account.is_active { "active" } else { "disabled" }.to_owned(),
                    if account.has_second_factor { "yes" } else { "no" }.to_owned(),
                    shown(account.last_sign_in_at),
                ]);
            }
            table.write(&mut std::io::stdout(), "Accounts", usize::MAX)?;
        }
    }
    db.close().await?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the answer of a command")]
async fn token(config: Config, command: &TokenCommand) -> anyhow::Result<()> {
    let (db, actions) = open(&config).await?;
    match command {
        TokenCommand::Create { email, name, scope, repository, days } => {
            let own = account(&db, email).await?;
            let request = TokenRequest {
                name: name.clone(),
                scopes: scope.clone(),
                repositories: repository.clone(),
                days: Some(*days).filter(|days| *days > 0),
            };
            let made = ask::create_token(&actions, &Actor::command_as(&own), &request).await.map_err(said)?;
            println!("{}", made.text.as_str());
        }
        TokenCommand::List { email } => {
            let own = account(&db, email).await?;
            let mut table = Table::new(&["id", "name", "scopes", "ends", "used"]);
            for token in stored::list_tokens(&db.read, own.id).await? {
                let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
                let ends = shown(token.expires_at);
                table.row([token.id.to_string(), token.name, scopes.join(" "), ends, shown(token.used_at)]);
            }
            table.write(&mut std::io::stdout(), "Tokens", usize::MAX)?;
        }
        TokenCommand::Revoke { email, id } => {
            let own = account(&db, email).await?;
            let revoked = ask::revoke_token(&actions, &Actor::command_as(&own), *id).await;
            revoked.map_err(|refusal| match refusal {
                Refusal::Missing(_) => {
                    let email = &own.email;
                    anyhow::anyhow!("{email} has no token {id}; kubestats token list {email} shows all")
                }
                refusal => said(refusal),
            })?;
            println!("the token works no more");
        }
    }
    db.close().await?;
    Ok(())
}
