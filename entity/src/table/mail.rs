use sea_orm::entity::prelude::*;

use crate::kind::MailKind;
use crate::value::StoredTimestamp;

/// A mail that is to be sent, was, or could not be.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "mail")]
pub struct Model {
    /// Its name for mail servers too, so that what is sent twice is known to be one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub kind: MailKind,
    /// None for what was asked for with an address that may be nobody's.
    pub account_id: Option<Uuid>,
    pub recipient: String,
    /// What it says, sealed: it may hold a link that opens an account. Gone once the mail is.
    pub sealed: Option<Vec<u8>>,
    pub created_at: StoredTimestamp,
    pub attempts: i32,
    /// None once nothing more is tried.
    pub next_try_at: Option<StoredTimestamp>,
    pub ended_at: Option<StoredTimestamp>,
    /// Why the last try failed; none where it was sent.
    pub error: Option<String>,
    #[sea_orm(belongs_to, from = "account_id", to = "id", on_delete = "Cascade")]
    pub account: BelongsTo<Option<super::account::Entity>>,
}

impl ActiveModelBehavior for ActiveModel {}
