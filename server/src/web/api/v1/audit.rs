//! What everybody did, as admins ask for it: page by page, or all of it in one file.

use axum::{
    Json,
    body::{Body, Bytes},
    extract::State,
    http::header,
    response::{IntoResponse as _, Response},
};
use entity::kind::AuditAction;
use entity::view::{AuditEntry, AuditFilter, Listing, Timestamp};
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use store::db::{DataError, Db};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::web::api::extract::{Check, PageParams, Params};
use crate::web::api::problem::Problem;

/// Entries of a file that are read at once: so much of it is in memory, however long it is.
const AT_ONCE: u64 = 500;

const JSON: &str = "application/json";
const CSV: &str = "text/csv; charset=utf-8";
/// What came later stands last: who reads columns by their place finds the others where they were.
const CSV_HEAD: &str =
    "at,action,who,via,object_kind,object_id,object_name,before,after,address,request_id,account_id,via_id\r\n";

/// Which of what people did.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditParams {
    /// What was done, such as `sign_in`.
    #[param(value_type = Option<AuditAction>)]
    action: Option<String>,
    /// An account.
    #[param(value_type = Option<Uuid>)]
    account_id: Option<String>,
    /// Part of who, or of what it was done to.
    text: Option<String>,
    /// Not before this time.
    #[param(value_type = Option<chrono::DateTime<Utc>>)]
    since: Option<String>,
    /// Before this time.
    #[param(value_type = Option<chrono::DateTime<Utc>>)]
    until: Option<String>,
    /// `json` or `csv`.
    #[param(value_type = Option<String>, default = "json", pattern = "^(json|csv)$")]
    format: Option<String>,
}

impl AuditParams {
    /// Which entries, and whether as CSV.
    fn read(&self, check: &mut Check) -> (AuditFilter, bool) {
        let filter = AuditFilter {
            action: check.word("action", self.action.as_deref()),
            account_id: check.uuid("account_id", self.account_id.as_deref()),
            text: check.text("text", self.text.as_deref()),
            since: check.time("since", self.since.as_deref()),
            until: check.time("until", self.until.as_deref()),
        };
        (filter, check.choice("format", self.format.as_deref(), &[("json", false), ("csv", true)]))
    }
}

/// An answer that browsers keep as a file.
fn file(kind: &str, name: &str, body: Body) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    ([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], body).into_response()
}

