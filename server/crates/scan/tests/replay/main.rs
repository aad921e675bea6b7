//! Histories replayed: what becomes of resources, and that neither cuts nor restarts change the outcome.

mod memory;
mod namespaces;
mod scenarios;
mod sources;
mod support;
mod undisturbed;
