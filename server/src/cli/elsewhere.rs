//! Commands of RepoSentry that something else does here: who types them is told what.

use std::ffi::OsString;

use clap::Args;

/// How the program ends after such a command, so that no script takes it for done.
pub(super) const CODE: u8 = 2;

/// Whatever stands behind the command.
#[derive(Args)]
pub struct Rest {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _rest: Vec<OsString>,
}

/// A sentence that says where to turn to.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Elsewhere(&'static str);

pub(super) fn daemon() -> anyhow::Error {
    Elsewhere(
        "there is no daemon command: systemd keeps the program running, starts and stops it. Install deploy/kubestats.service, \
         then `systemctl enable --now kubestats`; `systemctl status kubestats` tells how it is. In a container, or under \
         another supervisor, start `kubestats run`.",
    )
    .into()
}

pub(super) fn log() -> anyhow::Error {
    Elsewhere(
        "there are no log files to count or rotate: the log goes to standard error, where journald keeps and rotates it. \
         `journalctl --unit kubestats --follow` shows it, `journalctl --disk-usage` tells its size.",
    )
    .into()
}
