//! What requests bring, checked: every wrong parameter is named at once, with what is allowed.

use std::{collections::HashMap, fmt::Display, ops::RangeInclusive, str::FromStr};

use axum::{
    extract::{FromRequestParts, Query, RawPathParams},
    http::request::Parts,
};
use chrono::{DateTime, NaiveDate, Utc};
use entity::view::{PageQuery, Sort};
use serde::de::DeserializeOwned;
use utoipa::IntoParams;
use uuid::Uuid;

use super::problem::{Problem, Refused};

/// Longest filter text, in characters: names of Kubernetes objects have 253, paths of files are longer.
const MAX_TEXT: usize = 1_000;
/// Rows in one answer at most.
pub const MAX_LIMIT: u64 = 1_000;

/// Query parameters of an operation. Their fields are plain text, so that reading cannot fail half-way
/// and [`Check`] can report all that is wrong together.
#[derive(Clone, Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Query::try_from_uri(&parts.uri).map(|Query(params)| Self(params)).map_err(|rejection| {
            Problem::refused(vec![Refused {
                loc: vec!["query".to_owned()],
                msg: format!("cannot be read, give each parameter once: {}", rejection.body_text()),
                kind: "query",
                input: cut(parts.uri.query().unwrap_or_default()),
            }])
        })
    }
}

/// The id in a path such as `/repositories/{repository_id}`.
#[derive(Clone, Copy, Debug)]
pub struct Id(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Problem::not_found(rejection.body_text()))?;
        let mut check = Check::default();
        let id = path
            .iter()
            .find(|(name, _)| name.ends_with("_id"))
            .and_then(|(name, given)| check.at("path").parsed::<Uuid>(name, Some(given), "uuid", "a UUID"));
        check.finish()?;
        id.map(Self).ok_or_else(|| Problem::internal_text("a route takes an id that its path does not have"))
    }
}

/// Named parts of a path as text.
#[derive(Clone, Debug)]
pub struct PathText(HashMap<String, String>);

impl PathText {
    /// The part of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PathText {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Problem::not_found(rejection.body_text()))?;
        Ok(Self(path.iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()))
    }
}

/// Collects what is wrong with a request.
#[derive(Debug)]
pub struct Check {
    place: &'static str,
    errors: Vec<Refused>,
}

impl Default for Check {
    fn default() -> Self {
        Self { place: "query", errors: Vec::new() }
    }
}

impl Check {
    /// The same check for another part of the request.
    pub fn at(&mut self, place: &'static str) -> &mut Self {
        self.place = place;
        self
    }

    /// Notes an error.
    pub fn refuse(&mut self, name: &str, given: &str, kind: &'static str, msg: impl Into<String>) {
        self.errors.push(Refused {
            loc: vec![self.place.to_owned(), name.to_owned()],
            msg: msg.into(),
            kind,
            input: cut(given),
        });
    }

    /// A number within a range, or the default where none is given.
    pub fn number(&mut self, name: &str, given: Option<&str>, allowed: RangeInclusive<u64>, default: u64) -> u64 {
        let Some(given) = filled(given) else { return default };
        match given.trim().parse::<u64>() {
            Ok(number) if allowed.contains(&number) => number,
            _ => {
                let msg = if *allowed.end() == u64::MAX >> 1 {
                    format!("must be a whole number of at least {}", allowed.start())
                } else {
                    format!("must be a whole number from {} to {}", allowed.start(), allowed.end())
                };
                self.refuse(name, given, "number", msg);
                default
            }
        }
    }

    /// A value that reads itself from text.
    pub fn parsed<T: FromStr>(&mut self, name: &str, given: Option<&str>, kind: &'static str, what: &str) -> Option<T> {
        let given = filled(given)?;
        let parsed = given.trim().parse().ok();
        if parsed.is_none() {
            self.refuse(name, given, kind, format!("must be {what}"));
        }
        parsed
    }

    /// An id.
    pub fn uuid(&mut self, name: &str, given: Option<&str>) -> Option<Uuid> {
        self.parsed(name, given, "uuid", "a UUID")
    }

    /// A time with an offset.
    pub fn time(&mut self, name: &str, given: Option<&str>) -> Option<DateTime<Utc>> {
        self.parsed::<DateTime<chrono::FixedOffset>>(name, given, "datetime", "a time such as 2026-01-31T12:00:00Z")
            .map(|time| time.to_utc())
    }

