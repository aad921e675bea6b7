//! Measures a fetch: `cargo run --release -p kubestats-git --example fetch -- URL FOLDER`. The folder keeps the clone, so that a
//! second run shows what an incremental fetch costs.

use std::io::Write as _;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use git::{Auth, Limits, RemoteUrl, UrlPolicy, fetch, list_refs};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(folder)) = (arguments.next(), arguments.next()) else {
        anyhow::bail!("give a URL and a folder for the clone");
    };
    let url = RemoteUrl::parse(&url, UrlPolicy { allow_local: true })?;
    let (limits, never) = (Limits::default(), AtomicBool::new(false));
    let start = Instant::now();
    let listed = list_refs(&url, &Auth::None, &limits, &never)?;
    let list_time = start.elapsed();
    let start = Instant::now();
    let fetched = fetch(folder.as_ref(), &url, None, &Auth::None, &limits, &never, &mut |_| {})?;
    let line =
        format!("{} branches in {list_time:.1?}; {fetched:?} in {:.1?}\n", listed.branches.len(), start.elapsed());
    std::io::stdout().write_all(line.as_bytes())?;
    Ok(())
}
