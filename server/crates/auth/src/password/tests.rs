use std::sync::Mutex;
use std::time::Duration;

use super::*;

/// The example of RFC 9106, 5.3, less its secret and associated data, which a PHC string does not carry; the value is that of
/// the reference implementation: `echo -n "password" | argon2 somesalt -id -t 2 -m 16 -p 1`.
const REFERENCE: &str = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

#[test]
fn argon2id_is_the_one_of_rfc_9106() {
    let data = argon2::AssociatedData::new(&[4; 12]).unwrap();
    let mut params = argon2::ParamsBuilder::new();
    params.m_cost(32).t_cost(3).p_cost(4).output_len(32).data(data);
    let argon2 =
        Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params.build().unwrap()).unwrap();
    let mut tag = [0; 32];
    argon2.hash_password_into(&[1; 32], &[2; 16], &mut tag).unwrap();
    assert_eq!(hex::encode(tag), "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
}

#[tokio::test]
async fn a_password_is_right_or_wrong() {
    let passwords = Passwords::new();
    let stored = passwords.hash("lavender orbit thistle").await.unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    assert_ne!(stored, passwords.hash("lavender orbit thistle").await.unwrap(), "a salt for each");
    assert_eq!(passwords.verify("lavender orbit thistle", Some(&stored), Standing::New).await, Ok(Verified::Right));
    for wrong in ["", "lavender orbit thistl", "Lavender orbit thistle", "lavender orbit thistle "] {
        assert_eq!(passwords.verify(wrong, Some(&stored), Standing::New).await, Ok(Verified::Wrong), "{wrong:?}");
    }
}

#[tokio::test]
async fn letters_may_be_written_in_one_character_or_two() {
    let passwords = Passwords::new();
    let stored = passwords.hash("möwe möwe möwe ²").await.unwrap();
    assert_eq!(
        passwords.verify("mo\u{308}we mo\u{308}we mo\u{308}we ²", Some(&stored), Standing::New).await,
        Ok(Verified::Right)
    );
    assert_eq!(passwords.verify("möwe möwe möwe 2", Some(&stored), Standing::New).await, Ok(Verified::Wrong));
}

#[tokio::test]
async fn hashes_of_others_are_read_and_old_ones_said_to_be_so() {
    let passwords = Passwords::new();
    // A salt of 8 bytes is not what is asked for today.
    assert_eq!(passwords.verify("password", Some(REFERENCE), Standing::New).await, Ok(Verified::RightButOld));
    assert_eq!(passwords.verify("passwore", Some(REFERENCE), Standing::New).await, Ok(Verified::Wrong));
    for (algorithm, version, memory, passes, expected) in [
        (Algorithm::Argon2id, Version::V0x13, 19_456, 2, Verified::Right),
        (Algorithm::Argon2id, Version::V0x13, 32_768, 3, Verified::Right),
        (Algorithm::Argon2id, Version::V0x13, 19_456, 1, Verified::RightButOld),
        (Algorithm::Argon2id, Version::V0x13, 4096, 3, Verified::RightButOld),
        (Algorithm::Argon2i, Version::V0x13, 19_456, 2, Verified::RightButOld),
        (Algorithm::Argon2id, Version::V0x10, 19_456, 2, Verified::RightButOld),
    ] {
        let argon2 = Argon2::new(algorithm, version, Params::new(memory, passes, 1, None).unwrap());
        let stored = argon2.hash_password_with_salt(b"a password", &[7; 16]).unwrap().to_string();
        assert_eq!(passwords.verify("a password", Some(&stored), Standing::New).await, Ok(expected), "{stored}");
        assert_eq!(passwords.verify("b password", Some(&stored), Standing::New).await, Ok(Verified::Wrong), "{stored}");
    }
}

#[tokio::test]
async fn nobody_has_no_password() {
    let nobody = PasswordHash::new(NOBODY).unwrap();
    assert_eq!(Params::try_from(&nobody).unwrap().m_cost(), today().params().m_cost());
    assert_eq!(Params::try_from(&nobody).unwrap().t_cost(), today().params().t_cost());
    assert_eq!(nobody.salt.unwrap().len(), 16);
    assert_eq!(nobody.hash.unwrap().len(), 32);
    let passwords = Passwords::new();
    for password in ["", "password", NOBODY] {
        assert_eq!(passwords.verify(password, None, Standing::New).await, Ok(Verified::Wrong));
    }
}