/// What people did, the newest first
#[utoipa::path(
    get, path = "/admin/audit", operation_id = "list_audit_entries", tag = "admin",
    params(PageParams, AuditParams),
    responses(
        (status = 200, description = "Entries, as JSON or as CSV", content((Listing<AuditEntry> = "application/json"), (String = "text/csv"))),
        (status = 422, description = "A parameter can't be used", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list_audit_entries(
    State(db): State<Db>,
    Params(page): Params<PageParams>,
    Params(params): Params<AuditParams>,
) -> Result<Response, Problem> {
    let mut check = Check::default();
    let (filter, as_csv) = params.read(&mut check);
    let page = page.page(&mut check);
    check.finish()?;
    let found = store::audit::list_audit_entries(&db.read, &filter, page).await?;
    if !as_csv {
        return Ok(Json(found).into_response());
    }
    let lines: String = found.data.iter().map(csv_line).collect();
    Ok(file(CSV, "audit.csv", Body::from(format!("{CSV_HEAD}{lines}"))))
}

/// All that people did, the newest first, in one file
///
/// It is read while it is sent. Where that fails on the way, the answer is broken off and not ended.
#[utoipa::path(
    get, path = "/admin/audit/export", operation_id = "get_audit_export", tag = "admin",
    params(AuditParams),
    responses(
        (status = 200, description = "All entries that match, as JSON or as CSV", content((Listing<AuditEntry> = "application/json"), (String = "text/csv"))),
        (status = 422, description = "A parameter can't be used", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn get_audit_export(State(db): State<Db>, Params(params): Params<AuditParams>) -> Result<Response, Problem> {
    let mut check = Check::default();
    let (filter, as_csv) = params.read(&mut check);
    check.finish()?;
    let mut parts = Box::pin(parts(db, filter, as_csv));
    // What can't even begin is refused in order.
    let first = parts.try_next().await?;
    let body = Body::from_stream(futures::stream::iter(first).map(Ok).chain(parts));
    let (kind, name) = if as_csv { (CSV, "audit.csv") } else { (JSON, "audit.json") };
    Ok(file(kind, name, body))
}

/// A file that is being written.
struct Export {
    db: Db,
    filter: AuditFilter,
    as_csv: bool,
    /// What was written last.
    after: Option<(Timestamp, Uuid)>,
    written: u64,
}

/// The file in parts, each read once the one before is on its way.
fn parts(db: Db, filter: AuditFilter, as_csv: bool) -> impl Stream<Item = Result<Bytes, DataError>> + Send {
    let begun = Export { db, filter, as_csv, after: None, written: 0 };
    futures::stream::try_unfold(Some(begun), |export| async move {
        match export {
            Some(export) => export.read_on().await.map(Some),
            None => Ok(None),
        }
    })
}

impl Export {
    /// The next part, and what is still to be written.
    async fn read_on(mut self) -> Result<(Bytes, Option<Self>), DataError> {
        let Self { db, filter, as_csv, after, .. } = &self;
        let entries = store::audit::list_audit_entries_after(&db.read, filter, *after, AT_ONCE).await?;
        let mut part = String::new();
        if after.is_none() {
            part.push_str(if *as_csv { CSV_HEAD } else { r#"{"data":["# });
        }
        for entry in &entries {
            if self.as_csv {
                part.push_str(&csv_line(entry));
            } else {
                part.push_str(if self.written > 0 { "," } else { "" });
                part.push_str(&json(entry)?);
            }
            self.written += 1;
        }
        self.after = entries.last().map(|entry| (entry.at, entry.id));
        let is_last = u64::try_from(entries.len()).is_ok_and(|count| count < AT_ONCE);
        if is_last && !self.as_csv {
            part.push_str(&format!(r#"],"count":{}}}"#, self.written));
        }
        Ok((part.into(), (!is_last).then_some(self)))
    }
}

fn json(entry: &AuditEntry) -> Result<String, DataError> {
    let damaged = |error: serde_json::Error| DataError::Damaged { what: "audit_entry", reason: error.to_string() };
    serde_json::to_string(entry).map_err(damaged)
}

/// An entry as a line of CSV. What a spreadsheet would take for a formula begins with an apostrophe.
fn csv_line(entry: &AuditEntry) -> String {
    let json = |value: &Option<serde_json::Value>| value.as_ref().map(ToString::to_string).unwrap_or_default();
    let fields = [
        entry.at.to_rfc3339(),
        entry.action.to_string(),
        entry.who.clone(),
        entry.via.to_string(),
        entry.object_kind.clone(),
        entry.object_id.clone().unwrap_or_default(),
        entry.object_name.clone(),
        json(&entry.before),
        json(&entry.after),
        entry.address.clone().unwrap_or_default(),
        entry.request_id.clone().unwrap_or_default(),
        entry.account_id.map(|id| id.to_string()).unwrap_or_default(),
        entry.via_id.map(|id| id.to_string()).unwrap_or_default(),
    ];
    let fields: Vec<String> = fields.iter().map(|field| csv_field(field)).collect();
    format!("{}\r\n", fields.join(","))
}

fn csv_field(text: &str) -> String {
    // Some read the wide forms as the plain ones.
    const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    let is_formula = text.starts_with(FORMULA);
    let guard = if is_formula { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stay_fields_and_formulas_text() {
        assert_eq!(csv_field("a \"b\", c"), "\"a \"\"b\"\", c\"");
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\n=1", "＝1"] {
            assert_eq!(csv_field(formula), format!("\"'{formula}\""));
        }
    }
}
