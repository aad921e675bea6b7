//! As of when: what charts and images were at any time of the past is asked for in one way.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type, schema::AnyOfBuilder},
};

use crate::web::api::extract::Check;

/// As of when.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AtParams {
    /// As it was then: at a time, or at the end of a day (UTC); without it, as it is now.
    #[param(inline, value_type = Option<Moment>)]
    at: Option<String>,
}

impl AtParams {
    /// The checked time; `None` is now.
    pub fn moment(&self, check: &mut Check) -> Option<DateTime<Utc>> {
        check.moment("at", self.at.as_deref())
    }
}

/// A time or a day, described as "any of": readers that take formats for notes alone see text in both, and none of it
/// would be exactly one of them.
pub struct Moment;

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        let text =
            |format| ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(format)));
        AnyOfBuilder::new().item(text(KnownFormat::DateTime)).item(text(KnownFormat::Date)).into()
    }
}

impl ToSchema for Moment {}
