//! Measures walking a history: `cargo run --release -p kubestats-git --example walk -- PATH [THREADS] [RUN] [diff]`.
//! With `diff` blobs are not read; otherwise every changed blob is read once, as a scan does.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::Instant;

use git::{Repo, WalkError, WalkOptions, walk};

fn main() -> anyhow::Result<()> {
    let arguments = std::env::args().collect::<Vec<_>>();
    let path = arguments.get(1).ok_or_else(|| anyhow::anyhow!("give the path of a repository"))?;
    let mut options = WalkOptions::default();
    if let Some(threads) = arguments.get(2) {
        options.threads = threads.parse()?;
    }
    if let Some(run) = arguments.get(3) {
        options.run = run.parse()?;
    }
    let read = arguments.get(4).is_none_or(|word| word != "diff");

    let start = Instant::now();
    let repo = Repo::open(path)?;
    let chain = repo.first_parent_chain(repo.head(None)?, None)?;
    let listed = start.elapsed();

    let start = Instant::now();
    // Sharded, so that the threads measure reading and not waiting for each other.
    let seen = (0..64).map(|_| Mutex::new(HashSet::new())).collect::<Vec<_>>();
    let (mut commits, mut changes, mut blobs, mut bytes) = (0u64, 0u64, 0u64, 0u64);
    walk(
        &repo,
        &chain.commits,
        &options,
        |reader, commit| {
            let mut found = (0u64, 0u64);
            for id in commit.changes.iter().flat_map(|change| [change.before, change.after]).flatten() {
                let shard = &seen[usize::from(id.0[0]) % seen.len()];
                if read && shard.lock().is_ok_and(|mut seen| seen.insert(id)) {
                    found.0 += 1;
                    found.1 += reader.read(id, <[u8]>::len)? as u64;
                }
            }
            Ok::<_, git::GitError>((commit.changes.len() as u64, found))
        },
        |prepared| {
            let (changed, found) = prepared?;
            commits += 1;
            changes += changed;
            blobs += found.0;
            bytes += found.1;
            Ok::<_, git::GitError>(ControlFlow::Continue(()))
        },
    )
    .map_err(|error| match error {
        WalkError::Git(error) | WalkError::Consume(error) => error,
    })?;
    let walked = start.elapsed();
    let line = format!(
        "listed {} commits in {listed:.1?}; walked {commits} commits, {changes} changes, {blobs} blobs, {bytes} bytes in {walked:.1?}\n",
        chain.commits.len(),
    );
    std::io::Write::write_all(&mut std::io::stdout(), line.as_bytes())?;
    Ok(())
}
