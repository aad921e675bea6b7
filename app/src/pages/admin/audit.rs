use chrono::SecondsFormat;
use entity::kind::{AuditAction, Via};
use entity::view::{AuditEntry, Timestamp};
use leptos::prelude::*;

use super::data::{AuditData, AuditRow, read_audit};
use super::permissions::action_words;
use super::{head, load_still, show, skeleton};
use crate::components::{
    Chip, Choice, DateField, EmptyState, FilterBar, PageUrl, Pager, Select, Table, TextField, TimeAgo,
};

/// `/admin/audit`
#[component]
pub fn AdminAudit() -> impl IntoView {
    let page = load_still(|_, query| read_audit(query));
    show(page, "The audit log", skeleton, view)
}

fn view(data: AuditData, url: PageUrl) -> AnyView {
    let AuditData { now, rows, page, account, since, until } = data;
    let given = |key: &str| url.get(key).map(str::to_owned);
    let actions = AuditAction::ALL.iter().map(|action| Choice::new(action.as_str(), action_words(*action))).collect();
    let chips = account.map(|account| Chip::new("Account", account, "account_id")).into_iter().collect::<Vec<_>>();
    let time = |at: Option<Timestamp>| Some(at?.to_rfc3339_opts(SecondsFormat::Secs, true));
    let export = |format: &str| {
        let keep = ["action", "account_id", "text"].into_iter().map(|key| (key, given(key)));
        let keep = keep.chain([("since", time(since)), ("until", time(until))]);
        let keep = keep.filter_map(|(key, value)| Some((key, value?)));
        let start = PageUrl::new("/api/v1/admin/audit/export").with("format", format);
        keep.fold(start, |url, (key, value)| url.with(key, value)).href()
    };
    let exports = view! {
        <a class="button" href=export("csv") rel="external" download="audit.csv" title=EXPORT>"CSV"</a>
        <a class="button" href=export("json") rel="external" download="audit.json" title=EXPORT>"JSON"</a>
    };
    let list = if rows.count == 0 {
        view! { <EmptyState title="Nothing matches"><p><a href="/admin/audit">"See the whole log"</a></p></EmptyState> }
            .into_any()
    } else {
        let lines = rows.data.into_iter().map(|line| row(line, &url, now)).collect_view();
        view! {
            <Table caption="Audit log">
                <thead>
                    <tr>
                        <th scope="col">"When"</th>
                        <th scope="col">"Who"</th>
                        <th scope="col">"What"</th>
                        <th scope="col">"On"</th>
                        <th scope="col">"From"</th>
                        <th scope="col" class="wide">"Details"</th>
                    </tr>
                </thead>
                <tbody>{lines}</tbody>
            </Table>
        }
        .into_any()
    };
    let (text, action, from, to) = (given("text"), given("action"), given("since"), given("until"));
    view! {
        {head("Audit log", exports.into_any())}
        <FilterBar url=url.clone() keys=&["text", "action", "since", "until"] chips>
            <TextField name="text" label="Search the log" search=true placeholder="Who, or on what" value=text />
            <Select name="action" label="Action" choices=actions selected=action />
            <DateField name="since" label="From" value=from />
            <DateField name="until" label="to" value=to />
        </FilterBar>
        {list}
        <Pager page count=rows.count url what="entries" />
    }
    .into_any()
}

const EXPORT: &str = "All entries that match, in one file";

const fn via(via: Via) -> &'static str {
    match via {
        Via::Session => "",
        Via::Token => "by a token",
        Via::Password => "by their password",
        Via::Provider => "by another site’s word",
        Via::Link => "by a link",
        Via::Command => "on the command line",
        Via::Schedule => "by a schedule",
        Via::Nobody => "not signed in",
    }
}

/// How somebody came in, with the token's name where it is still there.
fn came_in(entry: &AuditEntry, means: Option<&str>) -> String {
    match (entry.via, means) {
        (Via::Token, Some(name)) => format!("by the token {name}"),
        (other, _) => via(other).to_owned(),
    }
}

/// Which token or session it was, by its id as well: names come twice.
fn shown_means(entry: &AuditEntry, means: Option<String>) -> Option<AnyView> {
    let (id, what) = (entry.via_id?.to_string(), if entry.via == Via::Token { "Token " } else { "Session " });
    let means = means.map(|means| format!("{means} "));
    Some(view! { <p class="quiet">{what} {means} <code>{id}</code></p> }.into_any())
}

fn row(row: AuditRow, url: &PageUrl, now: Timestamp) -> AnyView {
    let AuditRow { entry, before, after, means } = row;
    let by = came_in(&entry, means.as_deref());
    let means = shown_means(&entry, means);
    let who = match entry.account_id {
        Some(id) => {
            let href = url.with("account_id", id.to_string()).href();
            view! { <a href=href title="Only what this account did">{entry.who}</a> }.into_any()
        }
        None => view! { <span class="quiet">{entry.who}</span> }.into_any(),
    };
    let has_more = before.is_some() || after.is_some();
    let block = |label: &'static str, text: Option<String>| {
        text.map(|text| view! { <p class="quiet">{label}</p> <pre class="snippet"><code>{text}</code></pre> })
    };
    let request = entry.request_id.map(|id| view! { <p class="quiet">"Request " <code>{id}</code></p> });
    let details = (has_more || means.is_some() || request.is_some()).then(|| {
        let summary = match (before.is_some(), after.is_some()) {
            (true, true) => "Before and after",
            (true, false) => "Before",
            (false, true) => "Details",
            (false, false) => "Request",
        };
        view! {
            <details class="disclosure small">
                <summary>{summary}</summary>
                {block("Before", before)} {block("After", after)} {means} {request}
            </details>
        }
    });
    view! {
        <tr>
            <td data-label="When"><TimeAgo time=entry.at now /></td>
            <th scope="row" data-label="Who">{who}</th>
            <td data-label="What">{action_words(entry.action)} " " <span class="quiet">{by}</span></td>
            <td data-label="On"><span class="quiet">{entry.object_kind} " "</span>{entry.object_name}</td>
            <td data-label="From">{entry.address.unwrap_or_else(|| "–".to_owned())}</td>
            <td class="wide" data-label="Details">{details}</td>
        </tr>
    }
    .into_any()
}
