//! What Tekton tells of its runs: CloudEvents of the types `dev.tekton.event.*`, in binary and in structured mode. Each carries a
//! whole object, of which only those fields are read that say which run it is and what began it. An event's own id is not asked:
//! the same event again changes nothing.

use chrono::{DateTime, TimeDelta, Utc};
use entity::kind::RunState;
use http::{HeaderMap, header};
use serde::Deserialize;

use crate::text::cut;

/// The most that an event may carry.
pub const MAX_RUN_BYTES: usize = 1 << 20;
/// Names in Kubernetes are no longer.
const MAX_NAME: usize = 253;
/// Nor are values of labels.
const MAX_LABEL: usize = 63;
/// Tekton sends at once, so that an event that says it is older was written by a wrong clock.
const OLDEST: TimeDelta = TimeDelta::days(1);
/// So much of what was sent is said again of what can't be read.
const SHOWN: usize = 300;

/// How far a run got that an EventListener began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEvent {
    /// What the EventListener called what it took: the `eventID` that it answered with.
    pub event_id: String,
    pub state: RunState,
    /// Namespace and name.
    pub name: String,
    /// When Tekton told it, and never later than now.
    pub at: DateTime<Utc>,
}

/// What an event tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunTold {
    Run(RunEvent),
    /// Nothing that is of use here, and why.
    Nothing(&'static str),
}

/// Why an event can't be read, for whoever set it up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event can't be read: {0}")]
pub struct RunError(String);

/// What stands around an event's data.
#[derive(Deserialize)]
struct Envelope {
    specversion: String,
    #[serde(rename = "type")]
    kind: String,
    time: Option<String>,
}

#[derive(Deserialize)]
struct Whole {
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    pipeline_run: Option<Object>,
    task_run: Option<Object>,
}

#[derive(Deserialize)]
struct Object {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    namespace: Option<String>,
    labels: Option<Labels>,
}

#[derive(Default, Deserialize)]
struct Labels {
    /// Put there by the EventListener that made the object.
    #[serde(rename = "triggers.tekton.dev/triggers-eventid")]
    event_id: Option<String>,
    /// Put there by the PipelineRun that made the TaskRun.
    #[serde(rename = "tekton.dev/pipelineRun")]
    pipeline_run: Option<String>,
}

/// Which object an event is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subject {
    PipelineRun,
    TaskRun,
}

/// Reads an event as it came.
///
/// # Errors
/// If it is no CloudEvent, or not what Tekton documents.
pub fn read_run(headers: &HeaderMap, body: &[u8], now: DateTime<Utc>) -> Result<RunTold, RunError> {
    let is_structured = is_structured(headers);
    let envelope: Envelope = if is_structured { parse(body)? } else { envelope(headers)? };
    if envelope.specversion != "1.0" {
        let version = cut(&envelope.specversion, SHOWN);
        return Err(RunError(format!("its specversion is {version:?}, and only 1.0 is known")));
    }
    // Of others nothing is known, so that nothing of them is read.
    let Some((subject, state)) = about(&envelope.kind) else {
        return Ok(RunTold::Nothing("it tells of no PipelineRun and of no TaskRun"));
    };
    let at = told_at(envelope.time.as_deref(), now)?;
    let data = match is_structured {
        true => parse::<Whole>(body)?.data,
        false => Some(parse::<Data>(body)?),
    };
    let object = data.and_then(|data| match subject {
        Subject::PipelineRun => data.pipeline_run,
        Subject::TaskRun => data.task_run,
    });
    let Some(Object { metadata }) = object else {
        let field = if subject == Subject::PipelineRun { "pipelineRun" } else { "taskRun" };
        return Err(RunError(format!("its type is {}, but its data holds no {field}", envelope.kind)));
    };
    let labels = metadata.labels.unwrap_or_default();
    if subject == Subject::TaskRun && labels.pipeline_run.is_some() {
        return Ok(RunTold::Nothing("the TaskRun is a PipelineRun's, of which Tekton tells as well"));
    }
    let event_id = labels.event_id.filter(|id| !id.is_empty() && id.len() <= MAX_LABEL);
    let Some(event_id) = event_id else { return Ok(RunTold::Nothing("no EventListener began this run")) };
    let name = match metadata.namespace {
        Some(namespace) => format!("{}/{}", checked("namespace", namespace)?, checked("name", metadata.name)?),
        None => checked("name", metadata.name)?,
    };
    Ok(RunTold::Run(RunEvent { event_id, state, name, at }))
}

