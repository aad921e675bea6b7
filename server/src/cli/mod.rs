//! The command line: what each command takes, and nothing of how it does it.

mod account;
mod ask;
mod backup;
mod bootstrap;
mod config;
mod database;
mod doctor;
mod elsewhere;
mod history;
mod import;
mod migrate;
mod private_file;
mod progress;
mod repo;
mod run;
mod scan;
mod serve;
mod setup;
mod source;
mod status;
mod table;
mod test_webhook;
mod uses;
mod validate;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::config::{Config, Environment};

/// Self-hosted GitOps observatory: what Git says runs on Kubernetes, and how that changes.
#[derive(Parser)]
#[command(name = "kubestats", version, about, arg_required_else_help = true, propagate_version = true)]
pub struct Cli {
    /// Configuration file [default: kubestats.yaml, where that exists]
    #[arg(long, short, global = true, env = "KUBESTATS_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the pages and the REST API, and do the work behind them
    Serve(ServeArgs),
    /// The same, with the flags that RepoSentry has for it
    Run(run::RunArgs),
    /// RepoSentry's way into the background; says what is there in its place
    Daemon(elsewhere::Rest),
    /// Ask a running server how it is; fails where it is not well
    Status(status::StatusArgs),
    /// Ask a running server which repositories it watches
    #[command(subcommand)]
    Repo(repo::RepoCommand),
    /// Send a Tekton EventListener what a trigger would
    TestWebhook(test_webhook::TestWebhookArgs),
    /// Make a configuration by a few questions
    Setup(setup::SetupArgs),
    /// Convert a configuration of RepoSentry, and say line by line what changes
    ImportReposentry(import::ImportArgs),
    /// What a cluster needs to run the pipelines of repositories that are watched
    #[command(subcommand)]
    Bootstrap(bootstrap::BootstrapCommand),
    /// RepoSentry's look at its log files; says where the log is
    Log(elsewhere::Rest),
    /// Count what repositories hold at one commit; no database, no server
    Scan(ScanArgs),
    /// Replay a repository's whole history; no database, no server
    History(HistoryArgs),
    /// Tell what a repository uses at one commit: charts, values, images, references; no database, no server
    Uses(UsesArgs),
    /// Write, show or check the configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Change the database's schema
    #[command(subcommand)]
    Migrate(MigrateCommand),
    /// Make, list, disable accounts; let in who forgot the password
    #[command(subcommand)]
    User(UserCommand),
    /// Make, list and revoke tokens of accounts
    #[command(subcommand)]
    Token(TokenCommand),
    /// Look at everything that may be wrong and say what to do about it; fails where something is
    Doctor(DoctorArgs),
    /// Copy the database into a file, while a server works on it too; clones are not in it
    Backup {
        /// A file that is not there yet, or a folder [default: kubestats-<time>.db or .dump, here]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Put a backup in the place of the database, once no server works on it
    Restore {
        /// What `backup` wrote
        file: PathBuf,
        /// Replace what is in the database, which is kept under a name that ends in .before-restore
        #[arg(long)]
        yes: bool,
    },
    /// Print the version
    Version {
        #[arg(long, short = 'o', alias = "output", value_enum, default_value_t = TextFormat::Text)]
        format: TextFormat,
    },
    /// Print a completion script for a shell
    Completions { shell: clap_complete::Shell },
}

/// How results are written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// For programs
    Json,
}

/// How results are written that are no table.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TextFormat {
    /// For people
    #[value(alias = "table")]
    Text,
    /// For programs
    Json,
}

/// What `serve` takes.
#[derive(Args)]
pub struct ServeArgs {
    /// Which half to play, where several processes share a PostgreSQL database
    #[arg(long, value_enum, default_value_t, env = "KUBESTATS_ROLE")]
    role: crate::start::Role,
    /// Where to listen, in place of app.listen; with it a worker tells its health there, which it does nowhere else
    #[arg(long, env = "KUBESTATS_LISTEN", value_name = "ADDRESS")]
    listen: Option<std::net::SocketAddr>,
}

