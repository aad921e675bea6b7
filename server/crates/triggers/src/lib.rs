//! What a trigger asks of an event, and what its target is told.
//!
//! A [`CompiledCondition`] is held against what is known of an event and says in words why it matches or not. Where the answer
//! depends on what a commit changes or brings, [`Needs`] says so before anybody reads it; [`detect_tekton`] makes what is
//! known of `.tekton/` of its files. [`build_request`] makes of an event what each kind of target expects, to the byte,
//! and [`send`] carries it there: guarded, bounded, once. [`read_run`] reads what Tekton tells afterwards of what that began. What is
//! decided, kept and tried again is no business of this crate.

mod condition;
mod pattern;
mod re2;
mod run;
mod send;
mod target;
mod tekton;
mod text;

pub use condition::{ChangedPaths, CompiledCondition, ConditionError, EventFacts, Judgement, MAX_PATHS, Needs};
pub use pattern::BranchPattern;
pub use run::{MAX_RUN_BYTES, RunError, RunEvent, RunTold, read_run};
pub use send::{Client, SendEnd, Sent, knock, send};
pub use target::{
    CommitDescription, Outgoing, SecretUse, TargetError, TargetSecrets, Telling, ToldGone, build_request, check_secret,
    check_target, new_webhook_secret, secret_use, told_gone,
};
pub use tekton::{MAX_BYTES, MAX_FILE_BYTES, MAX_FILES, detect_tekton, is_tekton_file};