fn is_structured(headers: &HeaderMap) -> bool {
    let kind = text(headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/cloudevents+json")
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// In binary mode.
fn envelope(headers: &HeaderMap) -> Result<Envelope, RunError> {
    let needed = |name: &str| {
        let lacks = || {
            RunError(format!(
                "it is no CloudEvent: it carries no {name}, and its content type is not application/cloudevents+json"
            ))
        };
        text(headers, name).map(str::to_owned).ok_or_else(lacks)
    };
    let time = text(headers, "ce-time").map(str::to_owned);
    Ok(Envelope { specversion: needed("ce-specversion")?, kind: needed("ce-type")?, time })
}

fn parse<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, RunError> {
    serde_json::from_slice(body).map_err(|error| RunError(cut(&error.to_string(), SHOWN)))
}

fn about(kind: &str) -> Option<(Subject, RunState)> {
    let (subject, state) = kind.strip_prefix("dev.tekton.event.")?.strip_suffix(".v1")?.split_once('.')?;
    let subject = match subject {
        "pipelinerun" => Subject::PipelineRun,
        "taskrun" => Subject::TaskRun,
        _ => return None,
    };
    let state = match state {
        // That it goes on is all that the last one says.
        "started" | "running" | "unknown" => RunState::Started,
        "successful" => RunState::Succeeded,
        "failed" => RunState::Failed,
        _ => return None,
    };
    Some((subject, state))
}

/// To the millisecond; events need not say when they were made.
fn told_at(time: Option<&str>, now: DateTime<Utc>) -> Result<DateTime<Utc>, RunError> {
    let Some(time) = time else { return Ok(now) };
    let at = DateTime::parse_from_rfc3339(time)
        .map_err(|_| RunError(format!("its time is {:?}, and not as RFC 3339 has it", cut(time, SHOWN))))?;
    let at = at.with_timezone(&Utc).clamp(now - OLDEST, now);
    Ok(DateTime::from_timestamp_millis(at.timestamp_millis()).unwrap_or(now))
}

/// What may be a name in Kubernetes.
fn checked(field: &str, name: String) -> Result<String, RunError> {
    let is_name = (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
    let wrong = || RunError(format!("its metadata.{field} is no name in Kubernetes: {:?}", cut(&name, SHOWN)));
    if is_name { Ok(name) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const EVENT_ID: &str = "14a657c3-6816-45bf-b214-4afdaefc4ebd";

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_767_225_600, 0).unwrap()
    }

    fn kind(object: &str, state: &str) -> String {
        format!("dev.tekton.event.{object}.{state}.v1")
    }

    fn data() -> Value {
        json!({ "pipelineRun": {
            "metadata": {
                "name": "build-x1",
                "namespace": "ci",
                "uid": "0b1c",
                "labels": {
                    "tekton.dev/pipeline": "build",
                    "triggers.tekton.dev/trigger": "push",
                    "triggers.tekton.dev/triggers-eventid": EVENT_ID,
                },
            },
            "spec": { "pipelineRef": { "name": "build" } },
            "status": { "conditions": [{ "type": "Succeeded", "status": "True" }] },
        }})
    }

    fn binary(kind: &str, time: Option<&str>, body: &[u8]) -> Result<RunTold, RunError> {
        let mut headers = HeaderMap::new();
        let fixed =
            [("ce-specversion", "1.0"), ("ce-id", "a"), ("content-type", "application/json"), ("ce-type", kind)];
        for (name, value) in fixed.into_iter().chain(time.map(|time| ("ce-time", time))) {
            headers.insert(name, value.parse().unwrap());
        }
        read_run(&headers, body, now())
    }

    fn structured(event: &Value) -> Result<RunTold, RunError> {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "application/CloudEvents+json; charset=UTF-8".parse().unwrap());
        read_run(&headers, event.to_string().as_bytes(), now())
    }

    fn run(state: RunState, name: &str, at: DateTime<Utc>) -> RunTold {
        RunTold::Run(RunEvent { event_id: EVENT_ID.into(), state, name: name.into(), at })
    }

    #[test]
    fn both_modes_tell_the_same() {
        let kind = kind("pipelinerun", "successful");
        let time = "2025-12-31T23:59:58.123456789Z";
        let expected = run(RunState::Succeeded, "ci/build-x1", now() - TimeDelta::milliseconds(1_877));
        assert_eq!(binary(&kind, Some(time), data().to_string().as_bytes()), Ok(expected.clone()));
        let event = json!({
            "specversion": "1.0", "id": "a", "source": "/apis", "subject": "build-x1", "type": kind, "time": time,
            "datacontenttype": "application/json", "data": data(),
        });
        assert_eq!(structured(&event), Ok(expected));
    }

    #[test]
    fn types_tell_how_far_a_run_got() {
        let body = data().to_string();
        for (state, expected) in [
            ("started", RunState::Started),
            ("running", RunState::Started),
            ("unknown", RunState::Started),
            ("successful", RunState::Succeeded),
            ("failed", RunState::Failed),
        ] {
            let told = binary(&kind("pipelinerun", state), None, body.as_bytes());
            assert_eq!(told, Ok(run(expected, "ci/build-x1", now())), "{state}");
        }
        for other in
            ["dev.tekton.event.customrun.failed.v1", "dev.tekton.event.triggers.started.v1", "org.example.made"]
        {
            assert!(matches!(binary(other, None, b"[not even JSON"), Ok(RunTold::Nothing(_))), "{other}");
        }
    }

    #[test]
    fn times_are_bounded_to_now() {
        let body = data().to_string();
        let at = |time| match binary(&kind("pipelinerun", "failed"), Some(time), body.as_bytes()) {
            Ok(RunTold::Run(event)) => event.at,
            other => panic!("{other:?}"),
        };
        assert_eq!(at("2026-01-01T00:59:00+01:00"), now() - TimeDelta::minutes(1));
        assert_eq!(at("9999-01-01T00:00:00Z"), now());
        assert_eq!(at("0001-01-01T00:00:00Z"), now() - TimeDelta::days(1));
        let wrong = binary(&kind("pipelinerun", "failed"), Some("yesterday"), body.as_bytes()).unwrap_err();
        assert!(wrong.to_string().contains("RFC 3339"), "{wrong}");
    }

    #[test]
    fn taskruns_of_a_pipelinerun_and_what_no_listener_began_are_nothing() {
        let own = json!({ "taskRun": { "metadata": {
            "name": "test-1", "labels": { "triggers.tekton.dev/triggers-eventid": EVENT_ID },
        }}});
        let told = |data: &Value| binary(&kind("taskrun", "failed"), None, data.to_string().as_bytes());
        assert_eq!(told(&own), Ok(run(RunState::Failed, "test-1", now())), "a TaskRun may stand by itself");
        let mut of_pipeline = own.clone();
        of_pipeline["taskRun"]["metadata"]["labels"]["tekton.dev/pipelineRun"] = json!("build-x1");
        assert!(matches!(told(&of_pipeline), Ok(RunTold::Nothing(why)) if why.contains("PipelineRun")));
        for labels in [json!({}), Value::Null, json!({ "triggers.tekton.dev/triggers-eventid": "a".repeat(64) })] {
            let mut by_hand = own.clone();
            by_hand["taskRun"]["metadata"]["labels"] = labels;
            assert!(matches!(told(&by_hand), Ok(RunTold::Nothing(why)) if why.contains("EventListener")));
        }
    }

    #[test]
    fn what_is_no_event_is_told_what_it_lacks() {
        let failed = kind("pipelinerun", "failed");
        let none = read_run(&HeaderMap::new(), b"{}", now()).unwrap_err().to_string();
        assert!(none.contains("ce-specversion") && none.contains("application/cloudevents+json"), "{none}");
        let why = |body: &str| binary(&failed, None, body.as_bytes()).unwrap_err().to_string();
        assert!(why("{}").contains("no pipelineRun"), "{}", why("{}"));
        assert!(why(r#"{"taskRun":{"metadata":{"name":"a"}}}"#).contains("no pipelineRun"));
        assert!(why("{\"pipelineRun\":{\"metadata\":{}}}").contains("name"));
        assert!(why("").contains("can't be read") && why("nonsense").contains("can't be read"));
        let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
        assert!(!why(&format!("{{\"pipelineRun\":{deep}}}")).is_empty());
        for (field, wrong) in [("name", ""), ("name", "a\u{202e}b"), ("namespace", "a b")] {
            let mut odd = data();
            odd["pipelineRun"]["metadata"][field] = json!(wrong);
            assert!(why(&odd.to_string()).contains(&format!("metadata.{field}")), "{field} {wrong:?}");
        }
        let old = json!({ "specversion": "0.3", "type": failed, "data": data() });
        assert!(structured(&old).unwrap_err().to_string().contains("0.3"));
        let bare = json!({ "specversion": "1.0", "type": failed });
        assert!(structured(&bare).unwrap_err().to_string().contains("no pipelineRun"));
    }
}
