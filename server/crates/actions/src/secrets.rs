//! Secrets at rest: what each is sealed for, and sealing all of them anew when a key is to go.

use auth::seal::Keys;
use store::db::Db;
use store::secrets::{Sealed, list_all_sealed, replace_sealed};

use crate::accounts::second_factor_purpose;
use crate::{Result, mail};

/// What a secret that somebody entered is sealed for: it opens under no other name.
#[must_use]
pub fn purpose(name: &str) -> String {
    format!("secret:{name}")
}

/// How much was sealed anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    pub done: u32,
    /// Sealed with a key that is neither the current nor the previous one.
    pub lost: u32,
}

/// Seals with the current key what the previous one sealed, so that the previous one can go. What was sealed anew already, by
/// this process or another, is left alone.
///
/// # Errors
/// The database's.
pub async fn reseal(db: &Db, keys: &Keys) -> Result<Resealed> {
    let mut count = Resealed::default();
    for (what, sealed) in list_all_sealed(&db.read).await? {
        if keys.is_current(&sealed) {
            continue;
        }
        let purpose = match &what {
            Sealed::Secret(name) => purpose(name),
            Sealed::SecondFactor(account) => second_factor_purpose(*account),
            Sealed::Mail(id) => mail::purpose(*id),
        };
        match keys.open(&purpose, &sealed) {
            Ok(plain) => {
                let anew = keys.seal(&purpose, &plain);
                count.done += u32::from(replace_sealed(&db.write, &what, &sealed, anew).await?);
            }
            Err(_) => count.lost += 1,
        }
    }
    Ok(count)
}
