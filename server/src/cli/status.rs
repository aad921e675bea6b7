use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::TextFormat;
use super::ask::{Server, ServerArgs, shown};
use super::table::Table;

/// Between two looks of `--watch`.
const PAUSE: Duration = Duration::from_secs(5);

/// What `status` takes.
#[derive(Args)]
pub struct StatusArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[arg(long, value_enum, default_value_t = TextFormat::Text)]
    format: TextFormat,
    /// Look again every five seconds, until Ctrl-C
    #[arg(long, short)]
    watch: bool,
}

pub(super) fn run(file: Option<&Path>, args: &StatusArgs) -> anyhow::Result<()> {
    let server = Server::find(&args.server, file)?;
    if !args.watch {
        return look(&server, args.format);
    }
    let mut out = std::io::stdout();
    loop {
        if out.is_terminal() {
            // The screen is wiped, and the next look begins in its corner.
            write!(out, "\x1b[2J\x1b[H")?;
        }
        let looked = look(&server, args.format);
        if let Err(error) = looked {
            // Whoever reads went away.
            if error.is::<std::io::Error>() {
                return Err(error);
            }
            writeln!(out, "{error:#}")?;
        }
        out.flush()?;
        std::thread::sleep(PAUSE);
    }
}

/// One look; an error where the server is not well.
fn look(server: &Server, format: TextFormat) -> anyhow::Result<()> {
    let status = server.data(&["status"], &[])?;
    let mut out = std::io::stdout().lock();
    match format {
        TextFormat::Json => writeln!(out, "{status:#}")?,
        TextFormat::Text => tell(&mut out, server, &status)?,
    }
    let state = status["state"].as_str().unwrap_or("unknown");
    anyhow::ensure!(state == "running", "{} is in the state {}", server.place(), shown(state));
    Ok(())
}

fn tell(out: &mut impl std::io::Write, server: &Server, status: &Value) -> std::io::Result<()> {
    let text = |value: &Value| value.as_str().map(shown).unwrap_or_default();
    let uptime = Duration::from_nanos(status["uptime"].as_u64().unwrap_or_default());
    writeln!(
        out,
        "{}: {}, version {}, up for {}",
        server.place(),
        text(&status["state"]),
        text(&status["version"]),
        spoken(uptime)
    )?;
    let mut table = Table::new(&["component", "state", "health", "why"]);
    for (name, component) in status["components"].as_object().into_iter().flatten() {
        let health = &component["health"];
        table.row([name.clone(), text(&component["state"]), text(&health["status"]), text(&health["message"])]);
    }
    table.write(out, "Components", usize::MAX)
}

/// Days, hours and minutes; seconds of what just began.
fn spoken(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}
