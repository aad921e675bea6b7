//! Histories replayed: what becomes of resources, and that neither cuts nor restarts change the outcome.

mod namespaces;
mod scenarios;
mod support;
mod undisturbed;
