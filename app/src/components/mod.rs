//! The design system's parts, one file each. Every part renders on the server and reads without JavaScript;
//! `/dev/components` shows each in every state.

mod act_form;
mod badge;
mod breadcrumb;
mod copy;
mod date_field;
mod diff;
mod event;
mod field_changes;
mod form;
mod given;
mod icon;
mod input_field;
mod metric;
mod number;
mod once;
mod pager;
mod progress;
mod search_form;
mod skeleton;
mod state;
mod table;
mod tabs;
mod text_area;
mod time_ago;
mod timeline;
mod tree;
mod url;
mod version;
mod yaml;

pub use act_form::{ActFailed, ActForm};
pub use badge::{
    EventTypeBadge, GitOpsBadge, JobStateBadge, KindBadge, OriginBadge, ProblemBadge, ResourceStatusBadge, StatusBadge,
    event_words, gitops_word, status, status_about,
};
pub use breadcrumb::{Breadcrumb, Crumb, PageHead, Section};
pub use copy::CopyButton;
pub use date_field::DateField;
#[cfg(feature = "ssr")]
pub use diff::compare;
pub use diff::{DiffHtml, DiffMode, DiffView};
pub(crate) use event::cut_path;
pub use event::{CommitFold, EventLine, EventList};
pub use field_changes::FieldChanges;
pub use form::{Chip, Chips, Choice, FilterBar, Select, TextField};
pub use icon::{Glyph, Icon};
pub use input_field::InputField;
pub use metric::{Metric, Metrics};
pub use number::{Bytes, Number, bytes_text, counted, number_text};
pub use once::Once;
pub use pager::{PAGE_SIZES, Pager, page_query};
pub use progress::{JobLine, Progress};
pub use search_form::SearchForm;
pub use skeleton::{SkeletonBlock, SkeletonRows};
pub use state::{EmptyState, ErrorPanel, Notice};
pub use table::{SortHead, Table};
pub use tabs::{Segments, Tab, Tabs};
pub use text_area::TextArea;
pub use time_ago::{MaybeTimeAgo, TimeAgo, exact, provide_clock, relative};
pub use timeline::VersionTimeline;
pub use tree::Tree;
pub use url::{
    PageUrl, branch_href, chart_href, chart_keys, commit_href, compare_href, image_href, query_pairs, repository_href,
    resource_href, short_sha, upgrade_href, watch_href,
};
pub use version::{Version, VersionChange, tag_version};
#[cfg(feature = "ssr")]
pub(crate) use yaml::escape as yaml_escape;
#[cfg(feature = "ssr")]
pub use yaml::{NamedResource, highlight};
pub use yaml::{YamlHtml, YamlView};
