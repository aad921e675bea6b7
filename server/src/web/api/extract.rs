//! What requests bring, checked: every wrong parameter is named at once, with what is allowed.

use std::{collections::HashMap, ops::RangeInclusive, str::FromStr};

use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request, rejection::JsonRejection},
    http::request::Parts,
};
use chrono::{DateTime, NaiveDate, Utc};
use entity::{
    kind::UnknownWord,
    view::{PageQuery, Sort},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use store::given::{self, Unusable};
use utoipa::IntoParams;
use uuid::Uuid;

use super::problem::{Problem, Refused};

/// Rows in one answer at most.
pub const MAX_LIMIT: u64 = 1_000;
/// Nobody passes over more rows.
pub const MAX_SKIP: u64 = 1_000_000_000;

/// Query parameters of an operation. Their fields are plain text, so that reading cannot fail half-way
/// and [`Check`] can report all that is wrong together.
#[derive(Clone, Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let refused = |msg: String| {
            let loc = vec!["query".to_owned()];
            Problem::refused(vec![Refused { loc, msg, kind: "query", input: cut(query) }])
        };
        given::query(query).map_err(|unusable| refused(unusable.to_string()))?;
        Query::try_from_uri(&parts.uri).map(|Query(params)| Self(params)).map_err(|rejection| {
            refused(format!("cannot be read, give each parameter once: {}", rejection.body_text()))
        })
    }
}

/// The id in a path such as `/repositories/{repository_id}`.
#[derive(Clone, Copy, Debug)]
pub struct Id(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        id_in_path(parts, state, Check::uuid).await.map(Self)
    }
}

/// The id in a path such as `/charts/{chart_id}`: a number, as it follows from a name.
#[derive(Clone, Copy, Debug)]
pub struct NumberId(pub i64);

impl<S: Send + Sync> FromRequestParts<S> for NumberId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        id_in_path(parts, state, Check::number_id).await.map(Self)
    }
}

/// The first part of the path that is called an id, read by its check.
async fn id_in_path<T, S: Send + Sync>(
    parts: &mut Parts,
    state: &S,
    read: fn(&mut Check, &str, Option<&str>) -> Option<T>,
) -> Result<T, Problem> {
    let path = RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|rejection| Problem::not_found(rejection.body_text()))?;
    let mut check = Check::default();
    let id = path
        .iter()
        .find(|(name, _)| name.ends_with("_id"))
        .and_then(|(name, given)| read(check.at("path"), name, Some(given)));
    check.finish()?;
    id.ok_or_else(|| Problem::internal_text("a route takes an id that its path does not have"))
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

/// What was sent as JSON.
#[derive(Clone, Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        // An object it has to be: a list of its fields' values would be read as well.
        let sent: Result<Json<Map<String, Value>>, _> = Json::from_request(request, state).await;
        let read = match sent {
            Ok(Json(mut sent)) => {
                sent.values_mut().for_each(make_whole);
                serde_json::from_value(Value::Object(sent)).map_err(|error| error.to_string())
            }
            Err(JsonRejection::JsonDataError(error)) => Err(error.body_text()),
            Err(rejection) => return Err(Problem::new(rejection.status(), rejection.body_text())),
        };
        read.map(Self).map_err(unreadable_body)
    }
}

