//! What of a webhook's body is read.

use std::borrow::Cow;

use entity::input::{ObjectId, is_branch_name};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{HookChange, HookError, HookKind, header, malformed};

/// A body, and the JSON in it.
pub(super) struct Payload<'b> {
    pub raw: &'b [u8],
    pub json: Cow<'b, [u8]>,
}

/// What a body says.
pub(super) struct Told {
    pub event: String,
    pub change: Option<HookChange>,
    pub is_ping: bool,
}

/// The fields that are read of any body; all others cost nothing.
#[derive(Default, Deserialize)]
struct Fields {
    #[serde(rename = "ref")]
    reference: Option<String>,
    /// `branch` or `tag`, where the ref is a short name.
    ref_type: Option<String>,
    before: Option<String>,
    after: Option<String>,
    /// The commit of a new branch.
    sha: Option<String>,
    deleted: Option<bool>,
    forced: Option<bool>,
}

/// What a GitLab body says it is: a system's webhooks all have the same header.
#[derive(Default, Deserialize)]
struct Kind {
    object_kind: Option<String>,
    event_name: Option<String>,
}

impl<'b> Payload<'b> {
    /// The JSON of a body, also where it is the field `payload` of a form.
    pub(super) fn new(headers: &HeaderMap, raw: &'b [u8]) -> Self {
        let kind = header(headers, CONTENT_TYPE.as_str()).unwrap_or_default().to_ascii_lowercase();
        let is_form = kind.starts_with("application/x-www-form-urlencoded");
        let field = is_form.then(|| url::form_urlencoded::parse(raw).find(|(name, _)| name == "payload")).flatten();
        // Programs such as curl say that whatever they send is a form.
        let json = field.map_or(Cow::Borrowed(raw), |(_, json)| Cow::Owned(json.into_owned().into_bytes()));
        Self { raw, json }
    }

    /// What the body says, given the sender's word for what happened.
    pub(super) fn tell(&self, kind: HookKind, event: Option<&str>) -> Result<Told, HookError> {
        let Some(event) = event else { return self.tell_generic() };
        let told = |change, is_ping| Told { event: event.to_owned(), change, is_ping };
        let is_push = match kind {
            HookKind::Gitlab => match event {
                "Push Hook" => true,
                "System Hook" => {
                    let kind: Kind = self.read()?;
                    kind.object_kind.or(kind.event_name).is_some_and(|kind| kind == "push")
                }
                _ => false,
            },
            _ => event == "push",
        };
        if is_push {
            return Ok(told(self.read::<Fields>()?.push()?, false));
        }
        Ok(match (kind, event) {
            (HookKind::Github | HookKind::Forgejo, "create" | "delete") => {
                told(self.read::<Fields>()?.named(event == "delete")?, false)
            }
            (HookKind::Github | HookKind::Forgejo, "ping") => told(None, true),
            _ => told(None, false),
        })
    }

    /// A sender that is no forge may say nothing but that there is something new.
    fn tell_generic(&self) -> Result<Told, HookError> {
        let fields = match self.json.trim_ascii() {
            [] => Fields::default(),
            _ => self.read()?,
        };
        let change = match &fields.reference {
            // A short name is a branch's.
            Some(name) if !name.starts_with("refs/") => fields.change(name, fields.is_deletion())?,
            Some(_) => fields.push()?,
            None => None,
        };
        let event = if change.is_some() { "push" } else { "notify" };
        Ok(Told { event: event.to_owned(), change, is_ping: false })
    }

    fn read<T: DeserializeOwned>(&self) -> Result<T, HookError> {
        let mut reader = serde_json::Deserializer::from_slice(&self.json);
        serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let (path, error) = (error.path().to_string(), error.into_inner());
            let place = if path == "." { "its body is no such JSON".to_owned() } else { format!("its field `{path}`") };
            malformed(format!("{place}: {error}"))
        })
    }
}

impl Fields {
    /// A push tells a ref in full, and where it stood and stands.
    fn push(&self) -> Result<Option<HookChange>, HookError> {
        let reference = self.reference.as_deref().ok_or_else(|| malformed("it tells of a push and has no `ref`"))?;
        match reference.strip_prefix("refs/heads/") {
            Some(branch) => self.change(branch, self.is_deletion()),
            None => Ok(None),
        }
    }

    /// What was made or deleted is told by its short name.
    fn named(&self, is_deleted: bool) -> Result<Option<HookChange>, HookError> {
        let name = self.reference.as_deref().ok_or_else(|| malformed("it has no `ref`"))?;
        match self.ref_type.as_deref() {
            Some("branch") => self.change(name.strip_prefix("refs/heads/").unwrap_or(name), is_deleted),
            _ => Ok(None),
        }
    }

    fn is_deletion(&self) -> bool {
        self.deleted == Some(true) || self.after.as_deref().is_some_and(is_nothing)
    }

    fn change(&self, branch: &str, is_deleted: bool) -> Result<Option<HookChange>, HookError> {
        if !is_branch_name(branch) {
            return Err(malformed("its `ref` is no name of a branch"));
        }
        let after = if is_deleted { None } else { self.after.as_deref().or(self.sha.as_deref()) };
        Ok(Some(HookChange {
            branch: branch.to_owned(),
            before: commit("before", self.before.as_deref())?,
            after: commit("after", after)?,
            is_deleted,
            is_forced: self.forced,
        }))
    }
}

/// Zeros stand where there is no commit.
fn is_nothing(id: &str) -> bool {
    id.bytes().all(|byte| byte == b'0')
}

fn commit(field: &str, id: Option<&str>) -> Result<Option<ObjectId>, HookError> {
    match id.filter(|id| !is_nothing(id)) {
        None => Ok(None),
        Some(id) => match id.parse() {
            Ok(id) => Ok(Some(id)),
            Err(_) => Err(malformed(format!("its `{field}` is no commit of 40 hexadecimal digits"))),
        },
    }
}
