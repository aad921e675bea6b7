//! What a tree uses: charts and where they come from, the values that they get, images, and what refers to what.
//!
//! Three steps. [`FileFacts`] says what one file says, read once per blob. [`Tree`] is all files of a commit. An
//! [`Evaluator`] keeps what every document comes to in the builds that reach it, and from commit to commit evaluates
//! again only what a change may have changed; [`Uses`] puts it together.
//!
//! Nothing is rendered: neither charts nor patches. Where that makes an answer uncertain, it says so.

mod answer;
mod chart_use;
mod evaluate;
mod evaluator;
mod facts;
mod image;
mod index;
mod source;
mod spans;
mod text;
mod tree;
mod values;
mod ways;

pub use answer::{ChartRow, Figures, Image, Uses, UsesAnswer};
pub use chart_use::{ChartUse, ValuesFromCount};
pub use evaluate::Reference;
pub use evaluator::{Change, Delta, Evaluator, Findings};
pub use facts::FileFacts;
pub use image::{FoundImage, ImageName, ImagePlace};
pub use source::{ChartSources, SourcesError};
pub use spans::{KnownSpans, NothingKnown, TrackedCommit, Tracker, chart_id};
pub use tree::{Blobs, NoBlobs, Tree};
pub use values::{Leaf, PathStatistic, Values, statistics};
