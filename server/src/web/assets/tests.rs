use axum::{body::to_bytes, http::StatusCode};

use super::*;

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("manifest.json", r#"{"kubestats.js":"kubestats-1a2b3c4d.js","robots.txt":"robots.txt"}"#),
        ("kubestats-1a2b3c4d.js", "plain"),
        ("kubestats-1a2b3c4d.js.br", "brotli"),
        ("kubestats-1a2b3c4d.js.gz", "gzip"),
        ("chunk-ABCDEFGH.js", "part"),
        ("robots.txt", "User-agent: *"),
    ] {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

fn request(pairs: &[(header::HeaderName, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
}

#[tokio::test]
async fn the_best_accepted_encoding_is_sent() {
    let dir = folder();
    let site = Site::open(Some(dir.path().to_owned()));
    for (accept, body, encoding) in [
        ("gzip, deflate, br", "brotli", Some("br")),
        ("gzip;q=1.0, br;q=0", "gzip", Some("gzip")),
        ("identity", "plain", None),
    ] {
        let wanted = request(&[(header::ACCEPT_ENCODING, accept)]);
        let response = site.serve("kubestats-1a2b3c4d.js", &wanted).await.unwrap();
        let headers = response.headers().clone();
        assert_eq!(headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap()), encoding);
        assert_eq!(headers[header::VARY], "accept-encoding");
        assert_eq!(headers[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
        assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(to_bytes(response.into_body(), 100).await.unwrap(), body.as_bytes());
    }
}

#[tokio::test]
async fn a_file_that_the_client_holds_is_not_sent_again() {
    let dir = folder();
    let site = Site::open(Some(dir.path().to_owned()));
    let first = site.serve_at_root("/robots.txt", &HeaderMap::new()).await.unwrap();
    assert_eq!(first.headers()[header::CACHE_CONTROL], "no-cache");
    let mut again = HeaderMap::new();
    again.insert(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone());
    assert_eq!(site.serve_at_root("/robots.txt", &again).await.unwrap().status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn nothing_outside_the_folder_is_served() {
    let outer = tempfile::tempdir().unwrap();
    let inner = outer.path().join("site");
    std::fs::create_dir(&inner).unwrap();
    std::fs::write(inner.join("manifest.json"), "{}").unwrap();
    std::fs::write(outer.path().join("secret.txt"), "secret").unwrap();
    let site = Site::open(Some(inner));
    for name in ["../secret.txt", "/etc/passwd", "./../secret.txt", "", "manifest.json"] {
        assert!(site.serve(name, &HeaderMap::new()).await.is_none(), "{name}");
        assert!(site.serve_at_root(&format!("/{name}"), &HeaderMap::new()).await.is_none(), "{name}");
    }
}

#[tokio::test]
async fn only_names_with_a_hash_are_kept_for_ever() {
    let dir = folder();
    let site = Site::open(Some(dir.path().to_owned()));
    let cache = async |name: &str| {
        let response = site.serve(name, &HeaderMap::new()).await.unwrap();
        response.headers()[header::CACHE_CONTROL].to_str().unwrap().to_owned()
    };
    assert!(cache("kubestats-1a2b3c4d.js").await.contains("immutable"));
    assert!(cache("chunk-ABCDEFGH.js").await.contains("immutable"));
    assert_eq!(cache("robots.txt").await, "no-cache");
    assert!(site.serve_at_root("/chunk-ABCDEFGH.js", &HeaderMap::new()).await.is_none());
}

#[tokio::test]
async fn a_site_inside_the_program_is_served_like_one_in_a_folder() {
    const PACKED: &[u8] = &[11, 2, 128, b'p', b'l', b'a', b'i', b'n', 3];
    const HELD: &[(&str, &[u8])] = &[
        ("manifest.json", br#"{"main.css":"main-1a2b3c4d.css","robots.txt":"robots.txt"}"#),
        // "plain", as Brotli writes it.
        ("main-1a2b3c4d.css.br", PACKED),
        ("robots.txt", b"User-agent: *"),
    ];
    assert!(Site::embedded(&[]).is_none());
    let site = Site::embedded(HELD).unwrap();
    let wanted = request(&[(header::ACCEPT_ENCODING, "br")]);
    let style = site.serve("main-1a2b3c4d.css", &wanted).await.unwrap();
    assert_eq!(style.headers()[header::CONTENT_ENCODING], "br");
    assert!(style.headers()[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
    assert_eq!(to_bytes(style.into_body(), 100).await.unwrap(), PACKED);
    let old = site.serve("main-1a2b3c4d.css", &request(&[(header::ACCEPT_ENCODING, "gzip")])).await.unwrap();
    assert_eq!(old.headers()[header::CONTENT_ENCODING], "gzip");
    let mut unpacked = String::new();
    let packed = to_bytes(old.into_body(), 100).await.unwrap();
    GzDecoder::new(&packed[..]).read_to_string(&mut unpacked).unwrap();
    assert_eq!(unpacked, "plain");
    let bare = site.serve("main-1a2b3c4d.css", &HeaderMap::new()).await.unwrap();
    assert_eq!(bare.headers()[header::CONTENT_LENGTH], "5");
    assert!(!bare.headers().contains_key(header::CONTENT_ENCODING));
    assert_eq!(to_bytes(bare.into_body(), 100).await.unwrap(), "plain".as_bytes());
    let robots = site.serve_at_root("/robots.txt", &request(&[(header::ACCEPT_ENCODING, "gzip")])).await.unwrap();
    assert!(!robots.headers().contains_key(header::CONTENT_ENCODING));
    assert!(site.serve_at_root("/main-1a2b3c4d.css", &wanted).await.is_none());
    for hidden in ["manifest.json", "main-1a2b3c4d.css.br", "main-1a2b3c4d.css.gz"] {
        assert!(site.serve(hidden, &wanted).await.is_none(), "{hidden}");
    }
    assert_eq!(site.manifest()["main.css"], "main-1a2b3c4d.css");
}

#[tokio::test]
async fn without_a_site_nothing_is_served() {
    let site = Site::open(None);
    assert!(site.serve("kubestats-1a2b3c4d.js", &HeaderMap::new()).await.is_none());
    assert!(site.manifest().is_empty());
}
