use sea_orm::entity::prelude::*;

use crate::kind::LinkKind;
use crate::value::StoredTimestamp;

/// A link that works once, by the hash of what it holds.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "one_time_link")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_hash: Vec<u8>,
    pub kind: LinkKind,
    pub account_id: Option<Uuid>,
    /// The address that the account is to have, in lower case; none where the link is for something else.
    pub email: Option<String>,
    pub created_at: StoredTimestamp,
    pub expires_at: StoredTimestamp,
    #[sea_orm(belongs_to, from = "account_id", to = "id", on_delete = "Cascade")]
    pub account: BelongsTo<Option<super::account::Entity>>,
}

impl ActiveModelBehavior for ActiveModel {}
