use std::collections::BTreeSet;

use anyhow::ensure;
use migration::{Migrator, MigratorTrait as _};

/// A database's schema beside the program's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// Steps that the program knows and the database has not taken.
    pub pending: Vec<String>,
    /// Steps that the database has taken and the program does not know.
    pub unknown: Vec<String>,
}

impl Schema {
    /// Compares what was applied with what the program has.
    #[must_use]
    pub fn of(applied: &[String]) -> Self {
        let known: Vec<String> = Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
        let has: BTreeSet<&String> = applied.iter().collect();
        Self {
            pending: known.iter().filter(|name| !has.contains(name)).cloned().collect(),
            unknown: applied.iter().filter(|name| !known.contains(name)).cloned().collect(),
        }
    }

    /// Refuses what this program cannot work with.
    ///
    /// # Errors
    /// If the schema is of a newer program.
    pub fn check(&self, what: &str) -> anyhow::Result<()> {
        let newest = self.unknown.last().map(String::as_str).unwrap_or_default();
        ensure!(
            self.unknown.is_empty(),
            "{what} is of a newer Kubestats than this one, {}: {} of its migrations are not known here, such as {newest}. Use the \
             program that wrote it, or a newer one",
            env!("CARGO_PKG_VERSION"),
            self.unknown.len()
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_and_newer_schemas_are_told_apart() {
        let all: Vec<String> = Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
        assert_eq!(Schema::of(&all), Schema::default());
        let older = Schema::of(&all[..all.len() - 2]);
        assert_eq!((older.pending.len(), older.unknown.len()), (2, 0));
        older.check("it").unwrap();
        let newer = Schema::of(&[all, vec!["m29990101_000001_fly".to_owned()]].concat());
        assert_eq!((newer.pending.len(), newer.unknown.len()), (0, 1));
        let told = newer.check("the backup").unwrap_err().to_string();
        assert!(
            told.starts_with("the backup is of a newer Kubestats") && told.contains("m29990101_000001_fly"),
            "{told}"
        );
    }
}
