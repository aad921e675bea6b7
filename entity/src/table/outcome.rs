use sea_orm::entity::prelude::*;

use crate::value::{JsonText, StoredTimestamp};
use crate::view::OutcomeOf;

/// What came of what somebody asked for on a page, until they have read it.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outcome")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub made_at: StoredTimestamp,
    pub body: JsonText<OutcomeOf>,
}

impl ActiveModelBehavior for ActiveModel {}
