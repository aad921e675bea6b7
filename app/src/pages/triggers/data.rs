use entity::kind::TargetKind;
use entity::view::{Delivery, DeliveryAttempt, Listing, PageQuery, ShownOnce, Timestamp, TriggerSecret};
use leptos::prelude::*;
use leptos::server_fn::codec::{GetUrl, Postcard};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::form_data::{FormCheck, TriggerForm};
use crate::error::AppError;
use crate::pages::outcome::OutcomeText;
#[cfg(feature = "ssr")]
use crate::pages::{ask, outcome::tell};

/// A trigger as lists show it, in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TriggerRow {
    pub id: Uuid,
    pub name: String,
    pub kind: TargetKind,
    /// The machine that it tells, or the command.
    pub place: String,
    /// What it is for, a few words each.
    pub about: Vec<String>,
    pub is_enabled: bool,
    /// Written in the configuration, which alone changes it.
    pub is_configured: bool,
    /// Once written there, and no more: it can only be deleted.
    pub is_left: bool,
    /// Why it is off, where no person switched it off.
    pub why_off: Option<String>,
    /// How many of 100 attempts failed lately, where that is worth a word.
    pub failing: Option<u8>,
    pub failures_in_row: i64,
    /// They are so many that one attempt goes out at a time.
    pub is_held_back: bool,
    /// How many of 100 deliveries arrived.
    pub success: Option<u8>,
    pub delivered: i64,
    pub failed: i64,
    pub last_delivery_at: Option<Timestamp>,
    pub last_error: Option<String>,
    /// Arrived and given up, each of the last days, oldest first.
    pub days: Vec<(i64, i64)>,
}

/// What the page of all triggers shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TriggersData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    pub triggers: Vec<TriggerRow>,
    pub outcome: Option<OutcomeText>,
}

/// All triggers.
#[server(prefix = "/ui", endpoint = "triggers", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn read_triggers(query: String) -> Result<TriggersData, AppError> {
    let (db, now, actor, params) = (ask::context()?.db, ask::now(), ask::actor(), ask::params(&query)?);
    let all = store::triggers::list_triggers(&db.read, now).await?;
    let row = |trigger| super::tell::row(&actions::triggers::show_trigger(&actor, trigger), now);
    Ok(TriggersData {
        now,
        triggers: all.into_iter().map(row).collect(),
        outcome: tell::find_text(&db, &params).await?,
    })
}

/// What the page of one trigger shows. It may hold a secret, so it has no `Debug`, which logs are made of.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct TriggerData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    pub trigger: TriggerRow,
    /// What is known of its target, by name.
    pub target: Vec<(String, String)>,
    pub created_at: Timestamp,
    pub changed_at: Timestamp,
    pub secret: TriggerSecret,
    /// What its secret is called there; nothing where its target needs none.
    pub secret_name: Option<String>,
    /// Nothing can be sent until its secret is set.
    pub lacks_secret: bool,
    /// Since when its target may tell of runs, at an address that was made for it.
    pub sink_made_at: Option<Timestamp>,
    /// Scheme and name of this site, as far as they are known.
    pub origin: Option<String>,
    /// A secret of it that is shown this once.
    pub shown: Option<ShownOnce>,
    pub deliveries: Listing<Delivery>,
    /// Which of them are here.
    pub page: PageQuery,
    /// Deliveries that were given up and can go out once more, 1,000 at most.
    pub failed: u64,
    /// Branches to test it with, by id.
    pub branches: Vec<(Uuid, String)>,
    pub outcome: Option<OutcomeText>,
}

/// One trigger with what it told, as the page's address says.
#[server(prefix = "/ui", endpoint = "trigger", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn find_trigger(id: String, query: String) -> Result<TriggerData, AppError> {
    use entity::kind::{DeliveryState, Permission};
    use entity::view::DeliveryFilter;
    use store::triggers as stored;

    let (ctx, actor) = ask::actions()?;
    let (db, now, params) = (ask::context()?.db, ask::now(), ask::params(&query)?);
    let id = ask::id(&id, "trigger")?;
    let trigger = stored::find_trigger(&db.read, id, now).await?.ok_or_else(|| ask::missing("trigger"))?;
    let trigger = actions::triggers::show_trigger(&actor, trigger);
    let page = ask::page(&params, 25);
    let filter = DeliveryFilter {
        trigger_id: Some(id),
        state: ask::word(&params, "state"),
        branch_id: ask::uuid(&params, "branch"),
        since: super::tell::day(&params, "since")?,
        page,
        ..DeliveryFilter::default()
    };
    let unknown = ask::is_unknown::<DeliveryState>(&params, "state") || ask::is_no_id(&params, "branch");
    let found = if unknown { Listing::default() } else { stored::list_deliveries(&db.read, &filter).await? };
    let may = actor.permissions().has(Permission::ManagePipelines);
    let (failed, branches) = if may {
        let failed = actions::triggers::count_failed(&ctx, id).await?;
        (failed as u64, stored::list_test_branches(&db.read, super::tell::TEST_EVENTS).await?)
    } else {
        (0, Vec::new())
    };
    let shown = ask::shown_once(&ctx, &actor, |shown| match shown {
        ShownOnce::TriggerSecret { trigger_id, .. } | ShownOnce::TriggerSink { trigger_id, .. } => *trigger_id == id,
        _ => false,
    });
    let secret = actions::triggers::find_secret_state(&ctx, &actor, id).await?;
    let kind = trigger.target.kind();
    Ok(TriggerData {
        now,
        target: super::tell::target(&trigger),
        created_at: trigger.created_at,
        changed_at: trigger.changed_at,
        secret,
        secret_name: super::tell::secret_name(kind).map(str::to_owned),
        lacks_secret: secret.changed_at.is_none() && actions::triggers::wants_secret(kind),
        sink_made_at: actions::triggers::find_sink_time(&ctx, &actor, id).await?,
        origin: ask::origin(),
        shown,
        deliveries: found.map(|delivery| actions::triggers::show_delivery(&actor, delivery)),
        page,
        failed,
        branches: branches
            .into_iter()
            .map(|branch| (branch.id, format!("{} · {}", branch.repository_full_name, branch.branch_name)))
            .collect(),
        outcome: tell::find_text(&db, &params).await?,
        trigger: super::tell::row(&trigger, now),
    })
}

