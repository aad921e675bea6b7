use sea_orm::entity::prelude::*;

use crate::value::StoredTimestamp;

/// Somebody who may sign in.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// In lower case.
    #[sea_orm(unique)]
    pub email: String,
    pub full_name: Option<String>,
    /// The name of a role of the program, or of one that somebody made.
    pub role: String,
    pub is_active: bool,
    /// Of Argon2, with its parameters; none where the account signs in elsewhere, or has not been taken yet.
    pub password_hash: Option<String>,
    pub password_changed_at: Option<StoredTimestamp>,
    /// Sealed.
    pub totp_secret: Option<Vec<u8>>,
    /// Since when it is asked for; none while it is only being set up.
    pub totp_since: Option<StoredTimestamp>,
    /// The last step whose code was used.
    pub totp_step: Option<i64>,
    /// Wrong codes in a row, at whatever door.
    pub wrong_codes: i32,
    /// A code counts where the password was right after that.
    pub codes_after: Option<StoredTimestamp>,
    pub created_at: StoredTimestamp,
    pub last_sign_in_at: Option<StoredTimestamp>,
}

impl ActiveModelBehavior for ActiveModel {}
