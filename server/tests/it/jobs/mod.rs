//! Sync and scan over real repositories, as the runner calls them.

mod beside;
mod clocks;
mod cuts;
mod database;
mod discover;
mod disk;
mod faults;
mod hostile;
mod killed;
mod moved;
pub mod processes;
mod regrouped;
pub mod repository;
mod roles;
mod secrets;
mod sharing;
mod told;
mod uses;
mod variables;
mod world;
