use entity::kind::{AuditAction, Permission, Role};
use serde_json::json;
use store::accounts as stored;
use store::db::DataError;

use super::taken;
use crate::audit::{Change, Object};
use crate::{Actions, Actor, Refusal, Result};

/// A name that a role may have.
fn usable_name(name: &str) -> Result<()> {
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c));
    if name.parse::<Role>().is_ok() {
        return Err(Refusal::Unusable(format!("{name} is a role of the program; choose another name")));
    }
    match !name.is_empty() && name.len() <= 64 && plain {
        true => Ok(()),
        false => Err(Refusal::Unusable("a role's name has 1 to 64 characters of a to z, 0 to 9, - and _".to_owned())),
    }
}

/// Makes a role.
///
/// # Errors
/// The refusal.
pub async fn create_role(ctx: &Actions, actor: &Actor, name: &str, permissions: &[Permission]) -> Result<()> {
    actor.may_to_all(AuditAction::CreateRole)?;
    usable_name(name)?;
    let txn = ctx.db.begin().await?;
    stored::add_role(&txn, name, permissions, ctx.now()).await.map_err(|error| taken(error, name))?;
    let change = Change::to(json!({ "permissions": permissions }));
    ctx.tell(&txn, actor, AuditAction::CreateRole, Object::new("role", None, name), change).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(())
}

/// Changes what a role may do. The program's own stay as they are.
///
/// # Errors
/// The refusal.
pub async fn set_role(ctx: &Actions, actor: &Actor, name: &str, permissions: &[Permission]) -> Result<()> {
    actor.may_to_all(AuditAction::ChangeRole)?;
    usable_name(name)?;
    let txn = ctx.db.begin_about_accounts().await?;
    let roles = stored::list_roles(&txn).await?;
    let before = roles.iter().find(|role| role.name == name).ok_or(Refusal::Missing("role"))?;
    let administers = |permissions: &[Permission]| permissions.contains(&Permission::Admin);
    if administers(&before.permissions) && !administers(permissions) {
        let others = roles.iter().filter(|role| role.name != name && administers(&role.permissions));
        let others: Vec<String> = others.map(|role| role.name.clone()).collect();
        if stored::count_admins(&txn, &others).await? == 0 {
            return Err(Refusal::Unusable(
                "nobody else may administer; give another account the role admin first".to_owned(),
            ));
        }
    }
    stored::set_role_permissions(&txn, name, permissions).await?;
    let change = Change::between(json!({ "permissions": before.permissions }), json!({ "permissions": permissions }));
    ctx.tell(&txn, actor, AuditAction::ChangeRole, Object::new("role", None, name), change).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(())
}

/// Removes a role that nobody has.
///
/// # Errors
/// The refusal.
pub async fn delete_role(ctx: &Actions, actor: &Actor, name: &str) -> Result<()> {
    actor.may_to_all(AuditAction::DeleteRole)?;
    usable_name(name)?;
    let txn = ctx.db.begin_about_accounts().await?;
    let roles = stored::list_roles(&txn).await?;
    let role = roles.iter().find(|role| role.name == name).ok_or(Refusal::Missing("role"))?;
    if role.accounts > 0 {
        let why = format!("{} accounts have the role {name}; give them another one first", role.accounts);
        return Err(Refusal::Unusable(why));
    }
    stored::delete_role(&txn, name).await?;
    let change = Change { before: Some(json!({ "permissions": role.permissions })), after: None };
    ctx.tell(&txn, actor, AuditAction::DeleteRole, Object::new("role", None, name), change).await?;
    txn.commit().await.map_err(DataError::from)?;
    Ok(())
}
