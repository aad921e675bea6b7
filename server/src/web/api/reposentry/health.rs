//! How the program is, in the fields that RepoSentry has for it.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::program::components;
use crate::web::health::{Condition, DetailedHealth};

/// How well a component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ComponentStatus {
    pub status: Condition,
}

/// Something that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HealthCheck {
    pub name: &'static str,
    pub status: Condition,
    /// How long that took, in nanoseconds.
    pub duration: i64,
}

/// The program, by component and by what was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HealthSummary {
    /// Whether each component does its work, if perhaps late.
    pub healthy: bool,
    /// By name.
    pub components: BTreeMap<String, ComponentStatus>,
    /// Each by itself.
    pub checks: Vec<HealthCheck>,
}

impl From<&DetailedHealth> for HealthSummary {
    fn from(health: &DetailedHealth) -> Self {
        let components: BTreeMap<_, _> = components(health)
            .map(|(name, health)| (name.to_owned(), ComponentStatus { status: health.status }))
            .collect();
        let checks = health.parts.iter().map(|part| HealthCheck {
            name: part.name,
            status: part.status,
            duration: (part.took_ms * 1e6).round() as i64,
        });
        Self {
            healthy: components.values().all(|component| component.status != Condition::Unhealthy),
            components,
            checks: checks.collect(),
        }
    }
}