/// JSON has one kind of number, and programs write `300.0` for 300: what is whole is read as such. What binary fractions can't tell
/// from its neighbours stays as it is.
fn make_whole(value: &mut Value) {
    const EXACT: f64 = (1_u64 << 53) as f64;
    match value {
        Value::Array(values) => values.iter_mut().for_each(make_whole),
        Value::Object(fields) => fields.values_mut().for_each(make_whole),
        Value::Number(number) => {
            let read = number.as_f64().filter(|read| number.is_f64() && read.fract() == 0.0 && read.abs() < EXACT);
            #[expect(clippy::cast_possible_truncation, reason = "whole, and within what fits")]
            if let Some(read) = read {
                *number = (read as i64).into();
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// The answer where a body can't be read into what is wanted.
pub fn unreadable_body(why: impl Into<String>) -> Problem {
    let mut check = Check::default();
    check.at("body").refuse("", "", "type", why);
    check.problem()
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
            // The whole of a body has no name.
            loc: [self.place, name].into_iter().filter(|part| !part.is_empty()).map(str::to_owned).collect(),
            msg: msg.into(),
            kind,
            input: cut(given),
        });
    }

    /// A number within a range, or the default where none is given.
    pub fn number(&mut self, name: &str, given: Option<&str>, allowed: RangeInclusive<u64>, default: u64) -> u64 {
        let Some(given) = given else { return default };
        match given::number(given) {
            Ok(number) if allowed.contains(&number) => number,
            _ => {
                let msg = format!("must be a whole number from {} to {}", allowed.start(), allowed.end());
                self.refuse(name, given, "number", msg);
                default
            }
        }
    }

    /// A value read by a rule that pages share.
    fn read<T>(&mut self, name: &str, given: &str, kind: &'static str, read: Result<T, Unusable>) -> Option<T> {
        read.map_err(|unusable| self.refuse(name, given, kind, unusable.to_string())).ok()
    }

    /// An id.
    pub fn uuid(&mut self, name: &str, given: Option<&str>) -> Option<Uuid> {
        let given = given?;
        self.read(name, given, "uuid", given::id(given))
    }

    /// An id that is a number.
    pub fn number_id(&mut self, name: &str, given: Option<&str>) -> Option<i64> {
        let id = self.number(name, given, 1..=i64::MAX.unsigned_abs(), 0);
        i64::try_from(id).ok().filter(|id| *id > 0)
    }

    /// A time with an offset, as RFC 3339 has it.
    pub fn time(&mut self, name: &str, given: Option<&str>) -> Option<DateTime<Utc>> {
        let given = given?;
        self.read(name, given, "datetime", given::time(given))
    }

    /// A time, or a day, which is meant to its end.
    pub fn moment(&mut self, name: &str, given: Option<&str>) -> Option<DateTime<Utc>> {
        let given = given?;
        self.read(name, given, "datetime", given::moment(given))
    }

    /// A day of four, two and two digits.
    pub fn day(&mut self, name: &str, given: Option<&str>) -> Option<NaiveDate> {
        let given = given?;
        self.read(name, given, "date", given::day(given))
    }

    /// A number of days up to today, 30 where none is given.
    pub fn days(&mut self, given: Option<&str>, at_most: u32) -> u32 {
        u32::try_from(self.number("days", given, 1..=u64::from(at_most), 30)).unwrap_or(at_most)
    }

    /// A commit's hash, or a beginning of it with so many digits at least.
    pub fn commit(&mut self, name: &str, given: Option<&str>, at_least: usize) -> Option<String> {
        let given = given?;
        let fits = (at_least..=64).contains(&given.len()) && given.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !fits {
            self.refuse(name, given, "commit", format!("must be a commit's hash: {at_least} to 64 hexadecimal digits"));
        }
        fits.then(|| given.to_ascii_lowercase())
    }

    /// Yes or no; no where nothing is given.
    pub fn flag(&mut self, name: &str, given: Option<&str>) -> bool {
        match given {
            None | Some("false") => false,
            Some("true") => true,
            Some(given) => {
                self.refuse(name, given, "bool", "must be true or false");
                false
            }
        }
    }

    /// Yes, no, or nothing given.
    pub fn maybe_flag(&mut self, name: &str, given: Option<&str>) -> Option<bool> {
        given.map(|given| self.flag(name, Some(given)))
    }

    /// One of the fixed words.
    pub fn word<T: FromStr<Err = UnknownWord>>(&mut self, name: &str, given: Option<&str>) -> Option<T> {
        let given = given?;
        self.read(name, given, "enum", given::word(given))
    }

    /// Fixed words separated by commas.
    pub fn words<T>(&mut self, name: &str, given: Option<&str>) -> Vec<T>
    where
        T: FromStr<Err = UnknownWord> + PartialEq,
    {
        let mut words = Vec::new();
        for given in given.into_iter().flat_map(|given| given.split(',')) {
            let Some(word) = self.read(name, given, "enum", given::word(given)) else { break };
            if !words.contains(&word) {
                words.push(word);
            }
        }
        words
    }

    /// One of the names of a choice, the default where none is given.
    pub fn choice<T: Copy + Default>(&mut self, name: &str, given: Option<&str>, allowed: &[(&str, T)]) -> T {
        let Some(given) = given else { return T::default() };
        if let Some((_, choice)) = allowed.iter().find(|(word, _)| word.eq_ignore_ascii_case(given)) {
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
        // A part of every text: an empty one is no filter.
        let given = given.filter(|text| !text.is_empty())?;
        self.read(name, given, "string", given::text(given)).map(str::to_owned)
    }

    /// Free text without which nothing can be answered. `what` says what it is.
    pub fn required(&mut self, name: &str, given: Option<&str>, what: &str) -> String {
        if given.is_none_or(str::is_empty) {
            self.refuse(name, "", "missing", format!("must be given: {what}"));
        }
        self.text(name, given).unwrap_or_default()
    }

    /// Answers with everything that is wrong, if something is.
    ///
    /// # Errors
    /// A 422 that lists each refused part.
    pub fn finish(self) -> Result<(), Problem> {
        if self.errors.is_empty() { Ok(()) } else { Err(self.problem()) }
    }

    /// The answer that lists each refused part.
    #[must_use]
    pub fn problem(self) -> Problem {
        Problem::refused(self.errors)
    }
}

/// Which rows of a list.
#[derive(Clone, Debug, Default, serde::Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// Rows to pass over.
    #[param(value_type = Option<u64>, minimum = 0, maximum = 1_000_000_000, default = 0)]
    skip: Option<String>,
    /// Rows to give.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<String>,
}

impl PageParams {
    /// The checked page.
    pub fn page(&self, check: &mut Check) -> PageQuery {
        PageQuery {
            skip: check.number("skip", self.skip.as_deref(), 0..=MAX_SKIP, 0),
            limit: check.number("limit", self.limit.as_deref(), 1..=MAX_LIMIT, 100),
        }
    }
}

fn cut(given: &str) -> String {
    given.chars().take(100).collect()
}
