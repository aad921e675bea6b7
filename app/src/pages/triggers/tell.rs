//! Triggers and deliveries in words.

use actions::triggers::TriggerRequest;
use actions::{Actions, Actor, Refusal};
use chrono::{Days, NaiveDate, NaiveTime};
use entity::kind::{DeliveryState, TargetKind};
use entity::view::{Condition, Delivery, FieldError, MASK, SentRequest, Target, Timestamp, Trigger};
use leptos_router::params::ParamsMap;
use store::given;

use super::data::TriggerRow;
use super::form_data::{FormCheck, TriggerForm};
use super::form_text::duration_text;
use super::parts::WORTH_A_WORD;
use crate::components::counted;
use crate::error::AppError;

/// Branches to test with are those of so many events, and so many that are watched.
pub(super) const TEST_EVENTS: u64 = 100;
/// So many attempts of a delivery are shown.
pub(super) const ATTEMPTS: u64 = 50;
/// So many days are drawn.
const DAYS: u64 = 30;

/// A trigger as lists show it.
pub(super) fn row(trigger: &Trigger, now: Timestamp) -> TriggerRow {
    let (delivered, failed) = trigger.ended();
    TriggerRow {
        id: trigger.id,
        name: trigger.name.clone(),
        kind: trigger.target.kind(),
        place: place(&trigger.target),
        about: about(&trigger.condition),
        is_enabled: trigger.is_enabled,
        is_configured: trigger.is_configured && trigger.unconfigured_at.is_none(),
        is_left: trigger.unconfigured_at.is_some(),
        why_off: trigger.disabled_reason.clone().filter(|_| !trigger.is_enabled),
        failing: trigger.failing(now).filter(|failing| *failing >= WORTH_A_WORD),
        failures_in_row: trigger.failures_in_row,
        is_held_back: trigger.failures_in_row >= store::triggers::BREAKER,
        success: trigger.success(),
        delivered,
        failed,
        last_delivery_at: trigger.last_delivery_at,
        last_error: trigger.last_error.clone(),
        days: days(trigger, now),
    }
}

fn days(trigger: &Trigger, now: Timestamp) -> Vec<(i64, i64)> {
    let day = |back: u64| now.date_naive().checked_sub_days(Days::new(back)).unwrap_or_default();
    let of = |day: NaiveDate| {
        let name = day.format("%Y-%m-%d").to_string();
        trigger.days.iter().find(|day| day.day == name).map_or((0, 0), |day| (day.delivered, day.failed))
    };
    (0..DAYS).rev().map(|back| of(day(back))).collect()
}

/// The machine of an address, read as the sender does.
fn machine(url: &str) -> String {
    let origin = actions::triggers::origin(url);
    origin.split_once("://").map_or_else(|| origin.clone(), |(_, machine)| machine.to_owned())
}

fn place(target: &Target) -> String {
    match target {
        Target::Tekton { url, .. } | Target::Webhook { url, .. } | Target::Flux { url } => machine(url),
        Target::GithubDispatch { api_url, repository: to, .. }
        | Target::GitlabPipeline { api_url, project: to, .. } => match to {
            Some(to) => format!("{to} on {}", machine(api_url)),
            None => machine(api_url),
        },
        Target::Command { command } => command.first().cloned().unwrap_or_default(),
    }
}

/// What a condition asks, a few words each.
fn about(condition: &Condition) -> Vec<String> {
    let Condition { repositories, branches, events, paths, tekton, expression } = condition;
    let mut about = Vec::new();
    if !repositories.is_empty() {
        about.push(format!("in {}", listed(repositories)));
    }
    if let Some(branches) = branches {
        about.push(format!("branch matches {branches}"));
    }
    if !events.is_empty() {
        let words: Vec<String> =
            events.iter().map(|event| crate::pages::branches::happened(*event).1.to_owned()).collect();
        about.push(listed(&words));
    }
    if !paths.is_empty() {
        about.push(format!("changes {}", listed(paths)));
    }
    match tekton {
        Some(true) => about.push("with Tekton resources".to_owned()),
        Some(false) => about.push("without Tekton resources".to_owned()),
        None => {}
    }
    if let Some(expression) = expression {
        about.push(expression.clone());
    }
    if about.is_empty() {
        about.push("every event of every watched branch".to_owned());
    }
    about
}

/// The first few of these.
fn listed(texts: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = texts.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(" or ");
    match texts.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        Some(more) => format!("{shown} or {more} more"),
        None => shown,
    }
}

