//! Answers, read within bounds.

use std::io::{BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use reqwest::blocking::Response;

use super::post::Sender;
use super::refusal::root_cause;
use crate::GitError;
use crate::remote::budget::Budget;

/// Bytes beyond the pack that one answer may have: side band, progress messages, lists of refs.
const EXTRA_BYTES: u64 = 16 << 20;

/// An answer that is read piece by piece, each piece counted and timed.
pub(in crate::remote) struct Body {
    source: Source,
    budget: Arc<Budget>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    left: u64,
}

pub(super) enum Source {
    Unsent(Box<Sender>),
    Open(Response),
    Done,
}

impl Body {
    pub(super) fn new(source: Source, budget: &Arc<Budget>) -> Self {
        let pack = if budget.expects_pack.load(Ordering::Relaxed) { budget.limits.pack_bytes } else { 0 };
        let left = pack.saturating_add(EXTRA_BYTES);
        Self { source, budget: Arc::clone(budget), buffer: vec![0; 64 << 10], start: 0, end: 0, left }
    }

    fn fill(&mut self) -> std::io::Result<()> {
        if let Source::Unsent(_) = &self.source
            && let Source::Unsent(sender) = std::mem::replace(&mut self.source, Source::Done)
        {
            self.source = Source::Open(sender.send()?);
        }
        let Source::Open(response) = &mut self.source else { return Ok(()) };
        self.budget.check()?;
        let budget = &self.budget;
        let read = budget.awaiting(|| response.read(&mut self.buffer)).map_err(|error| {
            let timed_out = error
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<reqwest::Error>())
                .is_some_and(reqwest::Error::is_timeout);
            budget.stop(if timed_out || error.kind() == std::io::ErrorKind::TimedOut {
                budget.timeout("waiting for", budget.limits.idle_timeout)
            } else {
                GitError::Unreachable {
                    host: budget.host.clone(),
                    reason: format!("the connection broke off ({})", root_cause(&error)),
                }
            })
        })?;
        (self.start, self.end) = (0, read);
        if read == 0 {
            self.source = Source::Done;
            return Ok(());
        }
        self.left = match self.left.checked_sub(read as u64) {
            Some(left) => left,
            None if self.budget.expects_pack.load(Ordering::Relaxed) => {
                return Err(self.budget.stop(GitError::TooLarge { limit: self.budget.limits.pack_bytes }));
            }
            None => {
                return Err(self.budget.stop(GitError::TooManyRefs { limit: self.budget.limits.refs as u64 }));
            }
        };
        self.budget.received(read)
    }
}

impl Read for Body {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(out.len());
        out[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Body {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.start == self.end {
            self.fill()?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }
}
