//! The control page as people see it: one page, plain HTML, forms that work without a script.

use std::fmt::Write;

use crate::forge::{Forge, lock};
use crate::world::Access;

/// More repositories than these are not listed, or the page would be of no use.
const LISTED: usize = 200;

const STYLE: &str = "body{font:15px/1.5 system-ui;margin:2rem auto;max-width:70rem;padding:0 1rem;color-scheme:light dark}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid #8884}\
form{display:inline-flex;gap:.4rem;flex-wrap:wrap}input{width:9rem}code{font-size:.9em}";

const FAULTS: &[(&str, &str)] = &[
    ("slow", "slow (value: milliseconds)"),
    ("status", "status (value: 500, 502, ...)"),
    ("primary_limit", "403: primary limit (value: seconds)"),
    ("secondary_limit", "403: secondary limit (value: Retry-After)"),
    ("too_many", "429 (value: Retry-After)"),
    ("cut", "connection cut in the body"),
    ("wrong_json", "wrong JSON"),
    ("missing_fields", "missing fields (value: names)"),
    ("bad_credentials", "401: bad credentials"),
    ("blocked", "451: blocked"),
    ("endless", "a body that never ends"),
];

const ACTIONS: &[&str] = &[
    "commit",
    "rewrite",
    "empty",
    "branch",
    "push",
    "delete_branch",
    "protect",
    "rename",
    "transfer",
    "topics",
    "archive",
    "private",
    "public",
    "block",
    "delete",
];

/// The word for whether a repository can be seen.
pub(super) fn access(access: Access) -> &'static str {
    match access {
        Access::Public => "public",
        Access::Private => "private",
        Access::Blocked => "blocked",
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn options<'a>(names: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    names.map(|(value, text)| format!("<option value=\"{value}\">{text}</option>")).collect()
}

/// The whole page.
pub(super) fn page(forge: &Forge) -> String {
    let mut page = String::new();
    // Writing to a string does not fail.
    let _ = write_page(&mut page, forge);
    page
}

fn write_page(page: &mut String, forge: &Forge) -> std::fmt::Result {
    let name = forge.kind().name();
    write!(
        page,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{name}, stand-in</title><style>{STYLE}</style><h1>{name}, stand-in</h1><p><code>{}</code></p>",
        forge.url()
    )?;
    counters(page, forge)?;
    faults(page, forge)?;
    repositories(page, forge)?;
    requests(page, forge)?;
    page.write_str("</html>\n")
}

fn counters(page: &mut String, forge: &Forge) -> std::fmt::Result {
    let counters = forge.counters();
    page.write_str("<h2>Asked so far</h2><table>")?;
    for (what, number) in [
        ("requests to the API", counters.api),
        ("answered with 304", counters.not_modified),
        ("quota spent", counters.quota),
        ("stopped by a limit", counters.limited),
        ("requests by git", counters.git),
        ("fetches by git", counters.git_fetch),
        ("befallen by a fault", counters.faulted),
        ("at the same time, at most", counters.peak_concurrency),
    ] {
        write!(page, "<tr><th scope=\"row\">{what}</th><td>{number}</td></tr>")?;
    }
    page.write_str(
        "</table><form method=\"post\" action=\"/_control/reset\"><button>Start counting anew</button></form>",
    )
}

fn faults(page: &mut String, forge: &Forge) -> std::fmt::Result {
    page.write_str("<h2>Faults</h2>")?;
    let rules = forge.faults();
    if rules.is_empty() {
        page.write_str("<p>None: everything goes well.</p>")?;
    } else {
        page.write_str("<ul>")?;
        for rule in rules {
            let path =
                rule.path.as_deref().map_or_else(|| "every path".to_owned(), |path| format!("paths with {path}"));
            let times = rule.times.map_or_else(|| "always".to_owned(), |times| format!("{times} times more"));
            write!(page, "<li>{}: {}, {times}", escape(&rule.fault.word()), escape(&path))?;
            if rule.after > 0 {
                write!(page, ", after {} requests", rule.after)?;
            }
        }
        page.write_str(
            "</ul><form method=\"post\" action=\"/_control/faults/clear\"><button>Clear all</button></form>",
        )?;
    }
    write!(
        page,
        "<form method=\"post\" action=\"/_control/faults\"><select name=\"kind\" aria-label=\"fault\">{}</select>\
         <input name=\"value\" placeholder=\"value\"><input name=\"path\" placeholder=\"only paths with\">\
         <input name=\"after\" placeholder=\"after n\"><input name=\"times\" placeholder=\"n times\"><button>Add</button></form>",
        options(FAULTS.iter().copied())
    )
}

fn repositories(page: &mut String, forge: &Forge) -> std::fmt::Result {
    let actions = options(ACTIONS.iter().map(|action| (*action, *action)));
    let world = forge.world();
    let all = world.all();
    write!(page, "<h2>Repositories ({})</h2>", all.len())?;
    if all.len() > LISTED {
        write!(page, "<p>The first {LISTED}; all of them are in <a href=\"/_control/repositories\">JSON</a>.</p>")?;
    }
    page.write_str("<table><tr><th>Name<th>Topics<th>Pushed<th>State<th>Change</tr>")?;
    for one in all.iter().take(LISTED) {
        write!(
            page,
            "<tr><td><code>{}</code><td>{}<td>{}<td>{}<td><form method=\"post\" action=\"/_control/repositories/{}\">\
             <select name=\"action\" aria-label=\"action\">{actions}</select><input name=\"to\" placeholder=\"to\"><button>Do</button></form></tr>",
            escape(&one.full_name()),
            escape(&one.topics.join(", ")),
            one.pushed_at.format("%Y-%m-%d %H:%M"),
            access(one.state),
            one.id,
        )?;
    }
    page.write_str("</table>")
}

fn requests(page: &mut String, forge: &Forge) -> std::fmt::Result {
    page.write_str("<h2>Latest requests</h2><table><tr><th>At<th>Request<th>Status<th>Cost<th>Faults</tr>")?;
    let record = lock(&forge.record);
    for request in record.requests().rev().take(50) {
        let query = request.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        write!(
            page,
            "<tr><td>{}<td><code>{} {}</code><td>{}<td>{}<td>{}</tr>",
            request.at.format("%H:%M:%S%.3f"),
            request.method,
            escape(&format!("{}{query}", request.path)),
            request.status,
            request.cost,
            escape(&request.faults.join(", ")),
        )?;
    }
    page.write_str("</table>")
}
