use super::*;

fn keys() -> Keys {
    Keys::new([1; 32], None)
}

#[test]
fn the_cipher_is_the_one_of_the_xchacha_draft() {
    // draft-irtf-cfrg-xchacha-03, A.3.1.
    let key: [u8; 32] = std::array::from_fn(|place| 0x80 + place as u8);
    let nonce: [u8; 24] = std::array::from_fn(|place| 0x40 + place as u8);
    let aad = hex::decode("50515253c0c1c2c3c4c5c6c7").unwrap();
    let plain = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
    let payload = Payload { msg: plain.as_bytes(), aad: &aad };
    let sealed = XChaCha20Poly1305::new(&Key::from(key)).encrypt(&XNonce::from(nonce), payload).unwrap();
    let expected = "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb\
        731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452\
        2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9\
        21f9664c97637da9768812f615c68b13b52e\
        c0875924c1c7987947deafd8780acf49";
    assert_eq!(hex::encode(sealed), expected);
}

#[test]
fn keys_are_derived_as_rfc_5869_says() {
    // Appendix A.3: no salt, no info.
    let mut key = [0; 42];
    Hkdf::<Sha256>::new(None, &[0x0b; 22]).expand(&[], &mut key).unwrap();
    assert_eq!(
        hex::encode(key),
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    );
}

#[test]
fn what_is_kept_today_opens_tomorrow() {
    // The form is kept in databases: it may not change by itself.
    let sealed = keys().seal_with(&[7; 24], "totp:1", b"a secret");
    assert_eq!(sealed[..5], [&[1][..], &keys().current.id].concat());
    assert_eq!(sealed[5..29], [7; 24]);
    assert_eq!(sealed.len(), 29 + 8 + 16);
    assert_eq!(hex::encode(&sealed), FIXED);
    let kept = hex::decode(FIXED).unwrap();
    assert_eq!(keys().open("totp:1", &kept).unwrap().as_slice(), b"a secret");
    assert_eq!(hex::encode(keys().derive("jwt")), DERIVED);
}

/// Made by another implementation, written down from RFC 5869, RFC 8439 and the XChaCha draft.
const FIXED: &str =
    "0149f2b079070707070707070707070707070707070707070707070707c2916729d2f2656c087ef98a2bf4dfe2f93cc35870bc83c9";
const DERIVED: &str = "e4686cd593c3d726dab2ff9796a1461739267b2ab4e104284f7e058127eeb94f";

#[test]
fn sealed_texts_open_for_their_purpose_only() {
    for length in [0, 1, 63, 64, 65, 5000] {
        let plain: Vec<u8> = (0..length).map(|place| place as u8).collect();
        let sealed = keys().seal("totp:1", &plain);
        assert_ne!(sealed, keys().seal("totp:1", &plain), "a nonce for each");
        assert_eq!(*keys().open("totp:1", &sealed).unwrap(), plain);
        for other in ["", "totp:", "totp:2", "totp:11", "forge:1"] {
            assert_eq!(keys().open(other, &sealed), Err(SealError::Damaged), "{other}");
        }
    }
}

#[test]
fn no_byte_may_change_or_be_missing() {
    let sealed = keys().seal("totp:1", b"a secret");
    for place in 0..sealed.len() {
        for bit in 0..8 {
            let mut changed = sealed.clone();
            changed[place] ^= 1 << bit;
            assert!(keys().open("totp:1", &changed).is_err(), "byte {place}, bit {bit}");
        }
        assert!(keys().open("totp:1", &sealed[..place]).is_err(), "the first {place} bytes");
    }
    assert_eq!(keys().open("totp:1", &[&sealed[..], &[0]].concat()), Err(SealError::Damaged));
    assert_eq!(keys().open("totp:1", &[0; 100]), Err(SealError::Damaged));
    assert_eq!(keys().open("totp:1", &[2; 100]), Err(SealError::Newer { version: 2 }));
}

#[test]
fn two_keys_let_secrets_move_from_one_to_the_other() {
    let old = Keys::new([2; 32], None);
    let both = Keys::new([1; 32], Some([2; 32]));
    let sealed = old.seal("totp:1", b"a secret");
    assert!(old.is_current(&sealed));
    assert!(!both.is_current(&sealed));
    assert!(!both.is_current(&[]));
    let anew = both.seal("totp:1", &both.open("totp:1", &sealed).unwrap());
    assert!(both.is_current(&anew));
    assert_eq!(keys().open("totp:1", &anew).unwrap().as_slice(), b"a secret");
    let unknown = keys().open("totp:1", &sealed).unwrap_err();
    assert_eq!(unknown, SealError::UnknownKey { id: hex::encode(old.current.id) });
    assert!(unknown.to_string().contains("enter the secret anew"), "{unknown}");
    assert_eq!(both.derive_previous("jwt"), Some(old.derive("jwt")));
    assert_eq!(old.derive_previous("jwt"), None);
    assert_ne!(both.derive("jwt"), old.derive("jwt"));
    assert_ne!(both.derive("jwt"), both.derive("csrf"));
}

#[test]
fn keys_are_not_printed() {
    let printed = format!("{:?}", Keys::new([1; 32], Some([2; 32])));
    for key in [OneKey::new([1; 32]), OneKey::new([2; 32])] {
        assert!(printed.contains(&hex::encode(key.id)), "{printed}");
        assert!(!printed.contains(&hex::encode(*key.sealing)), "{printed}");
    }
    assert!(printed.len() < 80, "{printed}");
}
