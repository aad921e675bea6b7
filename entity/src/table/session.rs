use sea_orm::entity::prelude::*;

use crate::kind::SessionKind;
use crate::value::StoredTimestamp;

/// A browser or a program that somebody let in, or is about to.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    /// Names it to people; it opens nothing.
    pub id: Uuid,
    /// Of the cookie's value, or of the refresh token.
    #[sea_orm(unique)]
    pub token_hash: Vec<u8>,
    pub kind: SessionKind,
    /// Nobody's while somebody is on their way in.
    pub account_id: Option<Uuid>,
    /// JSON that the session's library reads.
    pub data: String,
    pub created_at: StoredTimestamp,
    pub seen_at: StoredTimestamp,
    pub expires_at: StoredTimestamp,
    pub address: Option<String>,
    pub user_agent: Option<String>,
    /// Of what all refresh tokens of the session have in common; none for browsers.
    pub family_hash: Option<Vec<u8>>,
    /// When something was changed with it last, where there are replicas.
    pub changed_at: Option<StoredTimestamp>,
    #[sea_orm(belongs_to, from = "account_id", to = "id", on_delete = "Cascade")]
    pub account: BelongsTo<Option<super::account::Entity>>,
}

impl ActiveModelBehavior for ActiveModel {}
