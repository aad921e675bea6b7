//! Watched branches, from a push to a receiver that counts: looks, webhooks, decisions, deliveries.

mod branches;
mod forges;
mod pushes;
mod receiver;
mod webhooks;
