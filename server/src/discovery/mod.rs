//! What discovery decides, without asking anybody: what to search for where, and which of what is found is taken up.

mod decide;
mod plan;

pub use decide::{Decision, Rules, decide};
pub use plan::{plan, same_plan, search_of};