    /// A day of four, two and two digits.
    pub fn day(&mut self, name: &str, given: Option<&str>) -> Option<NaiveDate> {
        let day = self.parsed::<NaiveDate>(name, given, "date", "a day such as 2026-01-31")?;
        let written = day.format("%Y-%m-%d").to_string();
        // Years of other lengths and signs are read as well, but meant by nobody.
        if written.len() != 10 || filled(given).map(str::trim) != Some(written.as_str()) {
            self.refuse(name, given.unwrap_or_default(), "date", "must be a day such as 2026-01-31");
            return None;
        }
        Some(day)
    }

    /// A number of days up to today, 30 where none is given.
    pub fn days(&mut self, given: Option<&str>, at_most: u32) -> u32 {
        u32::try_from(self.number("days", given, 1..=u64::from(at_most), 30)).unwrap_or(at_most)
    }

    /// A commit's hash, or a beginning of it with so many digits at least.
    pub fn commit(&mut self, name: &str, given: Option<&str>, at_least: usize) -> Option<String> {
        let given = filled(given)?.trim();
        let fits = (at_least..=64).contains(&given.len()) && given.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !fits {
            self.refuse(name, given, "commit", format!("must be a commit's hash: {at_least} to 64 hexadecimal digits"));
        }
        fits.then(|| given.to_ascii_lowercase())
    }

    /// Yes or no; no where nothing is given.
    pub fn flag(&mut self, name: &str, given: Option<&str>) -> bool {
        match filled(given) {
            None | Some("false" | "0") => false,
            Some("true" | "1") => true,
            Some(given) => {
                self.refuse(name, given, "bool", "must be true or false");
                false
            }
        }
    }

    /// One of the fixed words.
    pub fn word<T>(&mut self, name: &str, given: Option<&str>) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let given = filled(given)?;
        given.trim().parse().map_err(|error: T::Err| self.refuse(name, given, "enum", error.to_string())).ok()
    }

    /// Fixed words separated by commas.
    pub fn words<T>(&mut self, name: &str, given: Option<&str>) -> Vec<T>
    where
        T: FromStr + PartialEq,
        T::Err: Display,
    {
        let mut words = Vec::new();
        for given in filled(given).unwrap_or_default().split(',').filter(|word| !word.trim().is_empty()) {
            if let Some(word) = self.word(name, Some(given))
                && !words.contains(&word)
            {
                words.push(word);
            }
            if self.errors.len() > 20 {
                break;
            }
        }
        words
    }

    /// One of the names of a choice, the default where none is given.
    pub fn choice<T: Copy + Default>(&mut self, name: &str, given: Option<&str>, allowed: &[(&str, T)]) -> T {
        let Some(given) = filled(given) else { return T::default() };
        if let Some((_, choice)) = allowed.iter().find(|(word, _)| word.eq_ignore_ascii_case(given.trim())) {
            return *choice;
        }
        let words = allowed.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        self.refuse(name, given, "enum", format!("{:?} is not known here; allowed: {words}", cut(given)));
        T::default()
    }

    /// Direction of a sorted list.
    pub fn direction(&mut self, given: Option<&str>) -> Sort {
        self.choice("direction", given, &[("ascending", Sort::Ascending), ("descending", Sort::Descending)])
    }

    /// Free text to look for.
    pub fn text(&mut self, name: &str, given: Option<&str>) -> Option<String> {
        let given = filled(given)?;
        if given.chars().count() > MAX_TEXT {
            self.refuse(name, given, "string", format!("must have at most {MAX_TEXT} characters"));
            return None;
        }
        if given.contains('\0') {
            self.refuse(name, given, "string", "must not hold a NUL character");
            return None;
        }
        Some(given.to_owned())
    }

    /// Answers with everything that is wrong, if something is.
    ///
    /// # Errors
    /// A 422 that lists each refused part.
    pub fn finish(self) -> Result<(), Problem> {
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::refused(self.errors)) }
    }
}

/// Which rows of a list.
#[derive(Clone, Debug, Default, serde::Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// Rows to pass over.
    #[param(value_type = Option<u64>, minimum = 0, default = 0)]
    skip: Option<String>,
    /// Rows to give.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<String>,
}

impl PageParams {
    /// The checked page.
    pub fn page(&self, check: &mut Check) -> PageQuery {
        PageQuery {
            skip: check.number("skip", self.skip.as_deref(), 0..=u64::MAX >> 1, 0),
            limit: check.number("limit", self.limit.as_deref(), 1..=MAX_LIMIT, 100),
        }
    }
}

/// An empty parameter, as forms send it, is no parameter.
fn filled(given: Option<&str>) -> Option<&str> {
    given.filter(|text| !text.is_empty())
}

fn cut(given: &str) -> String {
    given.chars().take(100).collect()
}
