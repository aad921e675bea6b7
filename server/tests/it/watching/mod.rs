//! Watched branches, from a push to a receiver that counts: looks, webhooks, decisions, deliveries.

pub mod away;
mod branches;
mod forges;
mod patterns;
mod pushes;
mod receiver;
mod webhooks;
