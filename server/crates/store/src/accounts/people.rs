use sea_orm::sea_query::{Expr, ExprTrait as _, Func};
use sea_orm::{
    ColumnTrait as _, DerivePartialModel, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set,
};
use uuid::Uuid;

use super::roles::roles_by_name;
use crate::db::pattern::contains;
use crate::db::select::{MAX_PAGE, count, is_like};
use crate::db::{ConnectionTrait, Result, Transaction, new_id};
use entity::kind::{Permission, Permissions};
use entity::table::{account, recovery_code};
use entity::value::StoredTimestamp;
use entity::view::{Account, Listing, PageQuery, Timestamp};

/// An account that is to be made.
#[derive(Clone, Debug)]
pub struct NewAccount {
    pub email: String,
    pub full_name: Option<String>,
    pub role: String,
    /// None where a link or another issuer lets them in first.
    pub password_hash: Option<String>,
}

/// What signing in needs of an account; stays on the server.
#[derive(Clone, DerivePartialModel)]
#[sea_orm(entity = "account::Entity")]
pub struct Credentials {
    pub id: Uuid,
    pub email: String,
    pub full_name: Option<String>,
    pub role: String,
    pub is_active: bool,
    pub password_hash: Option<String>,
    pub password_changed_at: Option<StoredTimestamp>,
    pub totp_secret: Option<Vec<u8>>,
    pub totp_since: Option<StoredTimestamp>,
    pub totp_step: Option<i64>,
    pub wrong_codes: i32,
    pub codes_after: Option<StoredTimestamp>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("id", &self.id).finish_non_exhaustive()
    }
}

#[derive(DerivePartialModel)]
#[sea_orm(entity = "account::Entity")]
struct Row {
    id: Uuid,
    email: String,
    full_name: Option<String>,
    role: String,
    is_active: bool,
    password_hash: Option<String>,
    totp_since: Option<StoredTimestamp>,
    created_at: Timestamp,
    last_sign_in_at: Option<Timestamp>,
}

impl Row {
    fn view(self, permissions: Permissions) -> Account {
        Account {
            id: self.id,
            email: self.email,
            full_name: self.full_name,
            role: self.role,
            is_active: self.is_active,
            is_superuser: permissions.has(Permission::Admin),
            permissions: permissions.iter().collect(),
            has_password: self.password_hash.is_some(),
            has_second_factor: self.totp_since.is_some(),
            created_at: self.created_at,
            last_sign_in_at: self.last_sign_in_at,
        }
    }
}

/// Whether anybody can sign in: until then the instance is nobody's.
pub async fn is_set_up(c: &impl ConnectionTrait) -> Result<bool> {
    let any = account::Entity::find().select_only().column(account::Column::Id).limit(1);
    Ok(any.into_tuple::<Uuid>().one(c).await?.is_some())
}

/// How many accounts there are.
pub async fn count_accounts(c: &impl ConnectionTrait) -> Result<u64> {
    count(c, account::Entity::find()).await
}

/// How many active accounts have one of these roles: the last one that may administer has to stay.
pub async fn count_admins(c: &impl ConnectionTrait, roles: &[String]) -> Result<u64> {
    let of = account::Entity::find().filter(account::COLUMN.is_active.eq(true));
    count(c, of.filter(account::Column::Role.is_in(roles.iter().map(String::as_str)))).await
}

/// Adds an account and gives its id. An address that is taken fails as the database says.
pub async fn insert_account(w: &impl ConnectionTrait, new: &NewAccount, now: Timestamp) -> Result<Uuid> {
    let id = new_id(now);
    let row = account::ActiveModel {
        id: Set(id),
        email: Set(new.email.clone()),
        full_name: Set(new.full_name.clone()),
        role: Set(new.role.clone()),
        is_active: Set(true),
        password_changed_at: Set(new.password_hash.as_ref().map(|_| now.into())),
        password_hash: Set(new.password_hash.clone()),
        created_at: Set(now.into()),
        ..Default::default()
    };
    account::Entity::insert(row).exec_without_returning(w).await?;
    Ok(id)
}

