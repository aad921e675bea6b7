use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::{environment, private_file};
use crate::bootstrap::render;
use crate::config::load;

/// What `bootstrap` does.
#[derive(Subcommand)]
pub enum BootstrapCommand {
    /// Write the manifests, for `kubectl apply --filename -` or a repository of Flux or Argo CD
    Render {
        /// Where the bootstrap pipeline runs [default: tekton.system_namespace of the configuration]
        #[arg(long)]
        namespace: Option<String>,
        /// Its name [default: tekton.bootstrap_pipeline of the configuration]
        #[arg(long)]
        pipeline: Option<String>,
        /// A file in place of standard output
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Overwrite the file if it exists
        #[arg(long)]
        force: bool,
    },
}

pub(super) fn run(file: Option<&Path>, command: BootstrapCommand) -> anyhow::Result<()> {
    let BootstrapCommand::Render { namespace, pipeline, output, force } = command;
    let (namespace, pipeline) = match (namespace, pipeline) {
        (Some(namespace), Some(pipeline)) => (namespace, pipeline),
        (namespace, pipeline) => {
            let tekton = load(file, environment())?.tekton;
            (namespace.unwrap_or(tekton.system_namespace), pipeline.unwrap_or(tekton.bootstrap_pipeline))
        }
    };
    let text = render(&namespace, &pipeline).map_err(anyhow::Error::msg)?;
    match output {
        Some(path) => private_file::write(&path, &text, force),
        None => Ok(std::io::stdout().write_all(text.as_bytes())?),
    }
}
