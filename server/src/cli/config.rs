use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{TextFormat, environment, private_file, validate};
use crate::config::{DEFAULT_FILE, TEMPLATE, TEMPLATE_BASIC, TEMPLATE_MINIMAL, load, with_secrets};

/// What `config` does.
#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Write a commented configuration
    Init {
        #[arg(default_value = DEFAULT_FILE)]
        file: PathBuf,
        /// Overwrite the file if it exists
        #[arg(long)]
        force: bool,
        /// How much of it
        #[arg(long, value_enum, default_value_t = Template::Advanced)]
        template: Template,
    },
    /// Print the configuration in force, secrets masked
    Show {
        /// In place of --config
        file: Option<PathBuf>,
        #[arg(long, value_enum, default_value_t = ConfigFormat::Yaml)]
        format: ConfigFormat,
        /// Print tokens and passwords as well
        #[arg(long)]
        show_secrets: bool,
    },
    /// Check the configuration and say everything that is wrong with it
    Validate(ValidateArgs),
}

/// What `config validate` takes.
#[derive(Args)]
pub struct ValidateArgs {
    /// In place of --config
    pub(super) file: Option<PathBuf>,
    /// List the environment variables that it names, and whether they are set
    #[arg(long)]
    pub(super) check_env: bool,
    /// Ask the database, the forges, every repository's remote, every trigger's target and the mail server whether they answer
    #[arg(long)]
    pub(super) check_connections: bool,
    #[arg(long, value_enum, default_value_t = TextFormat::Text)]
    pub(super) format: TextFormat,
}

/// How much `config init` writes.
#[derive(Clone, Copy, ValueEnum)]
pub enum Template {
    /// One repository
    Minimal,
    /// What most people set
    Basic,
    /// Every key with its default
    Advanced,
}

impl Template {
    const fn text(self) -> &'static str {
        match self {
            Self::Minimal => TEMPLATE_MINIMAL,
            Self::Basic => TEMPLATE_BASIC,
            Self::Advanced => TEMPLATE,
        }
    }
}

/// How a configuration is written.
#[derive(Clone, Copy, ValueEnum)]
pub enum ConfigFormat {
    /// As it can be read again
    #[value(alias = "table")]
    Yaml,
    /// For programs
    Json,
}

#[expect(clippy::print_stdout, reason = "the answer of a command")]
pub(super) fn run(file: Option<PathBuf>, command: ConfigCommand) -> anyhow::Result<()> {
    match command {
        ConfigCommand::Init { file, force, template } => {
            private_file::write(&file, template.text(), force)?;
            println!("wrote {}", file.display());
        }
        ConfigCommand::Show { file: named, format, show_secrets } => {
            let config = load(named.or(file).as_deref(), environment())?;
            let written = || -> anyhow::Result<String> {
                Ok(match format {
                    ConfigFormat::Yaml => config.to_yaml()?,
                    ConfigFormat::Json => serde_json::to_string_pretty(&config)? + "\n",
                })
            };
            let text = if show_secrets { with_secrets(written) } else { written() };
            print!("{}", text?);
        }
        ConfigCommand::Validate(args) => {
            let file = args.file.clone().or(file);
            validate::run(file, &args)?;
        }
    }
    Ok(())
}
