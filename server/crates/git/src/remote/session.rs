//! Talking to a remote in Git's protocol: hello, which refs, which objects.

use std::sync::Arc;

use entity::input::ObjectId;
use gix::progress::Discard;
use gix::protocol::handshake::Ref;
use gix::protocol::ls_refs::RefPrefixes;
use gix::protocol::transport::client::blocking_io::{Transport, connect, http, ssh};
use gix::protocol::transport::{Protocol, Service};

use super::budget::Budget;
use super::http::{AGENT, Requests, refused_address};
use super::url::Place;
use super::{Auth, ListedRefs, RemoteRef, RemoteUrl};
use crate::GitError;
use crate::error::{chain as causes, is_full};
use crate::repo::to_entity;

/// An open conversation.
pub(super) struct Session {
    pub transport: Box<dyn Transport + Send>,
    pub handshake: gix::protocol::Handshake,
    budget: Arc<Budget>,
}

impl Session {
    pub(super) fn open(url: &RemoteUrl, auth: &Auth, budget: &Arc<Budget>) -> Result<Self, GitError> {
        let text = url.to_string();
        let parsed = gix::url::parse(text.as_str()).map_err(|error| GitError::RefusedUrl {
            url: text,
            reason: format!("it cannot be read: {}", causes(&error)),
        })?;
        let mut transport: Box<dyn Transport + Send> = match url.place() {
            Place::Http(address) => {
                Box::new(http::Transport::new_http(Requests::new(budget, address, auth)?, parsed, Protocol::V2, false))
            }
            Place::Ssh { .. } => {
                let seconds = budget.limits.connect_timeout.as_secs().max(1);
                let mut command = format!(
                    "ssh -oBatchMode=yes -oConnectTimeout={seconds} -oServerAliveInterval=10 -oServerAliveCountMax=3"
                );
                if let Some(guard) = &budget.limits.guard {
                    let address = guard
                        .resolve(&url.host(), 22)
                        .map_err(|refused| refused_address(&url.to_string(), &refused))?
                        .first()
                        .map(std::net::SocketAddr::ip);
                    // ssh is told the checked address, so that it does not ask for the name again, nor its own
                    // configuration; a key is still looked up by the name.
                    if let Some(address) = address {
                        command.push_str(&format!(" -oHostName={address} -oHostKeyAlias={}", url.host()));
                        command.push_str(" -oProxyCommand=none -oProxyJump=none");
                    }
                }
                let ssh = ssh::connect::Options {
                    command: Some(command.into()),
                    disallow_shell: false,
                    kind: Some(ssh::ProgramKind::Ssh),
                };
                connect::connect(parsed, connect::Options { version: Protocol::V2, ssh, trace: false })
                    .map_err(|error| failed(budget, &error))?
            }
            Place::Local(path) => return Err(GitError::NoRepository { path: path.display().to_string() }),
        };
        let handshake =
            gix::protocol::handshake(&mut transport, Service::UploadPack, |_| Ok(None), Vec::new(), &mut Discard)
                .map_err(|error| match url.place() {
                    Place::Ssh { .. } => ended_by_ssh(failed(budget, &error)),
                    _ => failed(budget, &error),
                })?;
        if let Some(format) =
            handshake.capabilities.capability("object-format").and_then(|format| format.value().map(ToOwned::to_owned))
            && format != "sha1"
        {
            return Err(GitError::Unsupported { feature: format!("{format} object names") });
        }
        Ok(Self { transport, handshake, budget: Arc::clone(budget) })
    }

    /// The refs that begin so. Nothing is fetched.
    pub(super) fn refs(&mut self, prefixes: &[&str]) -> Result<Vec<Ref>, GitError> {
        let refs = match &self.handshake.refs {
            // Servers of the first protocol tell all of them unasked.
            Some(refs) => refs.clone(),
            None => {
                let mut wanted = RefPrefixes::new();
                wanted.extend(prefixes.iter().map(|prefix| (*prefix).into()));
                let agent = ("agent", Some(AGENT.into()));
                gix::protocol::LsRefsCommand::new(Some(wanted), &self.handshake.capabilities, agent)
                    .invoke_blocking(&mut self.transport, &mut Discard, false)
                    .map_err(|error| failed(&self.budget, &error))?
            }
        };
        let limit = self.budget.limits.refs;
        if refs.len() > limit {
            return Err(GitError::TooManyRefs { limit: limit as u64 });
        }
        Ok(refs)
    }