#[tokio::test]
async fn one_who_is_there_costs_as_many_hashes_as_one_who_is_not() {
    let passwords = Passwords::new();
    let stored = passwords.hash("lavender orbit thistle").await.unwrap();
    assert_eq!(passwords.hashes(), 1);
    let damaged = stored.replace("m=19456", "m=4294967295");
    let kept = [Some(stored.as_str()), Some(damaged.as_str()), Some(REFERENCE), None];
    let mut expected = 1;
    for kept in kept {
        for given in ["lavender orbit thistle", "another one"] {
            expected += 1;
            passwords.verify(given, kept, Standing::New).await.unwrap();
            assert_eq!(passwords.hashes(), expected, "{kept:?}");
        }
    }
    // What can be nobody's password costs nothing, whoever it is tried of.
    for kept in kept {
        passwords.verify(&"long".repeat(300), kept, Standing::New).await.unwrap();
    }
    assert_eq!(passwords.hashes(), 9);
}

#[tokio::test]
async fn what_is_stored_cannot_make_more_work_than_it_should() {
    let passwords = Passwords::new();
    let sound = passwords.hash("a password").await.unwrap();
    for damaged in [
        String::new(),
        "a password".to_owned(),
        "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW".to_owned(),
        sound.replace("m=19456", "m=4294967295"),
        sound.replace("t=2", "t=1000000"),
        sound.replace("p=1", "p=1000"),
        sound[..sound.len() - 43].to_owned(),
        sound[..sound.rfind('$').unwrap()].to_owned(),
        format!("{}$AAAAAA", &sound[..sound.rfind('$').unwrap()]),
    ] {
        assert_eq!(
            passwords.verify("a password", Some(&damaged), Standing::New).await,
            Ok(Verified::Wrong),
            "{damaged}"
        );
    }
    // Were it compared, the same text would be right.
    let long = "long".repeat(300);
    let stored = passwords.hash(&long).await.unwrap();
    assert_eq!(passwords.verify(&long, Some(&stored), Standing::New).await, Ok(Verified::Wrong));
}

#[tokio::test]
async fn who_stops_waiting_for_the_answer_makes_no_room_for_more_work() {
    let passwords = Passwords::new();
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    let mut people = Vec::new();
    for _ in 0..turns::AT_ONCE {
        let (turn, gate) = (passwords.turns.take(Standing::New).await.unwrap(), Arc::clone(&gate));
        people.push(tokio::spawn(work(turn, move || gate.lock().unwrap().recv().unwrap())));
    }
    tokio::task::yield_now().await;
    for person in &people {
        person.abort();
    }
    for person in people {
        assert!(person.await.unwrap_err().is_cancelled());
    }
    assert!(passwords.turns.take_to_spare().is_none(), "the work still runs");
    let next = tokio::spawn({
        let passwords = passwords.clone();
        async move { passwords.verify("a password", None, Standing::New).await }
    });
    tokio::task::yield_now().await;
    assert!(!next.is_finished());
    for _ in 0..turns::AT_ONCE {
        open.send(()).unwrap();
    }
    assert_eq!(next.await.unwrap(), Ok(Verified::Wrong));
    assert!(Busy.to_string().contains("try again"), "{Busy}");
}

#[tokio::test]
async fn tries_for_one_name_go_one_after_the_other_and_no_more_wait_than_a_few() {
    let passwords = Passwords::new();
    let first = passwords.line_up("somebody@example.org").await.unwrap();
    // Another name has a line of its own, but for one in a thousand that shares it.
    let mut others = 0;
    for name in 0..16 {
        let name = format!("{name}@example.org");
        let line = passwords.line_up(&name);
        others += u32::from(tokio::time::timeout(Duration::from_millis(50), line).await.is_ok());
    }
    assert!(others >= 14, "{others}");
    let next = passwords.line_up("somebody@example.org");
    let mut next = Box::pin(next);
    assert!(tokio::time::timeout(Duration::from_millis(50), &mut next).await.is_err(), "it waits");
    let mut waiting: Vec<_> = (0..7).map(|_| Box::pin(passwords.line_up("somebody@example.org"))).collect();
    for one in &mut waiting {
        assert!(tokio::time::timeout(Duration::from_millis(5), one).await.is_err());
    }
    assert_eq!(passwords.line_up("somebody@example.org").await.err(), Some(Busy), "the line is full");
    drop(first);
    assert!(tokio::time::timeout(Duration::from_mins(1), next).await.unwrap().is_ok());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn passwords_are_looked_at_where_everything_else_goes_first() {
    let priority = || rustix::process::getpriority_process(None).unwrap();
    let before = priority();
    let turn = Passwords::new().turns.take(Standing::New).await.unwrap();
    assert_eq!(work(turn, priority).await.unwrap(), GIVES_WAY);
    assert_eq!(priority(), before, "who waits for it keeps its place");
}
