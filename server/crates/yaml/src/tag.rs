/// What a node resolves to by YAML 1.1, the way libyaml's users (and Kubernetes) read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Tag {
    Str,
    Int,
    Float,
    Bool,
    Null,
    Timestamp,
    Binary,
    /// The `<<` key.
    Merge,
    /// The `=` scalar.
    Value,
    Seq,
    Map,
    /// Any other tag (`!secret`, `!include`, `!!set`): kept as a plain value.
    Other,
    /// An alias to a node that it stands inside of.
    Cycle,
}

const CORE: &str = "tag:yaml.org,2002:";

impl Tag {
    /// The tag that a full tag URI names.
    pub(crate) fn from_uri(uri: &str) -> Self {
        match uri.strip_prefix(CORE) {
            Some("str") => Self::Str,
            Some("int") => Self::Int,
            Some("float") => Self::Float,
            Some("bool") => Self::Bool,
            Some("null") => Self::Null,
            Some("timestamp") => Self::Timestamp,
            Some("binary") => Self::Binary,
            Some("merge") => Self::Merge,
            Some("value") => Self::Value,
            Some("seq") => Self::Seq,
            Some("map") => Self::Map,
            _ => Self::Other,
        }
    }
}

/// Resolves a plain scalar. Equal to PyYAML's resolver for every text; most are decided by their first byte.
#[must_use]
pub fn resolve_plain(text: &str) -> Tag {
    let bytes = text.as_bytes();
    let Some(&first) = bytes.first() else { return Tag::Null };
    match first {
        b'0'..=b'9' => number(bytes),
        b'-' | b'+' | b'.' => {
            if bytes.len() == 1 {
                Tag::Str
            } else {
                number(bytes)
            }
        }
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' => match text {
            "yes" | "Yes" | "YES" | "no" | "No" | "NO" | "true" | "True" | "TRUE" | "false" | "False" | "FALSE"
            | "on" | "On" | "ON" | "off" | "Off" | "OFF" => Tag::Bool,
            "null" | "Null" | "NULL" => Tag::Null,
            _ => Tag::Str,
        },
        b'~' if bytes.len() == 1 => Tag::Null,
        b'<' if bytes == b"<<" => Tag::Merge,
        b'=' if bytes.len() == 1 => Tag::Value,
        _ => Tag::Str,
    }
}

fn number(bytes: &[u8]) -> Tag {
    // No number or date of YAML 1.1 holds any other byte; most names and versions end here.
    let possible = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' | b'+' | b'-' | b'.' | b':' | b'_' | b'x' | b' ' | b'\t' | b'T' | b't' | b'Z' | b'i' | b'n' | b'I' | b'N');
    if !bytes.iter().all(possible) {
        return Tag::Str;
    }
    if is_float(bytes) {
        Tag::Float
    } else if is_int(bytes) {
        Tag::Int
    } else if is_timestamp(bytes) {
        Tag::Timestamp
    } else {
        Tag::Str
    }
}

fn unsigned(bytes: &[u8]) -> &[u8] {
    match bytes {
        [b'-' | b'+', rest @ ..] => rest,
        _ => bytes,
    }
}

/// How many leading bytes satisfy `wanted`.
fn run(bytes: &[u8], wanted: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|&byte| !wanted(byte)).unwrap_or(bytes.len())
}

fn digit_or_underscore(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'_'
}

