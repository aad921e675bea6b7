//! Who a session or token is of, and what they may do: read with it, in the same statement.

use sea_orm::sea_query::{Expr, ExprTrait as _, JoinType};
use sea_orm::{DerivePartialModel, Select};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use entity::kind::{Permission, Permissions, Role};
use entity::table::{account, role};
use entity::value::JsonText;

/// Who lets somebody in: an active account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub id: Uuid,
    pub email: String,
    pub full_name: Option<String>,
    pub role: String,
    pub permissions: Permissions,
}

#[derive(DerivePartialModel)]
#[sea_orm(entity = "account::Entity", from_query_result)]
pub(super) struct HolderRow {
    id: Uuid,
    email: String,
    full_name: Option<String>,
    role: String,
    is_active: bool,
    #[sea_orm(from_expr = "Expr::col((role::Entity, role::Column::Permissions))")]
    role_permissions: Option<JsonText<Vec<Permission>>>,
}

impl HolderRow {
    /// Nobody, where the account is switched off.
    pub(super) fn holder(self) -> Option<Holder> {
        let made = || self.role_permissions.map(|made| made.0.into_iter().collect()).unwrap_or_default();
        let permissions = self.role.parse::<Role>().map_or_else(|_| made(), Role::permissions);
        self.is_active.then_some(Holder {
            id: self.id,
            email: self.email,
            full_name: self.full_name,
            role: self.role,
            permissions,
        })
    }
}

/// With the role that the account has, where somebody made it.
pub(super) fn joined<E: sea_orm::EntityTrait>(select: Select<E>) -> Select<E> {
    let same = Expr::col((role::Entity, role::Column::Name)).equals((account::Entity, account::Column::Role));
    let mut select = select;
    sea_orm::QueryTrait::query(&mut select).join(JoinType::LeftJoin, role::Entity, same);
    select
}
