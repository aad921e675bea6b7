//! Refs with one request. Version 2 of Git's protocol is stateless over HTTP: a server that speaks it answers a question
//! without having been greeted first, which halves the requests of a look that finds nothing new.
//!
//! Whatever is no plain answer is no error here: the caller greets the server, and what is wrong is told then.

use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};

use gix::protocol::handshake::Ref;
use url::Url;

use super::Auth;
use super::budget::Budget;
use super::http::Requests;
use crate::GitError;

/// The most that a list of refs may take.
const MAX_BYTES: u64 = 16 << 20;
/// Hosts that are remembered as speaking older versions only.
const MAX_HOSTS: usize = 500;

/// Hosts that have to be greeted, as they do not speak version 2; asking them at once would cost a request in vain.
static OLD_HOSTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The refs that begin so; `None` where the server has to be greeted first.
///
/// # Errors
/// If the server cannot be reached, fails or wants to be left alone: greeting it would make that worse.
pub(super) fn ask(
    url: &Url,
    auth: &Auth,
    budget: &Arc<Budget>,
    prefixes: &[&str],
) -> Result<Option<Vec<Ref>>, GitError> {
    if hosts().contains(&budget.host) {
        return Ok(None);
    }
    let requests = Requests::new(budget, url, auth)?;
    let stopped =
        |error: std::io::Error| GitError::Unreachable { host: budget.host.clone(), reason: error.to_string() };
    let address = format!("{}/git-upload-pack", url.as_str().trim_end_matches('/'));
    let Some(body) = requests.question(&address, question(prefixes)).map_err(stopped)? else { return Ok(None) };
    let mut answer = Vec::new();
    body.take(MAX_BYTES + 1).read_to_end(&mut answer).map_err(stopped)?;
    Ok(if answer.len() as u64 > MAX_BYTES { None } else { read(&answer) })
}

/// The host does not speak version 2.
pub(super) fn greet_first(host: &str) {
    let mut hosts = hosts();
    if !hosts.iter().any(|known| known == host) {
        if hosts.len() >= MAX_HOSTS {
            hosts.remove(0);
        }
        hosts.push(host.to_owned());
    }
}

/// A poisoned lock holds plain names: they are as good as before.
fn hosts() -> std::sync::MutexGuard<'static, Vec<String>> {
    OLD_HOSTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// No capability is named: which ones the server has is not known, and the question needs none.
fn question(prefixes: &[&str]) -> Vec<u8> {
    let line = |text: &str| format!("{:04x}{text}\n", text.len() + 5);
    let mut lines = format!("{}0001{}{}", line("command=ls-refs"), line("peel"), line("symrefs"));
    for prefix in prefixes {
        lines.push_str(&line(&format!("ref-prefix {prefix}")));
    }
    lines.push_str("0000");
    lines.into_bytes()
}

/// The refs of a whole and well-formed answer.
fn read(mut answer: &[u8]) -> Option<Vec<Ref>> {
    let mut refs = Vec::new();
    loop {
        let (length, rest) = answer.split_at_checked(4)?;
        let length = usize::from_str_radix(std::str::from_utf8(length).ok()?, 16).ok()?;
        if length == 0 {
            return rest.is_empty().then_some(refs);
        }
        let (line, rest) = rest.split_at_checked(length.checked_sub(4)?)?;
        refs.push(read_line(line)?);
        answer = rest;
    }
}

/// `ID NAME[ symref-target:NAME][ peeled:ID]`
fn read_line(line: &[u8]) -> Option<Ref> {
    let mut words = line.strip_suffix(b"\n").unwrap_or(line).split(|byte| *byte == b' ');
    let id = |hex: &[u8]| gix::ObjectId::from_hex(hex).ok().filter(|id| id.kind() == gix::hash::Kind::Sha1);
    let object = id(words.next()?)?;
    let full_ref_name = words.next().filter(|name| !name.is_empty())?.into();
    let (mut target, mut peeled) = (None, None);
    for word in words {
        if let Some(name) = word.strip_prefix(b"symref-target:") {
            target = Some(name.into());
        } else if let Some(hex) = word.strip_prefix(b"peeled:") {
            peeled = Some(id(hex)?);
        }
    }
    Some(match (target, peeled) {
        (Some(target), peeled) => {
            Ref::Symbolic { full_ref_name, target, tag: peeled.map(|_| object), object: peeled.unwrap_or(object) }
        }
        (None, Some(peeled)) => Ref::Peeled { full_ref_name, tag: object, object: peeled },
        (None, None) => Ref::Direct { full_ref_name, object },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "1111111111111111111111111111111111111111";

    fn answer(lines: &[String]) -> Vec<u8> {
        let mut text: String = lines.iter().map(|line| format!("{:04x}{line}\n", line.len() + 5)).collect();
        text.push_str("0000");
        text.into_bytes()
    }

    #[test]
    fn a_question_is_made_of_packet_lines() {
        let text = String::from_utf8(question(&["HEAD"])).unwrap();
        assert_eq!(text, "0014command=ls-refs\n00010009peel\n000csymrefs\n0014ref-prefix HEAD\n0000");
    }

    #[test]
    fn an_answer_tells_branches_and_where_head_points() {
        let lines = [format!("{ID} HEAD symref-target:refs/heads/main"), format!("{ID} refs/heads/main")];
        let refs = read(&answer(&lines)).unwrap();
        assert!(matches!(&refs[0], Ref::Symbolic { target, .. } if target == "refs/heads/main"));
        assert!(matches!(&refs[1], Ref::Direct { full_ref_name, .. } if full_ref_name == "refs/heads/main"));
        assert_eq!(read(b"0000"), Some(Vec::new()));
    }

    #[test]
    fn what_is_no_whole_answer_is_none() {
        let whole = answer(&[format!("{ID} refs/heads/main")]);
        for cut in 0..whole.len() {
            assert_eq!(read(&whole[..cut]), None, "{cut}");
        }
        for wrong in ["0008ERR\n0000", "zzzz", "0003", "ffff", "00010000", "0006x\n0000", "<html>"] {
            assert_eq!(read(wrong.as_bytes()), None, "{wrong}");
        }
        // Names of the longer hash are another matter.
        assert_eq!(read(&answer(&[format!("{}{} refs/heads/main", ID, "1".repeat(24))])), None);
    }
}