/// What is known of a trigger's target, by name.
pub(super) fn target(trigger: &Trigger) -> Vec<(String, String)> {
    let mut facts: Vec<(&str, String)> = Vec::new();
    let headers_of = |headers: &std::collections::BTreeMap<String, String>| {
        headers.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n")
    };
    match &trigger.target {
        Target::Tekton { url, headers } | Target::Webhook { url, headers } => {
            facts.push(("Address", url.clone()));
            if !headers.is_empty() {
                facts.push(("Headers", headers_of(headers)));
            }
        }
        Target::Flux { url } => facts.push(("Address", url.clone())),
        Target::GithubDispatch { api_url, repository, event_type } => {
            facts.push(("API", api_url.clone()));
            facts.push(("Repository", repository.clone().unwrap_or_else(|| "the event's own".to_owned())));
            facts.push(("Event type", event_type.clone()));
        }
        Target::GitlabPipeline { api_url, project, reference } => {
            facts.push(("API", api_url.clone()));
            facts.push(("Project", project.clone().unwrap_or_else(|| "the event's own".to_owned())));
            facts.push(("Branch or tag", reference.clone().unwrap_or_else(|| "the event's own".to_owned())));
        }
        Target::Command { command } => facts.push(("Command", command.join(" "))),
    }
    let waits: Vec<String> = trigger.pace.waits_ms.iter().map(|wait| duration_text(*wait)).collect();
    let tries = match waits.is_empty() {
        true => "one attempt".to_owned(),
        false => format!("again after {}", waits.join(", ")),
    };
    facts.push(("Attempts", format!("{tries}; each may take {}", duration_text(trigger.pace.timeout_ms))));
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What a target calls the secret that it wants.
pub(super) const fn secret_name(kind: TargetKind) -> Option<&'static str> {
    match kind {
        TargetKind::Tekton => Some("Bearer token"),
        TargetKind::Webhook => Some("Signing secret"),
        TargetKind::Flux => Some("HMAC key"),
        TargetKind::GithubDispatch => Some("Token"),
        TargetKind::GitlabPipeline => Some("Trigger token"),
        TargetKind::Command => None,
    }
}

/// The begin of a day that an address names.
pub(super) fn day(params: &ParamsMap, key: &str) -> Result<Option<Timestamp>, AppError> {
    begin_of(params.get_str(key).unwrap_or_default())
}

/// The begin of a day, or a time.
pub(super) fn begin_of(text: &str) -> Result<Option<Timestamp>, AppError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let day = given::day(text).ok().map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let time = day.or_else(|| given::time(text).ok());
    time.map(Some).ok_or_else(|| AppError::invalid(format!("{text:.40?} {}.", given::Unusable::NoMoment)))
}

/// The end of a day, or a time.
pub(super) fn end_of(text: &str) -> Result<Option<Timestamp>, AppError> {
    let is_day = given::day(text.trim()).is_ok();
    Ok(begin_of(text)?.map(|at| if is_day { at + Days::new(1) } else { at }))
}

/// What stands in an address that a form was sent to; nothing where it holds no form.
pub(super) fn given_form(params: &ParamsMap) -> Option<TriggerForm> {
    let text = |key: &str| params.get_str(&format!("form[{key}]")).unwrap_or_default().to_owned();
    params.get_str("form[name]").or_else(|| params.get_str("form[kind]"))?;
    Some(TriggerForm {
        kind: text("kind"),
        name: text("name"),
        is_enabled: text("is_enabled"),
        repositories: text("repositories"),
        branches: text("branches"),
        events: params.get_all("form[events][]").unwrap_or_default(),
        paths: text("paths"),
        tekton: text("tekton"),
        expression: text("expression"),
        url: text("url"),
        headers: text("headers"),
        api_url: text("api_url"),
        project: text("project"),
        event_type: text("event_type"),
        reference: text("reference"),
        timeout: text("timeout"),
        waits: text("waits"),
    })
}

/// What is wrong with a form, and on demand what its condition would have been for.
pub(super) async fn look(ctx: &Actions, actor: &Actor, form: &TriggerForm, dry: bool) -> Result<FormCheck, AppError> {
    let (wanted, mut errors) = super::form_text::read(form);
    let condition = actions::triggers::try_condition(actor, &wanted.condition)?;
    let is_usable = condition.errors.is_empty();
    errors.extend(super::form_text::wrong(&wanted));
    let reads = match (condition.reads_paths, condition.reads_tekton) {
        (false, false) => None,
        (true, false) => Some("Which files a commit changed is read before it is decided."),
        (false, true) => Some("What a commit brings in .tekton/ is read before it is decided."),
        (true, true) => {
            Some("Which files a commit changed and what it brings in .tekton/ is read before it is decided.")
        }
    };
    let dry_run = match dry && is_usable {
        true => match actions::triggers::dry_run(ctx, actor, &wanted.condition, Some(wanted.target.kind())).await {
            Ok(run) => Some(run),
            Err(Refusal::Wrong(_)) => None,
            Err(refusal) => return Err(refusal.into()),
        },
        false => None,
    };
    Ok(FormCheck { errors, reads: reads.map(str::to_owned), dry_run })
}

/// A trigger as a form wants it, or all that is wrong with the form.
pub(super) fn request(form: &TriggerForm) -> Result<TriggerRequest, Vec<FieldError>> {
    let (wanted, mut errors) = super::form_text::read(form);
    errors.extend(super::form_text::wrong(&wanted));
    if errors.is_empty() { Ok(wanted) } else { Err(errors) }
}