/// What the form of a trigger shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FormData {
    /// The trigger that is changed; a new one without.
    pub id: Option<Uuid>,
    /// Its name as it is.
    pub name: Option<String>,
    pub form: TriggerForm,
    /// What is wrong with what stands in the address, and the dry run that it asks for.
    pub check: Option<FormCheck>,
    pub outcome: Option<OutcomeText>,
}

/// The form of a new trigger, or of one that is here; with what stands in the address.
#[server(prefix = "/ui", endpoint = "trigger_form", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn read_form(id: String, query: String) -> Result<FormData, AppError> {
    use entity::kind::Permission;

    let (ctx, actor) = ask::actions()?;
    actor.need(Permission::ManagePipelines)?;
    let (db, params) = (ask::context()?.db, ask::params(&query)?);
    let known = if id.is_empty() {
        None
    } else {
        let id = ask::id(&id, "trigger")?;
        let found = store::triggers::find_trigger(&db.read, id, ask::now()).await?;
        let found = found.ok_or_else(|| ask::missing("trigger"))?;
        if found.is_configured {
            return Err(actions::Refusal::ConfiguredTrigger { name: found.name }.into());
        }
        Some(found)
    };
    let given = super::tell::given_form(&params);
    let check = match &given {
        Some(form) => Some(super::tell::look(&ctx, &actor, form, params.get_str("dry") == Some("1")).await?),
        None => None,
    };
    let form = match (given, &known) {
        (Some(form), _) => form,
        (None, Some(trigger)) => super::form_text::form(trigger),
        (None, None) => super::form_text::new_form(params.get_str("kind").and_then(|kind| kind.parse().ok())),
    };
    Ok(FormData {
        id: known.as_ref().map(|trigger| trigger.id),
        name: known.map(|trigger| trigger.name),
        form,
        check,
        outcome: tell::find_text(&db, &params).await?,
    })
}

/// An attempt with what is made of it for its page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptRow {
    pub attempt: DeliveryAttempt,
    /// The request as a command, secrets as placeholders.
    pub curl: Option<String>,
}

/// What the page of one delivery shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryData {
    /// The server's clock when the data was read.
    pub now: Timestamp,
    pub delivery: Delivery,
    /// Whether its trigger is on: one that is off sends nothing.
    pub is_on: bool,
    /// The last ones, newest first.
    pub attempts: Vec<AttemptRow>,
    /// What happens next and why.
    pub next: String,
    /// Whether what was sent is shown to who looks.
    pub sees_all: bool,
    pub outcome: Option<OutcomeText>,
}

/// One delivery.
#[server(prefix = "/ui", endpoint = "delivery", input = GetUrl, output = Postcard, client = crate::client::PageClient)]
pub async fn find_delivery(id: String, query: String) -> Result<DeliveryData, AppError> {
    use entity::kind::Permission;

    let actor = ask::actor();
    let (db, now, params) = (ask::context()?.db, ask::now(), ask::params(&query)?);
    let id = ask::id(&id, "delivery")?;
    let delivery = store::triggers::find_delivery(&db.read, id).await?.ok_or_else(|| ask::missing("delivery"))?;
    let trigger = store::triggers::find_trigger(&db.read, delivery.trigger_id, now).await?;
    let trigger = trigger.ok_or_else(|| ask::missing("delivery"))?;
    let attempts = store::triggers::list_attempts(&db.read, id, super::tell::ATTEMPTS).await?;
    let row =
        |attempt: DeliveryAttempt| AttemptRow { curl: attempt.request.as_ref().and_then(super::tell::curl), attempt };
    Ok(DeliveryData {
        now,
        next: super::tell::next(&delivery, &trigger),
        is_on: trigger.is_enabled,
        attempts: actions::triggers::show_attempts(&actor, attempts).into_iter().map(row).collect(),
        sees_all: actor.permissions().has(Permission::ManagePipelines),
        outcome: tell::find_text(&db, &params).await?,
        delivery: actions::triggers::show_delivery(&actor, delivery),
    })
}
