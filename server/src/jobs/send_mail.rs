//! Sends the mails that wait. A mail is tried for hours, each time after twice as long; it is taken for a try before it is
//! sent, so that two processes never send one at a time, and one that is killed leaves it to the next try.
//!
//! Everybody may see jobs, also whoever asked for a new password for an account that there may be: what is said here does not
//! tell. How single mails fared is in the program's log and in `kubestats doctor`.

use std::time::Instant;

use actions::Refusal;
use actions::mail::{open, tell_of_ending_tokens};
use chrono::TimeDelta;
use entity::kind::{LogLevel, MailKind};
use entity::view::Timestamp;
use store::mail::{self, DueMail};

use super::{Deps, JobContext, JobError};
use crate::clock;
use crate::mail::{MailError, Mailer};

/// Mails that are looked at together.
const BATCH: u64 = 50;
/// After the first try; twice as long after each one more.
const FIRST_WAIT: TimeDelta = TimeDelta::minutes(1);
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(1);
/// What could not be sent for so long is given up.
const GIVE_UP: TimeDelta = TimeDelta::hours(8);

/// What came of a run so far.
#[derive(Default)]
struct Tally {
    ended: u32,
    given_up: u32,
    /// Why mails wait.
    reason: Option<String>,
    /// Whether somebody asked who is not known.
    by_strangers: bool,
}

pub(super) async fn run(deps: &Deps, context: &JobContext) -> Result<String, JobError> {
    let Some(mailer) = &deps.mailer else { return Ok("no mail server is configured".to_owned()) };
    let began = Instant::now();
    tell_of_ending_tokens(&deps.db, &mailer.keys, clock::now()).await.map_err(failed)?;
    let mut tally = Tally::default();
    while tally.reason.is_none() {
        let due = mail::list_due_mails(&deps.db.read, clock::now(), BATCH).await?;
        if due.is_empty() {
            break;
        }
        tally.by_strangers |= due.iter().any(|mail| mail.kind == MailKind::Reset);
        if let Err(error) = mailer.check().await {
            put_off(deps, &due, &error, &mut tally).await?;
            continue;
        }
        for mail in &due {
            if context.is_cancelled() {
                return Err(JobError::Cancelled);
            }
            one(deps, mailer, mail, &mut tally).await?;
            if tally.reason.is_some() {
                break;
            }
        }
    }
    if tally.by_strangers {
        tokio::time::sleep(mailer.takes_at_least.saturating_sub(began.elapsed())).await;
    }
    if tally.given_up > 0 {
        let text =
            format!("{} could not be sent for {} hours and are given up", mails(tally.given_up), GIVE_UP.num_hours());
        context.note(LogLevel::Error, &text);
    }
    match (mail::next_try(&deps.db.read).await?, tally.reason) {
        (Some(next), reason) => {
            let reason = reason.unwrap_or_else(|| "mails wait for their next try".to_owned());
            Err(JobError::Later(reason, next.max(clock::now() + TimeDelta::seconds(1))))
        }
        (None, Some(reason)) => Err(JobError::GiveUp(reason)),
        (None, None) => Ok(format!("dealt with {}", mails(tally.ended))),
    }
}

fn mails(count: u32) -> String {
    if count == 1 { "1 mail".to_owned() } else { format!("{count} mails") }
}

fn failed(refusal: Refusal) -> JobError {
    match refusal {
        Refusal::Failed(error) => error.into(),
        refusal => JobError::GiveUp(refusal.text()),
    }
}

/// When a mail is tried again after this try.
fn again(mail: &DueMail, now: Timestamp) -> Timestamp {
    let doubled = u32::try_from(mail.attempts).unwrap_or(0).min(16);
    now + LONGEST_WAIT.min(FIRST_WAIT * 2_i32.pow(doubled))
}

/// The server can't be used: all that is due waits.
async fn put_off(deps: &Deps, due: &[DueMail], error: &MailError, tally: &mut Tally) -> Result<(), JobError> {
    for mail in due {
        if mail::take_mail(&deps.db.write, mail, again(mail, clock::now())).await? {
            not_sent(deps, mail, error, tally).await?;
        }
    }
    tally.reason = Some(error.to_string());
    Ok(())
}

async fn one(deps: &Deps, mailer: &Mailer, mail: &DueMail, tally: &mut Tally) -> Result<(), JobError> {
    if !mail::take_mail(&deps.db.write, mail, again(mail, clock::now())).await? {
        return Ok(());
    }
    let content = match open(&deps.db, &mailer.keys, mail, clock::now()).await {
        Ok(Some(content)) => content,
        Ok(None) => {
            mail::remove_mail(&deps.db.write, mail.id).await?;
            tally.ended += 1;
            return Ok(());
        }
        Err(Refusal::Failed(error)) => return Err(error.into()),
        Err(refusal) => {
            let error = MailError::Sealed(refusal.text());
            return not_sent(deps, mail, &error, tally).await;
        }
    };
    match mailer.send(mail.id, &mail.recipient, &content).await {
        Ok(()) => {
            mail::end_mail(&deps.db.write, mail.id, None, clock::now()).await?;
            tally.ended += 1;
            tracing::info!(mail.id = %mail.id, mail.kind = %mail.kind, "a mail is sent");
            Ok(())
        }
        Err(error) => {
            if matches!(error, MailError::Server(_)) {
                tally.reason = Some(error.to_string());
            }
            not_sent(deps, mail, &error, tally).await
        }
    }
}

/// Notes a try that failed, and ends what will never be sent.
async fn not_sent(deps: &Deps, mail: &DueMail, error: &MailError, tally: &mut Tally) -> Result<(), JobError> {
    let text = error.to_string();
    let is_too_old = clock::now() - mail.created_at >= GIVE_UP;
    tracing::warn!(mail.id = %mail.id, mail.kind = %mail.kind, is_too_old, error = text, "a mail is not sent");
    if is_too_old || matches!(error, MailError::Refused(_)) {
        tally.ended += 1;
        tally.given_up += u32::from(is_too_old);
        return Ok(mail::end_mail(&deps.db.write, mail.id, Some(&text), clock::now()).await?);
    }
    Ok(mail::note_failure(&deps.db.write, mail.id, &text).await?)
}