/// A request as a command for a shell, if it was one; what is masked in it stays a place to fill in.
pub(super) fn curl(request: &SentRequest) -> Option<String> {
    // A command of the machine is no request.
    if request.method == "RUN" {
        return None;
    }
    let quoted = |text: &str| format!("'{}'", text.replace(MASK, "<secret>").replace('\'', r"'\''"));
    let mut command = format!("curl -X {} {}", request.method, quoted(&request.url));
    for (name, value) in &request.headers {
        command.push_str(&format!(" \\\n  -H {}", quoted(&format!("{name}: {value}"))));
    }
    if !request.body.is_empty() {
        command.push_str(&format!(" \\\n  --data-raw {}", quoted(&request.body)));
    }
    Some(command)
}

/// What happens next with a delivery, and why.
pub(super) fn next(delivery: &Delivery, trigger: &Trigger) -> String {
    let attempts = counted(i64::from(delivery.attempts), "attempt", "attempts");
    match delivery.state {
        DeliveryState::Delivered => format!("It arrived, after {attempts}."),
        DeliveryState::Failed => format!("It was given up after {attempts}; nothing more is tried by itself."),
        DeliveryState::Sending => "It is being sent.".to_owned(),
        _ if !trigger.is_enabled => "Its trigger is off: it goes out once that is on.".to_owned(),
        DeliveryState::Behind => {
            "An earlier delivery of this trigger and branch is not finished; it goes out after that.".to_owned()
        }
        DeliveryState::Pending if delivery.attempts > 0 => "It was asked for once more and goes out next.".to_owned(),
        DeliveryState::Pending => "It goes out next.".to_owned(),
        DeliveryState::Retrying => format!("The last of {attempts} failed, and it is tried again."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::PageUrl;
    use crate::pages::ask;

    #[test]
    fn commands_are_quoted_and_hold_no_secret() {
        let request = SentRequest {
            method: "POST".into(),
            url: "https://ci.example/it's".into(),
            headers: vec![("Authorization".into(), format!("Bearer {MASK}"))],
            body: "{\"a\": \"$(rm)\"}".into(),
        };
        let expected = "curl -X POST 'https://ci.example/it'\\''s' \\\n  -H 'Authorization: Bearer <secret>' \\\n  \
                        --data-raw '{\"a\": \"$(rm)\"}'";
        assert_eq!(curl(&request).as_deref(), Some(expected));
        assert_eq!(curl(&SentRequest { method: "RUN".into(), ..request }), None);
    }

    #[test]
    fn conditions_are_told_in_a_few_words() {
        let all = about(&Condition::default());
        assert_eq!(all, ["every event of every watched branch"]);
        let repositories = ["a/*", "b/*", "c/*", "d/*", "e/*"].map(str::to_owned).to_vec();
        let some = about(&Condition { repositories, branches: Some("^main$".into()), ..Condition::default() });
        assert_eq!(some, ["in a/* or b/* or c/* or 2 more", "branch matches ^main$"]);
    }

    #[test]
    fn a_target_is_called_by_the_machine_that_is_asked() {
        assert_eq!(machine("https://ada:pw@CI.example:8443/hook?token=a"), "ci.example:8443");
        assert_eq!(machine("http://ci.example\\@evil.example/"), "ci.example");
        assert_eq!(machine("http://[::1]:8080/"), "[::1]:8080");
    }

    #[test]
    fn a_form_comes_back_from_an_address_as_it_was() {
        // Every field another text, whichever there are.
        let text = |field: &str| format!("{field} ^(a|b)+$ & 100%2F=\"c\"\n#second");
        let mut fields = serde_json::to_value(TriggerForm::default()).unwrap();
        for (name, value) in fields.as_object_mut().unwrap() {
            *value = if value.is_array() { [text(name), text("another")].into() } else { text(name).into() };
        }
        let form: TriggerForm = serde_json::from_value(fields).unwrap();
        let url = PageUrl::new("/triggers/new");
        let href = form.pairs().into_iter().fold(url, |url, (name, text)| url.and(name, text)).href();
        let (_, query) = href.split_once('?').unwrap();
        assert_eq!(given_form(&ask::params(query).unwrap()), Some(form));
        assert_eq!(given_form(&ask::params("kind=webhook").unwrap()), None);
    }

    #[test]
    fn ranges_of_days_are_whole() {
        let text = |at: Option<Timestamp>| at.map(|at| at.to_rfc3339()).unwrap_or_default();
        assert_eq!(text(begin_of("2026-03-01").unwrap()), "2026-03-01T00:00:00+00:00");
        assert_eq!(text(end_of("2026-03-01").unwrap()), "2026-03-02T00:00:00+00:00");
        assert_eq!(text(end_of("2026-03-01T10:00:00Z").unwrap()), "2026-03-01T10:00:00+00:00");
        assert!(begin_of("yesterday").is_err());
        assert_eq!(begin_of(" ").unwrap(), None);
    }
}
