//! Values of charts: merged as Helm merges them, and what they come to.

mod leaves;
mod masked;
mod merged;
mod path;
mod set;
mod statistics;
mod view;

pub use leaves::{Leaf, Values};
pub(super) use masked::is_masked;
pub(super) use merged::{LayerLines, Layers, Merged};
pub use path::KeyPath;
pub(super) use set::typed;
pub use statistics::{PathStatistic, statistics};
pub(super) use view::{Shape, View};
