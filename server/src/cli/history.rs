use std::io::{BufWriter, Write};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use entity::address::name_of;
use entity::credential::shown_address;
use entity::input::{Batch, FoundCommit, FoundEvent};
use entity::value::SHORT_HASH;
use scan::replay::{HistoryEvents, NoMemory, Options, Replay, Start};
use serde::Serialize;

use super::table::{Table, number};
use super::{Format, HistoryArgs, progress, source};
use crate::replay::{BatchLimits, Parser, ReplayError, Walk};

/// What `--format json` prints.
#[derive(Serialize)]
struct Answer {
    commit: String,
    commits: usize,
    history_events: HistoryEvents,
    duration_ms: u128,
}

/// One line of `--events`.
#[derive(Serialize)]
struct EventLine<'a> {
    commit: String,
    committed_at: entity::view::Timestamp,
    author_name: &'a str,
    subject: &'a str,
    event_type: entity::kind::EventType,
    api_version: &'a str,
    kind: &'a str,
    namespace: Option<&'a str>,
    name: &'a str,
    file_path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_path_before: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_before: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_after: Option<&'a str>,
    changes_detected: &'a [String],
    changes: &'a [entity::view::FieldChange],
    changes_total: i64,
}

pub(super) fn run(args: &HistoryArgs) -> anyhow::Result<()> {
    if let Some(database) = &args.database {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        return runtime.block_on(super::database::run(args, database));
    }
    let source = source::open(&args.source, &args.rev)?;
    let head = source.commit;
    let started = Instant::now();
    let chain = source.repo.first_parent_chain(head, None)?;
    let options = Options { events: args.events, texts: false, ledger: true, ..Options::default() };
    let mut replay = Replay::new(Start::Fresh, options);
    let parser = Parser::new(super::scan::default_file_bytes(), scan::mask::Rules::default());
    let walk = Walk {
        repo: &source.repo,
        commits: &chain.commits,
        parser: &parser,
        threads: args.threads,
        snapshot_first: false,
        batches: BatchLimits::default(),
        cancel: &AtomicBool::new(false),
    };
    let bar = progress::bar(chain.commits.len() as u64, "replaying");
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut written = Ok(());
    let take = |batch: Batch| {
        if args.events {
            written = batch.commits.iter().try_for_each(|commit| write_events(&mut out, commit));
        }
        if written.is_err() { Err(ReplayError::Closed) } else { Ok(()) }
    };
    let result = walk.run(&mut replay, &mut NoMemory, None, take, |now| bar.set_position(now.commits as u64));
    bar.finish_and_clear();
    written?;
    result?;
    let answer = Answer {
        commit: head.to_string(),
        commits: chain.commits.len(),
        history_events: replay.ledger(),
        duration_ms: started.elapsed().as_millis(),
    };
    match args.format {
        _ if args.events => {}
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, &answer)?;
            writeln!(out)?;
        }
        Format::Table => write_table(&mut out, &name_of(&shown_address(&args.source)), &answer)?,
    }
    out.flush()?;
    Ok(())
}

fn write_events(out: &mut impl Write, commit: &FoundCommit) -> std::io::Result<()> {
    for event in &commit.events {
        serde_json::to_writer(&mut *out, &line(commit, event))?;
        writeln!(out)?;
    }
    Ok(())
}

fn line<'a>(commit: &'a FoundCommit, event: &'a FoundEvent) -> EventLine<'a> {
    EventLine {
        commit: commit.id.to_string(),
        committed_at: commit.committed_at,
        author_name: &commit.author_name,
        subject: &commit.subject,
        event_type: event.event_type,
        api_version: &event.api_version,
        kind: &event.kind,
        namespace: event.namespace.as_deref(),
        name: &event.name,
        file_path: &event.file_path,
        file_path_before: event.file_path_before.as_deref(),
        version_before: event.version_before.as_deref(),
        version_after: event.version_after.as_deref(),
        changes_detected: &event.changes_detected,
        changes: &event.changes,
        changes_total: event.changes_total,
    }
}

fn write_table(out: &mut impl Write, name: &str, answer: &Answer) -> std::io::Result<()> {
    let events = &answer.history_events;
    let commits = number(answer.commits as u64);
    writeln!(out, "{name} at {} ({} ms): {commits} commits", &answer.commit[..SHORT_HASH], answer.duration_ms)?;
    let mut table = Table::new(&["resources", ">count"]);
    for (what, count) in [
        ("in the first commit", events.resources_in_first_commit),
        ("added since", events.added),
        ("removed since", events.removed),
        ("modified since", events.modified),
        ("moved to another file", events.moved),
        ("at the head", events.resources_at_head),
        ("commits that changed any", events.commits_with_events),
    ] {
        table.row([what.to_owned(), number(u64::try_from(count).unwrap_or_default())]);
    }
    table.write(out, "History", usize::MAX)
}
