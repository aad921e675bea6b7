//! Writing a row whether or not one with its key is there.

use sea_orm::sea_query::{Expr, ExprTrait as _, IntoIden, OnConflict};
use sea_orm::{EntityTrait, Iterable as _, PrimaryKeyToColumn as _};

/// A row with the same key is replaced by the new one, which must have a value for every column.
pub(crate) fn replace<E: EntityTrait>() -> OnConflict {
    let key = E::PrimaryKey::iter().map(sea_orm::PrimaryKeyToColumn::into_column);
    let rest = E::Column::iter().filter(|column| E::PrimaryKey::from_column(*column).is_none());
    OnConflict::columns(key).update_columns(rest).to_owned()
}

/// A column of the row that could not be inserted, as the engines call it.
pub(crate) fn excluded(column: impl IntoIden) -> Expr {
    Expr::col(("excluded", column))
}

/// To a row with the same key the numbers of the new one are added; all its other columns must be numbers.
pub(crate) fn sum_up<E: EntityTrait>() -> OnConflict {
    let key = E::PrimaryKey::iter().map(sea_orm::PrimaryKeyToColumn::into_column);
    let mut conflict = OnConflict::columns(key);
    for column in E::Column::iter().filter(|column| E::PrimaryKey::from_column(*column).is_none()) {
        conflict.value(column, Expr::col((E::default(), column)).add(excluded(column)));
    }
    conflict
}
