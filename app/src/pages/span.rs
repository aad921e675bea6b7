use chrono::TimeDelta;
use entity::view::Timestamp;

use crate::components::{PageUrl, Tab};

/// How far back the activity chart reaches; `span` in the address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Span {
    Month,
    #[default]
    Quarter,
    Year,
    All,
}

impl Span {
    const ALL: &'static [Self; 4] = &[Self::Month, Self::Quarter, Self::Year, Self::All];

    /// The word in the address.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Month => "30d",
            Self::Quarter => "90d",
            Self::Year => "1y",
            Self::All => "all",
        }
    }

    /// What may be shown: the span that the word names, else 90 days, and longer ones if nothing happened in those.
    #[must_use]
    pub fn candidates(word: Option<&str>) -> &'static [Self] {
        match Self::ALL.iter().position(|span| Some(span.as_str()) == word) {
            Some(at) => &Self::ALL[at..=at],
            None => &Self::ALL[1..],
        }
    }

    /// The first moment that counts; `None` for the whole history.
    #[must_use]
    pub fn since(self, now: Timestamp) -> Option<Timestamp> {
        let days = match self {
            Self::Month => 30,
            Self::Quarter => 90,
            Self::Year => 365,
            Self::All => return None,
        };
        now.checked_sub_signed(TimeDelta::days(days))
    }

    /// How many bars are still told apart: days for a quarter, weeks for a year.
    #[must_use]
    pub const fn buckets(self) -> u32 {
        match self {
            Self::Month => 31,
            Self::Quarter => 91,
            Self::Year => 53,
            Self::All => 120,
        }
    }

    /// The choices as links.
    #[must_use]
    pub fn tabs(self, url: &PageUrl) -> Vec<Tab> {
        Self::ALL
            .iter()
            .map(|span| Tab::new(span.as_str(), url.with("span", span.as_str()).href(), *span == self))
            .collect()
    }
}
