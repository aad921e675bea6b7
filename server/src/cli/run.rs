use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ServeArgs, elsewhere, environment, serve};
use crate::config::load;

/// What `run` takes: RepoSentry's flags, and those of `serve`.
#[derive(Args)]
pub struct RunArgs {
    #[command(flatten)]
    serve: ServeArgs,
    /// What is logged, in place of app.log_level: error, warn, info, debug, or a filter of tracing
    #[arg(long, short, value_name = "LEVEL")]
    log_level: Option<String>,
    /// How it is logged, in place of app.log_format
    #[arg(long, value_enum)]
    log_format: Option<LogFormat>,
    /// Not written: the log goes to standard error, for journald
    #[arg(long, value_name = "FILE")]
    log_file: Option<PathBuf>,
    /// The port to listen on, in place of the one in app.listen
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    health_port: Option<u16>,
    /// Not done: systemd keeps the program in the background
    #[arg(long, short)]
    daemon: bool,
    /// Not written: systemd knows the process
    #[arg(long, value_name = "FILE")]
    pid_file: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    /// Text on a terminal, else JSON
    Auto,
    Text,
    Json,
}

impl LogFormat {
    fn word(self) -> String {
        let word = match self {
            Self::Auto => "auto",
            Self::Text => "text",
            Self::Json => "json",
        };
        word.to_owned()
    }
}

#[expect(clippy::print_stderr, reason = "said before logging begins")]
pub(super) fn run(file: Option<PathBuf>, args: RunArgs) -> anyhow::Result<()> {
    if args.daemon {
        return Err(elsewhere::daemon());
    }
    if let Some(path) = &args.log_file {
        eprintln!(
            "kubestats: --log-file {}: not written; the log goes to standard error, where journald keeps and rotates it",
            path.display()
        );
    }
    if let Some(path) = &args.pid_file {
        eprintln!("kubestats: --pid-file {}: not written; systemd knows the process", path.display());
    }
    // As variables they hold for what is read again as well.
    let mut environment = environment();
    let set = [
        ("KUBESTATS_APP_LOG_LEVEL", args.log_level),
        ("KUBESTATS_APP_LOG_FORMAT", args.log_format.map(LogFormat::word)),
    ];
    environment.extend(set.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    let mut serve_args = args.serve;
    if let Some(port) = args.health_port {
        let mut listen = match serve_args.listen {
            Some(listen) => listen,
            None => load(file.as_deref(), environment.clone())?.app.listen,
        };
        listen.set_port(port);
        serve_args.listen = Some(listen);
    }
    serve::run(file, environment, &serve_args)
}
