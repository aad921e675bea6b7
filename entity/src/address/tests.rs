use super::*;

fn read(text: &str) -> Address {
    Address::read(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn addresses_are_taken_apart_and_written_again() {
    for (text, written, host) in [
        ("https://github.com/o/n", "https://github.com/o/n", "github.com"),
        (" https://github.com/o/n.git/ ", "https://github.com/o/n.git", "github.com"),
        ("HTTP://Example.COM:8080/n?x#y", "http://example.com:8080/n", "example.com"),
        ("https://example.com:443/n", "https://example.com/n", "example.com"),
        ("https://me:secret@example.com/n", "https://example.com/n", "example.com"),
        ("ssh://git@github.com:22/o/n", "ssh://git@github.com/o/n", "github.com"),
        ("ssh://git@[::1]:2222/o/n", "ssh://git@[::1]:2222/o/n", "[::1]"),
        ("git@github.com:o/n.git", "git@github.com:o/n.git", "github.com"),
        ("host.lan:/srv/n.git", "host.lan:/srv/n.git", "host.lan"),
        ("/srv/git/n", "/srv/git/n", ""),
        ("file:///srv/git/n", "file:///srv/git/n", ""),
        ("./a:b/c", "./a:b/c", ""),
        ("oci://ghcr.io/o/n", "oci://ghcr.io/o/n", "ghcr.io"),
    ] {
        let address = read(text);
        assert_eq!((address.to_string().as_str(), address.host()), (written, host), "{text}");
    }
    for (text, error) in [
        (" ", AddressError::Empty),
        ("https://", AddressError::NoHost),
        ("https://example.com/", AddressError::NoRepository),
        ("ssh://host", AddressError::NoRepository),
        ("ext::sh -c id", AddressError::Helper),
        ("a\u{0}b", AddressError::Control),
    ] {
        assert_eq!(Address::read(text), Err(error), "{text}");
    }
    assert_eq!(Address::read(&"a".repeat(3_000)), Err(AddressError::TooLong));
    assert!(matches!(Address::read("https://exa mple.com/n"), Err(AddressError::Unreadable(_))));
}

#[test]
fn addresses_of_one_repository_have_one_key() {
    for url in [
        "https://github.com/Ada/Home-Ops",
        "https://me@GitHub.com/ada/home-ops.git/",
        "git@github.com:ada/home-ops.git",
        "ssh://git@github.com/ada/home-ops",
        "http://github.com/ada/home-ops?x#y",
    ] {
        assert_eq!(address_key(url), "github.com/ada/home-ops", "{url}");
    }
    assert_ne!(address_key("https://git.lan:8443/a/b"), address_key("https://git.lan/a/b"));
    assert_eq!(address_key("file:///srv/git/n.git"), address_key("/srv/git/n"));
}

#[test]
fn names_come_from_every_kind_of_address() {
    for (url, name) in [
        ("https://github.com/owner/name", "owner/name"),
        ("https://github.com/owner/name.git", "owner/name"),
        ("https://gitlab.com/group//sub/name", "group/sub/name"),
        ("git@github.com:owner/name.git", "owner/name"),
        ("ssh://git@host:22/owner/name", "owner/name"),
        ("/srv/git/name.git", "name"),
        ("file:///srv/git/name/", "name"),
        ("../name/.", "name"),
        ("name", "name"),
    ] {
        assert_eq!(read(url).full_name(), name, "{url}");
    }
}

#[test]
fn a_forge_s_names_are_found_in_what_people_paste() {
    for (text, provider, host, name) in [
        ("https://github.com/ada/home-ops", Provider::Github, "github.com", "ada/home-ops"),
        ("https://www.github.com/ada/home-ops.git/", Provider::Github, "github.com", "ada/home-ops"),
        ("https://github.com/ada/home-ops/tree/main/apps?x=1#y", Provider::Github, "github.com", "ada/home-ops"),
        ("git@github.com:ada/home-ops.git", Provider::Github, "github.com", "ada/home-ops"),
        ("ssh://git@git.lan:2222/ada/home-ops", Provider::Forgejo, "git.lan", "ada/home-ops"),
        ("https://gitlab.com/a/b/c/-/tree/main", Provider::Gitlab, "gitlab.com", "a/b/c"),
        ("https://git.lan:8443/srv/x.git", Provider::Git, "git.lan:8443", "srv/x"),
        ("ada/home-ops", Provider::Github, "github.com", "ada/home-ops"),
        ("github.com/ada/home-ops/", Provider::Github, "github.com", "ada/home-ops"),
    ] {
        let found = Address::read_pasted(text).unwrap().at_forge(provider).unwrap();
        assert_eq!((found.host.as_str(), found.full_name.as_str()), (host, name), "{text}");
    }
    for text in ["https://github.com/ada", "home-ops", "ftp://x/a/b", "./a/b", "/a/b"] {
        let found = Address::read_pasted(text).ok().and_then(|address| address.at_forge(Provider::Github));
        assert_eq!(found, None, "{text}");
    }
}

#[test]
fn paths_of_the_server_are_not_shown() {
    assert_eq!(shown_url("/srv/git/home.git"), "file:home.git");
    assert_eq!(shown_url("file:///srv/git/home/"), "file:home");
    assert_eq!(shown_url("https://host/owner/name"), "https://host/owner/name");
    assert_eq!(shown_url("https://token@host/owner/name"), "https://••••••@host/owner/name");
}