    pub(super) fn list(&mut self) -> Result<ListedRefs, GitError> {
        Ok(listed(&self.refs(&["HEAD", "refs/heads/"])?))
    }
}

/// Sorts what the remote told into what we ask about.
pub(super) fn listed(refs: &[Ref]) -> ListedRefs {
    let mut listed = ListedRefs::default();
    for found in refs {
        let (name, object, target) = match found {
            Ref::Direct { full_ref_name, object } | Ref::Peeled { full_ref_name, object, .. } => {
                (full_ref_name, Some(object), None)
            }
            Ref::Symbolic { full_ref_name, target, object, .. } => (full_ref_name, Some(object), Some(target)),
            Ref::Unborn { full_ref_name, target } => (full_ref_name, None, Some(target)),
        };
        let Ok(name) = std::str::from_utf8(name) else { continue };
        if name == "HEAD" {
            listed.head = object.map(|id| to_entity(id)).filter(|id| *id != ObjectId([0; 20]));
            let target = target.and_then(|target| std::str::from_utf8(target).ok());
            listed.default_branch = target.and_then(|target| target.strip_prefix("refs/heads/")).map(str::to_owned);
        } else if name.starts_with("refs/heads/")
            && let Some(id) = object
        {
            listed.branches.push(RemoteRef { name: name.to_owned(), id: to_entity(id) });
        }
    }
    listed.branches.sort_by(|a, b| a.name.cmp(&b.name));
    if listed.default_branch.is_none()
        && let Some(head) = listed.head
    {
        // HEAD names no branch, or the server is too old to tell which: the usual names first.
        let mut same = listed.branches.iter().filter(|branch| branch.id == head).collect::<Vec<_>>();
        same.sort_by_key(|branch| !matches!(branch.name.as_str(), "refs/heads/main" | "refs/heads/master"));
        listed.default_branch =
            same.first().and_then(|branch| branch.name.strip_prefix("refs/heads/")).map(str::to_owned);
    }
    listed
}

/// All that ssh tells us about what it was refused is that it ended, or that it would like to be asked for a password.
fn ended_by_ssh(error: GitError) -> GitError {
    match error {
        GitError::Unreachable { host, reason } if reason.starts_with("it ended the connection") => {
            let reason = "ssh ended before anything was sent: is there a repository at this path, may this user read it, \
                          and is the host's key among the known ones?";
            GitError::Unreachable { host, reason: reason.to_owned() }
        }
        GitError::Protocol { host, what } if what.contains("credential") => {
            GitError::NeedsAuth { host, rejected: false }
        }
        error => error,
    }
}

/// What gix could not do, as our error. A reason that the budget holds comes first; the watcher sees to that.
pub(super) fn failed(budget: &Budget, error: &gix::Error) -> GitError {
    let host = budget.host.clone();
    let text = causes(error);
    let io_kind = error.downcast_any_ref::<std::io::Error>().map(std::io::Error::kind);
    match io_kind {
        Some(kind) if is_full(kind) => return GitError::DiskFull,
        Some(std::io::ErrorKind::PermissionDenied) => return GitError::NeedsAuth { host, rejected: false },
        Some(std::io::ErrorKind::NotFound) if text.contains("ssh") => {
            return GitError::Unreachable { host, reason: "the program `ssh` is not installed here".to_owned() };
        }
        Some(
            std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::BrokenPipe | std::io::ErrorKind::ConnectionReset,
        ) => {
            return GitError::Unreachable {
                host,
                reason: "it ended the connection before everything was sent".to_owned(),
            };
        }
        _ => {}
    }
    let lower = text.to_ascii_lowercase();
    if ["permission denied", "publickey", "host key verification"].iter().any(|sign| lower.contains(sign)) {
        GitError::NeedsAuth { host, rejected: false }
    } else if ["could not resolve", "connection refused", "timed out"].iter().any(|sign| lower.contains(sign)) {
        GitError::Unreachable { host, reason: text }
    } else if lower.contains("shallow remotes") {
        GitError::Unsupported { feature: "a remote that is a shallow clone itself".to_owned() }
    } else if error.is_unsupported() && !lower.contains("smart") {
        GitError::Unsupported { feature: text }
    } else {
        GitError::Protocol { host, what: text }
    }
}
