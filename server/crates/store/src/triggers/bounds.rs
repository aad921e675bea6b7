//! Bounds on what is kept of things from outside, whoever hands them in.

use entity::value::clean;
use entity::view::{Clause, SentRequest, TektonFound, TektonResource};

/// The most that is kept of an answer.
const ANSWER_BYTES: usize = 16 << 10;
/// Of a body that was sent.
const BODY_BYTES: usize = 64 << 10;
/// Of an address, a header, or anything else of one line.
const LINE_BYTES: usize = 2_000;
/// Headers.
const HEADERS: usize = 100;
/// Of why a clause is met or not.
const WHY_BYTES: usize = 500;
/// Clauses of a condition; it has no more kinds.
const CLAUSES: usize = 20;
/// Of what is said of them, and of each.
const REMARKS: usize = 50;

/// The beginning of a text, cut between characters, with a mark where some are missing.
fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(bytes - '…'.len_utf8())])
}

/// An answer as it is kept.
pub(super) fn bounded_answer(answer: &str) -> String {
    clean(&cut(answer, ANSWER_BYTES))
}

/// A request as it is kept.
pub(super) fn bounded_request(request: &SentRequest) -> SentRequest {
    let line = |text: &str| cut(text, LINE_BYTES);
    SentRequest {
        method: line(&request.method),
        url: line(&request.url),
        headers: request.headers.iter().take(HEADERS).map(|(name, value)| (line(name), line(value))).collect(),
        body: cut(&request.body, BODY_BYTES),
    }
}

pub(super) fn bounded_clauses(clauses: &[Clause]) -> Vec<Clause> {
    let clause = |clause: &Clause| Clause { why: cut(&clause.why, WHY_BYTES), ..clause.clone() };
    clauses.iter().take(CLAUSES).map(clause).collect()
}

pub(crate) fn bounded_tekton(found: &TektonFound) -> TektonFound {
    let line = |text: &String| cut(text, WHY_BYTES);
    let lines = |texts: &[String]| texts.iter().take(REMARKS).map(line).collect();
    let resource = |resource: &TektonResource| TektonResource {
        api_version: line(&resource.api_version),
        kind: line(&resource.kind),
        name: line(&resource.name),
        namespace: resource.namespace.as_ref().map(line),
        path: line(&resource.path),
        index: resource.index,
        is_valid: resource.is_valid,
        errors: lines(&resource.errors),
        dependencies: lines(&resource.dependencies),
    };
    TektonFound {
        has_directory: found.has_directory,
        total_files: found.total_files,
        valid_files: found.valid_files,
        resources: found.resources.iter().take(TektonFound::MOST_RESOURCES).map(resource).collect(),
        estimated_action: found.estimated_action,
        reasons: lines(&found.reasons),
        errors: lines(&found.errors),
        warnings: lines(&found.warnings),
        read_by_api: found.read_by_api,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_request_is_bounded_and_cut_between_characters() {
        let long = "ä".repeat(100_000);
        let headers = vec![("X-A".to_owned(), long.clone()); 300];
        let request = SentRequest { method: "POST".into(), url: format!("https://h/{long}"), headers, body: long };
        let kept = bounded_request(&request);
        // The mark has three bytes, which leaves one that is half a character.
        assert_eq!((kept.method.as_str(), kept.headers.len(), kept.body.len()), ("POST", 100, (64 << 10) - 1));
        assert!(kept.body.ends_with("ä…") && kept.url.len() <= 2_000 && kept.url.ends_with("ä…"));
        assert!(kept.headers.iter().all(|(name, value)| name == "X-A" && value.len() == 1_999));
        assert_eq!(bounded_request(&kept), kept, "what was cut is not cut again");
        assert_eq!((cut("äää", 6).as_str(), cut("äääa", 6).as_str()), ("äää", "ä…"));
        assert_eq!(bounded_answer("a\0b"), "a\u{fffd}b");
    }
}
