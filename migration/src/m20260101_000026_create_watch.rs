use sea_orm_migration::prelude::*;

use super::statements;

/// Branches that are watched, what happened to them, and who is told.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    // Which branches of a repository are watched, and how far the last look at them got. `version` grows with every change
    // that is noted: a look that began before a change can't overrule it. `refs_hash` tells a look that found nothing new by
    // one row.
    "CREATE TABLE watch (
        repository_id UUID PRIMARY KEY REFERENCES repository (id) ON DELETE CASCADE,
        is_enabled BOOLEAN NOT NULL,
        branch_regex TEXT,
        tells_first_look BOOLEAN NOT NULL,
        version BIGINT NOT NULL,
        refs_hash BYTEA,
        first_look_at TIMESTAMPTZ
    )",
    "CREATE TABLE branch (
        id UUID PRIMARY KEY,
        repository_id UUID NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        head BYTEA NOT NULL,
        is_watched BOOLEAN NOT NULL,
        is_protected BOOLEAN,
        version BIGINT NOT NULL,
        first_seen_at TIMESTAMPTZ NOT NULL,
        changed_at TIMESTAMPTZ NOT NULL,
        last_seen_at TIMESTAMPTZ NOT NULL,
        deleted_at TIMESTAMPTZ
    )",
    "CREATE UNIQUE INDEX branch_by_name ON branch (repository_id, name)",
    "CREATE INDEX branch_by_change ON branch (changed_at, id)",
    "CREATE INDEX branch_of_repository_by_change ON branch (repository_id, changed_at, id)",
    // What happened to a branch. Until it is decided who is to be told, `due_at` says when that is tried (next).
    "CREATE TABLE branch_event (
        id UUID PRIMARY KEY,
        repository_id UUID NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
        branch_id UUID NOT NULL REFERENCES branch (id) ON DELETE CASCADE,
        sequence BIGINT NOT NULL,
        kind TEXT NOT NULL,
        old_commit BYTEA,
        new_commit BYTEA,
        is_forced BOOLEAN,
        noticed_by TEXT NOT NULL,
        noticed_at TIMESTAMPTZ NOT NULL,
        state TEXT NOT NULL,
        verdicts TEXT NOT NULL,
        tries INTEGER NOT NULL,
        due_at TIMESTAMPTZ,
        processed_at TIMESTAMPTZ,
        error TEXT
    )",
    "CREATE INDEX branch_event_of_repository ON branch_event (repository_id, id)",
    "CREATE UNIQUE INDEX branch_event_of_branch ON branch_event (branch_id, sequence, kind)",
    "CREATE INDEX branch_event_by_kind ON branch_event (kind, id)",
    "CREATE INDEX branch_event_by_state ON branch_event (state, id)",
    "CREATE INDEX branch_event_due ON branch_event (due_at, id) WHERE due_at IS NOT NULL",
    "CREATE INDEX branch_event_undecided ON branch_event (branch_id, sequence) WHERE due_at IS NOT NULL",
    // Secrets of a trigger are in sealed_secret.
    "CREATE TABLE \"trigger\" (
        id UUID PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        is_enabled BOOLEAN NOT NULL,
        is_configured BOOLEAN NOT NULL,
        condition TEXT NOT NULL,
        target_kind TEXT NOT NULL,
        target TEXT NOT NULL,
        pace TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        changed_at TIMESTAMPTZ NOT NULL,
        disabled_reason TEXT,
        failures_in_row BIGINT NOT NULL,
        last_delivery_at TIMESTAMPTZ,
        last_error TEXT
    )",
    // What came of a trigger's deliveries on a day, so that figures over time need no counting.
    "CREATE TABLE trigger_day (
        trigger_id UUID NOT NULL REFERENCES \"trigger\" (id) ON DELETE CASCADE,
        day TEXT NOT NULL,
        delivered BIGINT NOT NULL,
        failed BIGINT NOT NULL,
        attempts BIGINT NOT NULL,
        failed_attempts BIGINT NOT NULL,
        PRIMARY KEY (trigger_id, day)
    )",
    // What one trigger's target is told of one event. Those of one trigger and branch go out in the order of `sequence`: all
    // but the first unfinished one are behind it.
    "CREATE TABLE delivery (
        id UUID PRIMARY KEY,
        trigger_id UUID NOT NULL REFERENCES \"trigger\" (id) ON DELETE CASCADE,
        event_id UUID NOT NULL REFERENCES branch_event (id) ON DELETE CASCADE,
        repository_id UUID NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
        branch_id UUID NOT NULL REFERENCES branch (id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        commit_hash BYTEA NOT NULL,
        sequence BIGINT NOT NULL,
        state TEXT NOT NULL,
        tries INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        next_try_at TIMESTAMPTZ,
        worker TEXT,
        lease_until TIMESTAMPTZ,
        created_at TIMESTAMPTZ NOT NULL,
        finished_at TIMESTAMPTZ,
        status INTEGER,
        error TEXT,
        answer_id TEXT
    )",
    "CREATE UNIQUE INDEX delivery_by_key ON delivery (trigger_id, branch_id, commit_hash, kind)",
    "CREATE INDEX delivery_of_event ON delivery (event_id)",
    "CREATE INDEX delivery_of_trigger ON delivery (trigger_id, id)",
    "CREATE INDEX delivery_of_repository ON delivery (repository_id, id)",
    "CREATE INDEX delivery_of_branch ON delivery (branch_id, id)",
    "CREATE INDEX delivery_by_state ON delivery (state, id)",
    "CREATE INDEX delivery_of_trigger_by_state ON delivery (trigger_id, state, id)",
    "CREATE INDEX delivery_due ON delivery (trigger_id, next_try_at, id) WHERE state IN ('pending', 'retrying')",
    "CREATE INDEX delivery_unfinished ON delivery (trigger_id, branch_id, sequence)
        WHERE state IN ('behind', 'pending', 'retrying', 'sending')",
    "CREATE INDEX delivery_sending ON delivery (trigger_id, lease_until) WHERE state = 'sending'",
    "CREATE TABLE delivery_attempt (
        delivery_id UUID NOT NULL REFERENCES delivery (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        started_at TIMESTAMPTZ NOT NULL,
        duration_ms BIGINT NOT NULL,
        request TEXT,
        status INTEGER,
        answer TEXT,
        error TEXT,
        next_try_at TIMESTAMPTZ,
        PRIMARY KEY (delivery_id, number)
    )",
    // A webhook that came in, by what its forge calls it: the same one again changes nothing.
    "CREATE TABLE webhook_receipt (
        repository_id UUID NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
        delivery_id TEXT NOT NULL,
        received_at TIMESTAMPTZ NOT NULL,
        event TEXT NOT NULL,
        result TEXT NOT NULL,
        PRIMARY KEY (repository_id, delivery_id)
    )",
    "CREATE INDEX webhook_receipt_by_time ON webhook_receipt (received_at)",
    "CREATE INDEX webhook_receipt_of_repository ON webhook_receipt (repository_id, received_at)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// A step and the note that it was taken are stored together, so that a killed start leaves none half.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        statements::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            "webhook_receipt",
            "delivery_attempt",
            "delivery",
            "trigger_day",
            "\"trigger\"",
            "branch_event",
            "branch",
            "watch",
        ];
        statements::drop_tables(manager, &tables).await
    }
}
