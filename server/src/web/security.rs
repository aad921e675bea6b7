//! Headers that tell browsers what our answers may do: load from here, run what we wrote, be framed by nobody.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};

use super::client_address::Client;

/// For a year, this host alone: what else is called by a name below it is not ours to decide.
const ONLY_HTTPS: &str = "max-age=31536000";

/// For data: nothing in it is to be run or loaded.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// For scripts, as a worker is held to the policy of its own file: it asks this server, and loads nothing.
pub const WORKER_POLICY: &str = "default-src 'none'; connect-src 'self'; frame-ancestors 'none'";

/// For the documentation: its scripts and styles are files of ours; it sets styles and icons from scripts.
pub const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// For pages: scripts are ours by file or by this answer's nonce, WebAssembly may be compiled, and charts and
/// progress bars may set `style` attributes.
#[must_use]
pub fn page_policy(nonce: &str, reload: bool) -> String {
    // The development server's reload socket listens on another port.
    let reload = if reload { " ws: wss:" } else { "" };
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; \
         style-src 'self' 'nonce-{nonce}'; style-src-attr 'unsafe-inline'; img-src 'self' data:; \
         font-src 'self'; connect-src 'self'{reload}; manifest-src 'self'; worker-src 'self'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'"
    )
}

/// Whether browsers reach us by https alone, as the configuration says, whatever a proxy tells.
#[derive(Clone, Copy, Debug)]
pub struct HttpsAlone(pub bool);

/// Every cookie that is set over https is for https alone, whoever set it.
fn secure_cookies(headers: &mut HeaderMap) {
    let is_secure = |cookie: &str| cookie.split(';').skip(1).any(|part| part.trim().eq_ignore_ascii_case("secure"));
    let secured = |cookie: &HeaderValue| match cookie.to_str() {
        Ok(text) if !is_secure(text) => HeaderValue::from_str(&format!("{text}; Secure")).unwrap_or(cookie.clone()),
        _ => cookie.clone(),
    };
    let cookies: Vec<HeaderValue> = headers.get_all(header::SET_COOKIE).iter().map(secured).collect();
    headers.remove(header::SET_COOKIE);
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
}

/// Adds what every answer carries; a policy that the handler set stays.
pub async fn headers(State(HttpsAlone(https_alone)): State<HttpsAlone>, request: Request, next: Next) -> Response {
    let by_https = request.extensions().get::<Client>().is_some_and(|client| client.https);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if by_https || https_alone {
        secure_cookies(headers);
    }
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if by_https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(ONLY_HTTPS));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(DATA_POLICY));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_secured_once_and_stay_what_they_are() {
        let mut headers = HeaderMap::new();
        for cookie in ["theme=dark; Path=/; SameSite=Lax", "__Host-kubestats=a; secure; HttpOnly", "secure=1; Path=/"] {
            headers.append(header::SET_COOKIE, HeaderValue::from_static(cookie));
        }
        secure_cookies(&mut headers);
        let cookies: Vec<&str> = headers.get_all(header::SET_COOKIE).iter().map(|it| it.to_str().unwrap()).collect();
        let expected = [
            "theme=dark; Path=/; SameSite=Lax; Secure",
            "__Host-kubestats=a; secure; HttpOnly",
            "secure=1; Path=/; Secure",
        ];
        assert_eq!(cookies, expected);
    }
}
