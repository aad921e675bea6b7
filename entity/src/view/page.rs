use serde::{Deserialize, Serialize};

/// One page of a list with the true total of everything that matches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Listing<T> {
    /// The rows of this page.
    pub data: Vec<T>,
    /// How many rows match in all, not only on this page.
    pub count: u64,
}

impl<T> Default for Listing<T> {
    fn default() -> Self {
        Self { data: Vec::new(), count: 0 }
    }
}

impl<T> Listing<T> {
    /// The same page with other rows.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Listing<U> {
        Listing { data: self.data.into_iter().map(convert).collect(), count: self.count }
    }
}

/// Which rows of a list: how many to pass over, how many to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageQuery {
    /// Rows to pass over.
    pub skip: u64,
    /// Rows to give, at most 1,000.
    pub limit: u64,
}

impl Default for PageQuery {
    fn default() -> Self {
        Self { skip: 0, limit: 100 }
    }
}

/// Direction of a sorted list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// Small before large, old before new.
    Ascending,
    /// Large before small, new before old.
    #[default]
    Descending,
}
