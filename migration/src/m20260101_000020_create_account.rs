use sea_orm_migration::prelude::*;

use super::statements;

/// People, the devices and programs that they let in, and what was done by whom.
#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    // A role that somebody made here; those of the program are in its code.
    "CREATE TABLE role (
        name TEXT PRIMARY KEY,
        permissions TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL
    )",
    // The e-mail address is kept in lower case, which is how it is looked for. `totp_secret` is sealed; `totp_step` is the
    // last step whose code was used, so that none is used twice.
    "CREATE TABLE account (
        id UUID PRIMARY KEY,
        email TEXT NOT NULL UNIQUE,
        full_name TEXT,
        role TEXT NOT NULL,
        is_active BOOLEAN NOT NULL,
        password_hash TEXT,
        password_changed_at TIMESTAMPTZ,
        totp_secret BYTEA,
        totp_since TIMESTAMPTZ,
        totp_step BIGINT,
        created_at TIMESTAMPTZ NOT NULL,
        last_sign_in_at TIMESTAMPTZ
    )",
    // Who an account is elsewhere: a subject of an issuer belongs to one account, whatever its e-mail address says.
    "CREATE TABLE account_identity (
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        account_id UUID NOT NULL REFERENCES account (id) ON DELETE CASCADE,
        email TEXT,
        linked_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (issuer, subject)
    )",
    "CREATE INDEX account_identity_by_account ON account_identity (account_id)",
    "CREATE TABLE recovery_code (
        account_id UUID NOT NULL REFERENCES account (id) ON DELETE CASCADE,
        code_hash BYTEA NOT NULL,
        PRIMARY KEY (account_id, code_hash)
    )",
    // A session is found by the hash of what its cookie holds, a program's refreshed by the hash of its refresh token: what
    // is stored lets nobody in. `id` names it to people.
    "CREATE TABLE session (
        id UUID PRIMARY KEY,
        token_hash BYTEA NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        account_id UUID REFERENCES account (id) ON DELETE CASCADE,
        data TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        seen_at TIMESTAMPTZ NOT NULL,
        expires_at TIMESTAMPTZ NOT NULL,
        address TEXT,
        user_agent TEXT
    )",
    "CREATE INDEX session_by_account ON session (account_id)",
    "CREATE INDEX session_by_end ON session (expires_at)",
    "CREATE TABLE api_token (
        id UUID PRIMARY KEY,
        token_hash BYTEA NOT NULL UNIQUE,
        account_id UUID NOT NULL REFERENCES account (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        scopes TEXT NOT NULL,
        repositories TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        expires_at TIMESTAMPTZ,
        used_at TIMESTAMPTZ,
        used_from TEXT
    )",
    "CREATE INDEX api_token_by_account ON api_token (account_id)",
    // Links that work once: the first start's, invitations, new passwords.
    "CREATE TABLE one_time_link (
        token_hash BYTEA PRIMARY KEY,
        kind TEXT NOT NULL,
        account_id UUID REFERENCES account (id) ON DELETE CASCADE,
        created_at TIMESTAMPTZ NOT NULL,
        expires_at TIMESTAMPTZ NOT NULL
    )",
    "CREATE INDEX one_time_link_by_account ON one_time_link (account_id)",
    // What was done stays told when the account is gone, so that nothing here refers to it.
    "CREATE TABLE audit_entry (
        id UUID PRIMARY KEY,
        at TIMESTAMPTZ NOT NULL,
        action TEXT NOT NULL,
        account_id UUID,
        who TEXT NOT NULL,
        via TEXT NOT NULL,
        via_id UUID,
        object_kind TEXT NOT NULL,
        object_id TEXT,
        object_name TEXT NOT NULL,
        before TEXT,
        after TEXT,
        address TEXT,
        request_id TEXT
    )",
    "CREATE INDEX audit_entry_by_time ON audit_entry (at, id)",
    "CREATE INDEX audit_entry_by_account ON audit_entry (account_id, at, id)",
    "CREATE INDEX audit_entry_by_action ON audit_entry (action, at, id)",
    // Secrets that people enter, sealed; what one is for is its name.
    "CREATE TABLE sealed_secret (
        name TEXT PRIMARY KEY,
        sealed BYTEA NOT NULL,
        changed_at TIMESTAMPTZ NOT NULL
    )",
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
            "sealed_secret", "audit_entry", "one_time_link", "api_token", "session", "recovery_code",
            "account_identity", "account", "role",
        ];
        statements::drop_tables(manager, &tables).await
    }
}
