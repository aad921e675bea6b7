//! Watched branches, from a push to a receiver that counts: looks, webhooks, decisions, deliveries.

mod access;
pub mod away;
mod branches;
mod closed;
mod forges;
mod patterns;
mod pushes;
mod receiver;
mod webhooks;
