use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{ServeArgs, configured, elsewhere, serve};

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
    const fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Text => "text",
            Self::Json => "json",
        }
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
    let source = file.clone();
    configured(file, |mut config| {
        if let Some(level) = args.log_level {
            config.app.log_level = level;
        }
        if let Some(format) = args.log_format {
            config.app.log_format = format.word();
        }
        let ServeArgs { role, listen } = args.serve;
        let at_port = |port| {
            let mut address = listen.unwrap_or(config.app.listen);
            address.set_port(port);
            address
        };
        let listen = args.health_port.map(at_port).or(listen);
        serve::run(config, source, role, listen)
    })
}
