//! What is shown once travels to the next page, sealed for the session that made it.

use chrono::TimeDelta;
use entity::view::ShownOnce;
use uuid::Uuid;

use super::sealed::{keep_sealed, open_sealed};
use crate::{Actions, Actor};

/// How long the next page may take to come.
const WORKS: TimeDelta = TimeDelta::minutes(10);

fn purpose(session: Uuid) -> String {
    format!("shown-once:{session}")
}

/// Seals it for the session that asks; nothing where none does.
#[must_use]
pub fn keep_shown(ctx: &Actions, actor: &Actor, shown: &ShownOnce) -> Option<String> {
    keep_sealed(ctx, &purpose(actor.session_id()?), shown, WORKS)
}

/// Opens what was sealed for the session that asks, within its time.
#[must_use]
pub fn open_shown(ctx: &Actions, actor: &Actor, sealed: &str) -> Option<ShownOnce> {
    open_sealed(ctx, &purpose(actor.session_id()?), sealed)
}

#[cfg(test)]
mod tests {
    use auth::seal::Keys;
    use entity::view::Timestamp;

    use super::super::sealed::{open, seal};
    use super::*;

    #[test]
    fn only_the_session_that_made_it_sees_it_and_not_for_long() {
        let (keys, now) = (Keys::new([7; 32], None), Timestamp::UNIX_EPOCH);
        let (own, other) = (purpose(Uuid::from_u128(1)), purpose(Uuid::from_u128(2)));
        let token = ShownOnce::Token { name: "a".to_owned(), text: "kst_a".to_owned() };
        let sealed = seal(&keys, &own, &token, now + WORKS).unwrap();
        assert!(!sealed.contains("kst"));
        assert!(open::<ShownOnce>(&keys, &own, &sealed, now) == Some(token));
        assert!(open::<ShownOnce>(&keys, &other, &sealed, now).is_none());
        assert!(open::<ShownOnce>(&keys, &own, &sealed, now + WORKS).is_none());
        assert!(open::<ShownOnce>(&Keys::new([8; 32], None), &own, &sealed, now).is_none());
        assert!(open::<ShownOnce>(&keys, &own, "no text of ours", now).is_none());
    }
}
