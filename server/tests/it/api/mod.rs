//! REST by word: what is answered, what is refused, what is missing.

mod accounts;
mod actions;
mod charts;
mod commits;
mod contract;
mod discovery;
mod doors;
mod ecosystem;
mod elsewhere;
mod events;
mod health;
mod hosts;
mod http;
mod jobs;
mod metrics;
mod openapi;
mod pages;
mod permissions;
mod rate_limits;
mod repositories;
mod resources;
mod review;
mod stream;
mod tasks;
mod versions;
mod work;
