//! Watched branches: what looks and webhooks say becomes events, events become deliveries, deliveries are told.
//!
//! A sync's look, by Git or by the forge's [`api`], and a webhook write events ([`look`], [`hooks`]); [`decide`] holds triggers
//! against them, and [`follow`](mod@follow) does so with what [`reader`] reads of their commits, or the forge's API tells
//! ([`api_reader`]); [`teller`] tells targets, and [`runs`] takes what these tell of the runs that they began. How remotes are
//! asked is told by [`polling`].

mod api;
mod api_reader;
mod decide;
mod follow;
mod hooks;
mod look;
mod polling;
mod reader;
mod runs;
mod secrets;
mod teller;

pub use api::{ask_daily, look_by_api};
pub use decide::decide_known;
pub use follow::follow;
pub use hooks::{HookAnswer, Hooks};
pub use look::{hurry, note, watched_names};
pub use polling::{Polled, Polling};
pub use reader::CloneReader;
pub use runs::{RunAnswer, Runs};
pub use secrets::{SecretError, Secrets};
pub use teller::Teller;