/// What `scan` takes.
#[derive(Args)]
pub struct ScanArgs {
    /// Local repositories (bare or not) or their URLs
    #[arg(value_name = "PATH_OR_URL", required = true)]
    sources: Vec<String>,
    /// A branch, tag or commit
    #[arg(long, default_value = "HEAD")]
    rev: String,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Threads that read and parse; 0 means one per core
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

/// What `history` takes.
#[derive(Args)]
pub struct HistoryArgs {
    /// A local repository (bare or not) or the URL of one
    #[arg(value_name = "PATH_OR_URL")]
    source: String,
    /// A branch, tag or commit to replay up to
    #[arg(long, default_value = "HEAD")]
    rev: String,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Print one line of JSON for each event
    #[arg(long)]
    events: bool,
    /// Store everything in a database as the server does, such as sqlite:history.db
    #[arg(long, value_name = "URL", conflicts_with = "events")]
    database: Option<String>,
    /// Threads that read and parse; 0 means one per core
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

/// What `uses` takes.
#[derive(Args)]
pub struct UsesArgs {
    /// A local repository (bare or not) or the URL of one
    #[arg(value_name = "PATH_OR_URL")]
    source: String,
    /// A branch, tag or commit
    #[arg(long, default_value = "HEAD")]
    rev: String,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// A JSON file of sources that hold the same charts, put over the built-in one
    #[arg(long, value_name = "FILE")]
    chart_sources: Option<PathBuf>,
    /// Threads that read and parse; 0 means one per core
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

/// What `doctor` takes.
#[derive(Args)]
pub struct DoctorArgs {
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Ask no forge
    #[arg(long)]
    offline: bool,
    /// The folder that backups are kept in; where they are as a rule where none is given
    #[arg(long, value_name = "DIR")]
    backups: Option<PathBuf>,
}

#[derive(Subcommand)]
enum UserCommand {
    /// Make an account; prints a link where its person chooses a password
    Add {
        email: String,
        /// What they are called
        #[arg(long)]
        name: Option<String>,
        /// viewer, user, developer, admin, or a role that was made here
        #[arg(long, default_value = "user")]
        role: String,
        /// Read the password from standard input in place of a link
        #[arg(long)]
        password_stdin: bool,
    },
    /// Print a link where somebody chooses a new password
    Reset {
        email: String,
        /// Read the new password from standard input in place of a link
        #[arg(long)]
        password_stdin: bool,
        /// Ask for no code any more, of who lost the device; the password stays
        #[arg(long, conflicts_with = "password_stdin")]
        second_factor: bool,
    },
    /// List accounts
    List,
    /// Let an account in no longer, and end its sessions
    Disable { email: String },
    /// Let an account in again
    Enable { email: String },
}

#[derive(Subcommand)]
enum TokenCommand {
    /// Make a token of an account and print it
    Create {
        email: String,
        /// What it is for
        #[arg(long)]
        name: String,
        /// What it may do, of what the account may do
        #[arg(long, default_value = "read")]
        scope: Vec<entity::kind::Permission>,
        /// A pattern of repositories that it may change, such as owner/*; all where none is given
        #[arg(long)]
        repository: Vec<String>,
        /// Days until it works no more; 0 for ever
        #[arg(long, default_value_t = 90)]
        days: u16,
    },
    /// List an account's tokens
    List { email: String },
    /// Make a token stop working
    Revoke {
        email: String,
        /// As `token list` tells it
        #[arg(value_parser = token_id)]
        id: uuid::Uuid,
    },
}

fn token_id(text: &str) -> Result<uuid::Uuid, String> {
    text.parse().map_err(|_| "this is no id of a token; kubestats token list shows them".to_owned())
}

#[derive(Subcommand)]
enum MigrateCommand {
    /// Bring the schema up to date
    Up,
    /// Take back the newest migrations
    Down {
        /// How many
        #[arg(long, default_value_t = 1)]
        steps: u32,
    },
    /// List migrations and whether each is applied
    Status,
}

/// Runs the command line that the process was started with.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Scan(args) => scan::run(&args),
        Command::History(args) => history::run(&args),
        Command::Uses(args) => uses::run(&args),
        Command::Serve(args) => serve::run(cli.config, environment(), &args),
        Command::Run(args) => run::run(cli.config, args),
        Command::Daemon(_) => Err(elsewhere::daemon()),
        Command::Log(_) => Err(elsewhere::log()),
        Command::Status(args) => status::run(cli.config.as_deref(), &args),
        Command::Repo(command) => repo::run(cli.config.as_deref(), &command),
        Command::TestWebhook(args) => test_webhook::run(cli.config.as_deref(), &args),
        Command::Setup(args) => setup::run(&args),
        Command::ImportReposentry(args) => import::run(&args),
        Command::Bootstrap(command) => bootstrap::run(cli.config.as_deref(), command),
        Command::Migrate(command) => configured(cli.config, |config| migrate::run(config, &command)),
        Command::Config(command) => config::run(cli.config, command),
        Command::User(command) => configured(cli.config, |config| account::run_user(config, &command)),
        Command::Token(command) => configured(cli.config, |config| account::run_token(config, &command)),
        Command::Doctor(args) => doctor::run(cli.config.as_deref(), &args),
        Command::Backup { output } => configured(cli.config, |config| backup::run(&config, output.as_deref())),
        Command::Restore { file, yes } => configured(cli.config, |config| backup::restore(&config, &file, yes)),
        Command::Version { format } => {
            version(format);
            Ok(())
        }
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "kubestats", &mut std::io::stdout());
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn configured(file: Option<PathBuf>, run: impl FnOnce(Config) -> anyhow::Result<()>) -> anyhow::Result<()> {
    run(crate::config::load(file.as_deref(), environment())?)
}

fn environment() -> Environment {
    // Variables that are not text cannot be meant for us.
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

#[expect(clippy::print_stdout, reason = "the answer of a command")]
fn version(format: TextFormat) {
    use crate::build_info::{BUILD_TIME, GIT_COMMIT, VERSION};
    match format {
        TextFormat::Text => println!("kubestats {VERSION} (commit {GIT_COMMIT}, {BUILD_TIME})"),
        TextFormat::Json => {
            let told = serde_json::json!({ "version": VERSION, "build_time": BUILD_TIME, "git_commit": GIT_COMMIT });
            println!("{told}");
        }
    }
}

#[expect(clippy::print_stderr, reason = "the last word of a failed command")]
fn fail(error: &anyhow::Error) -> ExitCode {
    // A closed pipe (`| head`) is the reader's choice, not a failure to report.
    let closed = |cause: &(dyn std::error::Error + 'static)| {
        let io = || cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        // Its chain does not lead to the error that it wraps.
        let json = || cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        io().or_else(json) == Some(std::io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(closed) {
        return ExitCode::SUCCESS;
    }
    eprintln!("kubestats: {error:#}");
    if error.is::<elsewhere::Elsewhere>() { ExitCode::from(elsewhere::CODE) } else { ExitCode::FAILURE }
}
