use std::collections::HashMap;

use sea_orm::{EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set};

use crate::db::select::count_all;
use crate::db::{ConnectionTrait, Result};
use entity::kind::{Permission, Permissions, Role};
use entity::table::{account, role};
use entity::value::JsonText;
use entity::view::{RoleDetail, Timestamp};

/// Roles that somebody made here, by name.
pub(super) struct Roles(HashMap<String, Permissions>);

impl Roles {
    /// What a role may do; one that is there no more may do nothing.
    pub(super) fn permissions(&self, name: &str) -> Permissions {
        match name.parse::<Role>() {
            Ok(role) => role.permissions(),
            Err(_) => self.0.get(name).copied().unwrap_or_default(),
        }
    }
}

pub(super) async fn roles_by_name(c: &impl ConnectionTrait) -> Result<Roles> {
    let rows = role::Entity::find().all(c).await?;
    Ok(Roles(rows.into_iter().map(|row| (row.name, row.permissions.0.into_iter().collect())).collect()))
}

/// What a role may do: of the program's roles known without a look at the database.
pub async fn permissions_of(c: &impl ConnectionTrait, name: &str) -> Result<Permissions> {
    if let Ok(role) = name.parse::<Role>() {
        return Ok(role.permissions());
    }
    let found = role::Entity::find_by_id(name).one(c).await?;
    Ok(found.map(|row| row.permissions.0.into_iter().collect()).unwrap_or_default())
}

/// The program's roles and those that somebody made, with how many accounts have each.
pub async fn list_roles(c: &impl ConnectionTrait) -> Result<Vec<RoleDetail>> {
    let counts = account::Entity::find().select_only().column(account::Column::Role).column_as(count_all(), "accounts");
    let counts: Vec<(String, i64)> = counts.group_by(account::Column::Role).into_tuple().all(c).await?;
    let counts: HashMap<String, i64> = counts.into_iter().collect();
    let accounts = |name: &str| counts.get(name).copied().unwrap_or(0);
    let built_in = Role::ALL.iter().map(|role| RoleDetail {
        name: role.as_str().to_owned(),
        permissions: role.permissions().iter().collect(),
        is_built_in: true,
        accounts: accounts(role.as_str()),
    });
    let made = role::Entity::find().order_by_asc(role::Column::Name).all(c).await?;
    let made = made.into_iter().map(|row| RoleDetail {
        accounts: accounts(&row.name),
        name: row.name,
        permissions: row.permissions.0,
        is_built_in: false,
    });
    Ok(built_in.chain(made).collect())
}

/// Adds a role. A name that is taken fails as the database says.
pub async fn add_role(w: &impl ConnectionTrait, name: &str, permissions: &[Permission], now: Timestamp) -> Result<()> {
    let row = role::ActiveModel {
        name: Set(name.to_owned()),
        permissions: Set(JsonText(permissions.to_vec())),
        created_at: Set(now.into()),
    };
    role::Entity::insert(row).exec_without_returning(w).await?;
    Ok(())
}

/// Changes what a role may do.
pub async fn set_role_permissions(w: &impl ConnectionTrait, name: &str, permissions: &[Permission]) -> Result<bool> {
    let change = role::ActiveModel { permissions: Set(JsonText(permissions.to_vec())), ..Default::default() };
    let update = role::Entity::update_many().set(change).filter(role::COLUMN.name.eq(name));
    Ok(update.exec(w).await?.rows_affected > 0)
}

/// Removes a role that no account has.
pub async fn delete_role(w: &impl ConnectionTrait, name: &str) -> Result<bool> {
    Ok(role::Entity::delete_by_id(name).exec(w).await?.rows_affected > 0)
}
