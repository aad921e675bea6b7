//! Files whose content is elsewhere: Git filters leave a pointer in its place, or what they made of it. Much of that happens
//! to be YAML (a single text), so it has to be told apart before anybody takes it for a file without resources.

/// The largest pointer that is written.
const POINTER_BYTES: usize = 4 << 10;

/// What stands in the file in place of its content, if that is so.
pub(crate) fn find(text: &[u8]) -> Option<String> {
    let what = if let Some(size) = lfs_size(text) {
        format!("a Git LFS pointer to {size} bytes stands in its place")
    } else if text.len() <= POINTER_BYTES && text.starts_with(b"/annex/objects/") {
        "a git-annex pointer stands in its place".to_owned()
    } else {
        format!("it is encrypted as a whole by {}", encrypted_by(text)?)
    };
    Some(format!("its content is elsewhere: {what}"))
}

/// The size that a Git LFS pointer tells: lines of key and value, the version first.
fn lfs_size(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.len() <= POINTER_BYTES)?;
    let version = text.lines().next()?.strip_prefix("version https://")?;
    let is_known = version.starts_with("git-lfs.github.com/spec/") || version.starts_with("hawser.github.com/spec/");
    let of = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
    let has_name = of("oid").is_some_and(|name| name.contains(':'));
    of("size")?.trim().parse().ok().filter(|_| is_known && has_name)
}

fn encrypted_by(text: &[u8]) -> Option<&'static str> {
    const SIGNS: [(&[u8], &str); 6] = [
        (b"\0GITCRYPT\0", "git-crypt"),
        (b"age-encryption.org/v1\n", "age"),
        (b"-----BEGIN AGE ENCRYPTED FILE-----", "age"),
        (b"-----BEGIN PGP MESSAGE-----", "PGP"),
        (b"$ANSIBLE_VAULT;", "Ansible Vault"),
        (b"Salted__", "OpenSSL"),
    ];
    if let Some((_, tool)) = SIGNS.iter().find(|(sign, _)| text.starts_with(sign)) {
        return Some(tool);
    }
    // `Salted__` in base64, and nothing else than base64 after it.
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\n' | b'\r');
    (text.starts_with(b"U2FsdGVkX1") && text.iter().all(is_base64)).then_some("transcrypt or OpenSSL")
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn pointers_and_what_filters_encrypted_are_known() {
        let lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:0a1b2c\nsize 120\n";
        let extended = "version https://git-lfs.github.com/spec/v1\next-0-x sha256:00\noid sha256:0a\nsize 7\n";
        for (text, sign) in [
            (lfs.as_bytes(), "a Git LFS pointer to 120 bytes"),
            (extended.as_bytes(), "a Git LFS pointer to 7 bytes"),
            (b"/annex/objects/SHA256E-s31--ab12.yaml\n", "git-annex"),
            (b"\0GITCRYPT\0\x8a\x01", "git-crypt"),
            (b"U2FsdGVkX19hYmNkZWZnaA+/\naGVsbG8=\n", "transcrypt"),
            (b"age-encryption.org/v1\n-> X25519 abc", "age"),
            (b"$ANSIBLE_VAULT;1.1;AES256\n3132", "Ansible Vault"),
        ] {
            let told = find(text).unwrap_or_default();
            assert!(told.starts_with("its content is elsewhere: ") && told.contains(sign), "{sign}: {told}");
        }
    }

    #[test]
    fn what_only_speaks_of_them_is_read() {
        let long = format!("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n{}", "#".repeat(5_000));
        for text in [
            "",
            "kind: ConfigMap\n",
            "version https://git-lfs.github.com/spec/v1\n",
            "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize many\n",
            "# version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
            "U2FsdGVkX1: 1\n",
            "data: U2FsdGVkX19hYmNk\n",
            "GITCRYPT",
            long.as_str(),
        ] {
            assert_eq!(find(text.as_bytes()), None, "{text}");
        }
    }
}
