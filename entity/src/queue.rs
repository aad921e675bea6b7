//! The job queue: work is rows.
