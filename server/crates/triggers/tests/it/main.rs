//! The crate as others use it: requests to the byte, receivers that misbehave, commands that do.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail loudly")]

mod commands;
mod detection;
mod receiver;
mod receivers;
mod requests;
mod tekton_request;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entity::kind::{BranchEventKind, Provider};
use entity::value::ObjectId;
use triggers::{CommitDescription, TargetSecrets, Telling};
use uuid::Uuid;

const DELIVERY: Uuid = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001);
const EVENT: Uuid = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0002);
const OLD: &str = "00ff10a1b2c3d4e5f60718293a4b5c6d7e8f9001";
const NEW: &str = "abcd1234567890abcdef1234567890abcdef1234";
const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "as events have it")]
fn id(text: &str) -> Option<ObjectId> {
    Some(text.parse().unwrap())
}

fn telling() -> Telling<'static> {
    Telling {
        delivery_id: DELIVERY,
        event_id: EVENT,
        trigger_name: "deploy",
        kind: BranchEventKind::BranchUpdated,
        repository_full_name: "Owner/Test-Repo",
        repository_url: "https://github.com/Owner/Test-Repo",
        provider: Provider::Github,
        branch: "main",
        old_commit: id(OLD),
        new_commit: id(NEW),
        is_forced: Some(false),
        commit: None,
        noticed_at: at("2024-01-01T12:00:00.987Z"),
        sent_at: at("2024-01-01T12:05:00Z"),
        attempt: 2,
        tekton: None,
    }
}

fn described() -> CommitDescription<'static> {
    CommitDescription {
        message: "Update <app> & \"more\"\n\nBody",
        author_name: "Ada",
        author_email: "ada@example.org",
        time: at("2024-01-01T11:59:30Z"),
    }
}

fn gone() -> Telling<'static> {
    Telling { kind: BranchEventKind::BranchDeleted, new_commit: None, ..telling() }
}

fn secret(text: &str) -> TargetSecrets {
    TargetSecrets { current: Some(text.to_owned()), previous: None }
}

fn headers(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