/// `(?:[eE][-+][0-9]+)?` to the end.
fn exponent_to_end(bytes: &[u8]) -> bool {
    match bytes {
        [] => true,
        [b'e' | b'E', b'-' | b'+', digits @ ..] => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// `(?::[0-5]?[0-9])+`: what is left behind it, or `None` where there is not even one.
fn after_sexagesimal(mut bytes: &[u8]) -> Option<&[u8]> {
    let mut any = false;
    loop {
        bytes = match bytes {
            [b':', b'0'..=b'5', b'0'..=b'9', rest @ ..] | [b':', b'0'..=b'9', rest @ ..] => rest,
            _ => return any.then_some(bytes),
        };
        any = true;
    }
}

fn is_float(bytes: &[u8]) -> bool {
    if let [b'.', rest @ ..] = bytes {
        if matches!(rest, b"nan" | b"NaN" | b"NAN") {
            return true;
        }
        if rest.first().is_some_and(u8::is_ascii_digit) {
            return exponent_to_end(&rest[run(rest, digit_or_underscore)..]);
        }
    }
    let body = unsigned(bytes);
    if matches!(body, b".inf" | b".Inf" | b".INF") {
        return true;
    }
    if !body.first().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    let rest = &body[run(body, digit_or_underscore)..];
    match rest {
        [b'.', fraction @ ..] => exponent_to_end(&fraction[run(fraction, digit_or_underscore)..]),
        [b':', ..] => match after_sexagesimal(rest) {
            Some([b'.', fraction @ ..]) => fraction.iter().all(|&byte| digit_or_underscore(byte)),
            _ => false,
        },
        _ => false,
    }
}

fn is_int(bytes: &[u8]) -> bool {
    let body = unsigned(bytes);
    match body {
        [b'0'] => true,
        [b'0', b'b', rest @ ..] => !rest.is_empty() && rest.iter().all(|byte| matches!(byte, b'0' | b'1' | b'_')),
        [b'0', b'x', rest @ ..] => {
            !rest.is_empty() && rest.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'_')
        }
        [b'0', rest @ ..] => rest.iter().all(|byte| matches!(byte, b'0'..=b'7' | b'_')),
        [b'1'..=b'9', ..] => {
            let rest = &body[run(body, digit_or_underscore)..];
            rest.is_empty() || after_sexagesimal(rest).is_some_and(<[u8]>::is_empty)
        }
        _ => false,
    }
}

fn is_timestamp(bytes: &[u8]) -> bool {
    let digits = |bytes: &[u8], count: usize| bytes.len() >= count && bytes[..count].iter().all(u8::is_ascii_digit);
    if !(digits(bytes, 4) && bytes.get(4) == Some(&b'-')) {
        return false;
    }
    let rest = &bytes[5..];
    if rest.len() == 5 && digits(rest, 2) && rest[2] == b'-' && digits(&rest[3..], 2) {
        return true;
    }
    time_of_day(rest).is_some()
}

/// What follows `YYYY-` in a timestamp with a time of day.
fn time_of_day(bytes: &[u8]) -> Option<()> {
    let one_or_two = |bytes: &[u8]| {
        (1..=2).contains(&run(bytes, |b| b.is_ascii_digit())).then(|| run(bytes, |b| b.is_ascii_digit()))
    };
    let rest = &bytes[one_or_two(bytes)?..];
    let rest = rest.strip_prefix(b"-")?;
    let rest = &rest[one_or_two(rest)?..];
    let rest = match rest {
        [b'T' | b't', rest @ ..] => rest,
        [b' ' | b'\t', ..] => &rest[run(rest, |b| matches!(b, b' ' | b'\t'))..],
        _ => return None,
    };
    let rest = &rest[one_or_two(rest)?..];
    let [b':', b'0'..=b'9', b'0'..=b'9', b':', b'0'..=b'9', b'0'..=b'9', rest @ ..] = rest else { return None };
    let rest = match rest {
        [b'.', fraction @ ..] => &fraction[run(fraction, |b| b.is_ascii_digit())..],
        _ => rest,
    };
    if rest.is_empty() {
        return Some(());
    }
    let zone = &rest[run(rest, |b| matches!(b, b' ' | b'\t'))..];
    match zone {
        [b'Z'] => Some(()),
        [b'-' | b'+', offset @ ..] => {
            let rest = &offset[one_or_two(offset)?..];
            match rest {
                [] | [b':', b'0'..=b'9', b'0'..=b'9'] => Some(()),
                _ => None,
            }
        }
        _ => None,
    }
}