/// An account.
pub async fn find_account(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<Account>> {
    let Some(row) = account::Entity::find_by_id(id).into_partial_model::<Row>().one(c).await? else { return Ok(None) };
    let roles = roles_by_name(c).await?;
    let permissions = roles.permissions(&row.role);
    Ok(Some(row.view(permissions)))
}

/// What signing in needs of an account.
pub async fn find_credentials(c: &impl ConnectionTrait, id: Uuid) -> Result<Option<Credentials>> {
    Ok(account::Entity::find_by_id(id).into_partial_model().one(c).await?)
}

/// The same by its e-mail address, in lower case.
pub async fn find_credentials_by_email(c: &impl ConnectionTrait, email: &str) -> Result<Option<Credentials>> {
    Ok(account::Entity::find().filter(account::COLUMN.email.eq(email)).into_partial_model().one(c).await?)
}

/// Accounts by e-mail address; those with a text in it or in the name.
pub async fn list_accounts(c: &impl ConnectionTrait, text: Option<&str>, page: PageQuery) -> Result<Listing<Account>> {
    let mut select = account::Entity::find();
    if let Some(text) = text {
        let name = Func::lower(Func::coalesce([Expr::col(account::Column::FullName), Expr::val("")]));
        let either = is_like(Expr::col(account::Column::Email), contains(text)).or(is_like(name, contains(text)));
        select = select.filter(either);
    }
    let total = count(c, select.clone()).await?;
    let rows = select.order_by_asc(account::Column::Email).offset(page.skip).limit(Ord::min(page.limit, MAX_PAGE));
    let rows: Vec<Row> = rows.into_partial_model().all(c).await?;
    let roles = roles_by_name(c).await?;
    let view = |row: Row| {
        let permissions = roles.permissions(&row.role);
        row.view(permissions)
    };
    Ok(Listing { data: rows.into_iter().map(view).collect(), count: total })
}

async fn update(w: &impl ConnectionTrait, id: Uuid, change: account::ActiveModel) -> Result<bool> {
    let update = account::Entity::update_many().set(change).filter(account::COLUMN.id.eq(id));
    Ok(update.exec(w).await?.rows_affected > 0)
}

/// Whether somebody may still come in who was looked at when their password was of that time: it is no other since, and the
/// account is on. Its row is held until the transaction ends, so that whoever resets the password waits, and ends what was opened.
pub async fn hold_account(txn: &Transaction, id: Uuid, password_since: Option<Timestamp>) -> Result<bool> {
    let same = match password_since {
        Some(at) => account::Column::PasswordChangedAt.eq(StoredTimestamp::from(at)),
        None => account::Column::PasswordChangedAt.is_null(),
    };
    let held = account::Entity::find_by_id(id).filter(account::COLUMN.is_active.eq(true)).filter(same);
    let held = held.select_only().column(account::Column::Id).lock_exclusive();
    Ok(held.into_tuple::<Uuid>().one(txn).await?.is_some())
}

/// Says that somebody signed in.
pub async fn record_sign_in(w: &impl ConnectionTrait, id: Uuid, now: Timestamp) -> Result<bool> {
    update(w, id, account::ActiveModel { last_sign_in_at: Set(Some(now.into())), ..Default::default() }).await
}

/// Changes what somebody is called.
pub async fn set_full_name(w: &impl ConnectionTrait, id: Uuid, full_name: Option<&str>) -> Result<bool> {
    let full_name = Set(full_name.map(str::to_owned));
    update(w, id, account::ActiveModel { full_name, ..Default::default() }).await
}

/// Changes where somebody gets mail, and what they sign in with. An address that is taken fails as the database says.
pub async fn set_email(w: &impl ConnectionTrait, id: Uuid, email: &str) -> Result<bool> {
    update(w, id, account::ActiveModel { email: Set(email.to_owned()), ..Default::default() }).await
}

/// Gives an account another role.
pub async fn set_role(w: &impl ConnectionTrait, id: Uuid, role: &str) -> Result<bool> {
    update(w, id, account::ActiveModel { role: Set(role.to_owned()), ..Default::default() }).await
}

/// Lets an account in, or no longer.
pub async fn set_active(w: &impl ConnectionTrait, id: Uuid, is_active: bool) -> Result<bool> {
    update(w, id, account::ActiveModel { is_active: Set(is_active), ..Default::default() }).await
}

/// Sets a password, by its hash.
pub async fn set_password(w: &impl ConnectionTrait, id: Uuid, hash: &str, now: Timestamp) -> Result<bool> {
    let change = account::ActiveModel {
        password_hash: Set(Some(hash.to_owned())),
        password_changed_at: Set(Some(now.into())),
        ..Default::default()
    };
    update(w, id, change).await
}

/// Keeps another hash of the same password in place of this one; false where the password is another since.
pub async fn replace_password_hash(w: &impl ConnectionTrait, id: Uuid, old: &str, new: &str) -> Result<bool> {
    let change = account::ActiveModel { password_hash: Set(Some(new.to_owned())), ..Default::default() };
    let same = account::Column::PasswordHash.eq(old);
    let update = account::Entity::update_many().set(change).filter(account::COLUMN.id.eq(id)).filter(same);
    Ok(update.exec(w).await?.rows_affected > 0)
}

/// Keeps a sealed secret that no code is asked of yet; false where one is asked for already.
pub async fn offer_totp(w: &impl ConnectionTrait, id: Uuid, sealed: Vec<u8>) -> Result<bool> {
    let change = account::ActiveModel { totp_secret: Set(Some(sealed)), totp_step: Set(None), ..Default::default() };
    let unset = account::COLUMN.totp_since.is_null();
    let update = account::Entity::update_many().set(change).filter(account::COLUMN.id.eq(id)).filter(unset);
    Ok(update.exec(w).await?.rows_affected > 0)
}

/// Sets or removes the second factor's sealed secret; it is asked for from `since` on.
pub async fn set_totp(
    w: &impl ConnectionTrait,
    id: Uuid,
    sealed: Option<Vec<u8>>,
    since: Option<Timestamp>,
) -> Result<bool> {
    let change = account::ActiveModel {
        totp_secret: Set(sealed),
        totp_since: Set(since.map(Into::into)),
        totp_step: Set(None),
        wrong_codes: Set(0),
        codes_after: Set(None),
        ..Default::default()
    };
    update(w, id, change).await
}

/// Notes that a step's code was used. Of two that use one code at the same time, one gets true.
pub async fn take_totp_step(w: &impl ConnectionTrait, id: Uuid, step: i64) -> Result<bool> {
    let change = account::ActiveModel { totp_step: Set(Some(step)), ..Default::default() };
    let unused = account::COLUMN.totp_step.is_null().or(account::COLUMN.totp_step.lt(step));
    let update = account::Entity::update_many().set(change).filter(account::COLUMN.id.eq(id)).filter(unused);
    Ok(update.exec(w).await?.rows_affected > 0)
}

/// Counts a code as wrong before anybody looks at it, as the one after so many wrong ones before; false where another was
/// counted meanwhile. So many that are tried at once are counted one by one. No code counts then before `after`, where there
/// is such a time.
pub async fn count_code(w: &impl ConnectionTrait, id: Uuid, before: i32, after: Option<Timestamp>) -> Result<bool> {
    let mut change = account::ActiveModel { wrong_codes: Set(before.saturating_add(1)), ..Default::default() };
    if let Some(after) = after {
        change.codes_after = Set(Some(after.into()));
    }
    let same = account::COLUMN.wrong_codes.eq(before);
    let update = account::Entity::update_many().set(change).filter(account::COLUMN.id.eq(id)).filter(same);
    Ok(update.exec(w).await?.rows_affected > 0)
}

/// A right code: those before are forgotten.
pub async fn forget_wrong_codes(w: &impl ConnectionTrait, id: Uuid) -> Result<bool> {
    update(w, id, account::ActiveModel { wrong_codes: Set(0), codes_after: Set(None), ..Default::default() }).await
}

/// Replaces the codes that stand for a second factor.
pub async fn replace_recovery_codes(w: &impl ConnectionTrait, id: Uuid, hashes: &[[u8; 32]]) -> Result<()> {
    recovery_code::Entity::delete_many().filter(recovery_code::COLUMN.account_id.eq(id)).exec(w).await?;
    let rows =
        hashes.iter().map(|hash| recovery_code::ActiveModel { account_id: Set(id), code_hash: Set(hash.to_vec()) });
    if !hashes.is_empty() {
        recovery_code::Entity::insert_many(rows).exec_without_returning(w).await?;
    }
    Ok(())
}

/// Uses a code up; false where there is none such (any more).
pub async fn take_recovery_code(w: &impl ConnectionTrait, id: Uuid, hash: &[u8; 32]) -> Result<bool> {
    let this = recovery_code::Entity::delete_many()
        .filter(recovery_code::COLUMN.account_id.eq(id))
        .filter(recovery_code::Column::CodeHash.eq(hash.to_vec()));
    Ok(this.exec(w).await?.rows_affected > 0)
}

/// Deletes an account with all that lets it in; what it did stays told.
pub async fn delete_account(w: &impl ConnectionTrait, id: Uuid) -> Result<bool> {
    Ok(account::Entity::delete_by_id(id).exec(w).await?.rows_affected > 0)
}
