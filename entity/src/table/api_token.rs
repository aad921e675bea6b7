use sea_orm::entity::prelude::*;

use crate::kind::Permission;
use crate::value::{JsonText, StoredTimestamp};

/// A program's key to what an account may do, or to less.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_token")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    #[sea_orm(unique)]
    pub token_hash: Vec<u8>,
    pub account_id: Uuid,
    pub name: String,
    pub scopes: JsonText<Vec<Permission>>,
    /// Patterns of full names; for all where there is none.
    pub repositories: JsonText<Vec<String>>,
    pub created_at: StoredTimestamp,
    pub expires_at: Option<StoredTimestamp>,
    pub used_at: Option<StoredTimestamp>,
    pub used_from: Option<String>,
    /// When something was changed with it last, where there are replicas.
    pub changed_at: Option<StoredTimestamp>,
    /// When its account was told that it ends soon.
    pub expiry_told_at: Option<StoredTimestamp>,
    #[sea_orm(belongs_to, from = "account_id", to = "id", on_delete = "Cascade")]
    pub account: BelongsTo<super::account::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
