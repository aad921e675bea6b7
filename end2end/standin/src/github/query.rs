//! GitHub's search language, as far as repositories go: qualifiers, ranges, negation, words.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};

use crate::world::{Access, Repository};

/// GitHub refuses queries with more operators than this.
const MOST_OPERATORS: usize = 5;

/// A parsed query: every term has to hold.
#[derive(Debug, PartialEq)]
pub(crate) struct Query {
    terms: Vec<(bool, Term)>,
    places: Places,
    forks: Forks,
}

#[derive(Debug, PartialEq, Clone, Copy)]
enum Forks {
    Left,
    Included,
    Only,
}

/// Where words are looked for.
#[derive(Debug, PartialEq, Clone, Copy)]
struct Places {
    name: bool,
    description: bool,
    topics: bool,
}

#[derive(Debug, PartialEq)]
enum Term {
    Word(String),
    Topic(String),
    Owner(String),
    Repo(String),
    Language(String),
    License(String),
    Archived(bool),
    Public(bool),
    Size(Range<u64>),
    Stars(Range<u64>),
    Forks(Range<u64>),
    Topics(Range<u64>),
    Pushed(Range<DateTime<Utc>>),
    Created(Range<DateTime<Utc>>),
}

/// From and to, both included; `None` is open.
#[derive(Debug, PartialEq, Clone, Copy)]
struct Range<T>(Option<T>, Option<T>);

impl<T: PartialOrd> Range<T> {
    fn holds(&self, value: &T) -> bool {
        self.0.as_ref().is_none_or(|from| value >= from) && self.1.as_ref().is_none_or(|to| value <= to)
    }
}

impl Query {
    /// Reads a query; the error is what GitHub would say is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut query = Self {
            terms: Vec::new(),
            places: Places { name: true, description: true, topics: true },
            forks: Forks::Left,
        };
        let mut negated = false;
        let mut operators = 0;
        for token in tokens(text) {
            match token.as_str() {
                "NOT" => {
                    negated = true;
                    operators += 1;
                    continue;
                }
                "AND" => {
                    operators += 1;
                    continue;
                }
                "OR" => return Err("OR between terms of a repository search is not played by the stand-in.".to_owned()),
                _ => {}
            }
            let (minus, rest) = token.strip_prefix('-').map_or((false, token.as_str()), |rest| (true, rest));
            query.term(rest, minus != negated)?;
            negated = false;
        }
        if operators > MOST_OPERATORS {
            return Err("More than five AND / OR / NOT operators were used.".to_owned());
        }
        Ok(query)
    }

    fn term(&mut self, text: &str, negated: bool) -> Result<(), String> {
        let (name, value) = match text.split_once(':') {
            Some((name, value)) if !name.starts_with('"') => (name.to_lowercase(), value.trim_matches('"').to_owned()),
            _ => {
                let word = text.trim_matches('"').to_lowercase();
                if !word.is_empty() {
                    self.terms.push((negated, Term::Word(word)));
                }
                return Ok(());
            }
        };
        let lower = value.to_lowercase();
        let term = match name.as_str() {
            "topic" => Term::Topic(lower),
            "user" | "org" => Term::Owner(lower),
            "repo" => Term::Repo(lower),
            "language" => Term::Language(lower),
            "license" => Term::License(lower),
            "archived" => Term::Archived(flag(&lower, &name)?),
            "is" | "visibility" if lower == "public" || lower == "private" => Term::Public(lower == "public"),
            "is" if lower == "archived" => Term::Archived(true),
            "size" => Term::Size(numbers(&lower)?),
            "stars" => Term::Stars(numbers(&lower)?),
            "forks" => Term::Forks(numbers(&lower)?),
            "topics" => Term::Topics(numbers(&lower)?),
            "pushed" => Term::Pushed(dates(&value)?),
            "created" => Term::Created(dates(&value)?),
            "fork" => {
                self.forks = match lower.as_str() {
                    "true" => Forks::Included,
                    "only" => Forks::Only,
                    "false" => Forks::Left,
                    _ => return Err(format!("{value} is no value of fork.")),
                };
                return Ok(());
            }
            "in" => {
                let named = |place: &str| lower.split(',').any(|one| one == place);
                self.places =
                    Places { name: named("name"), description: named("description"), topics: named("topics") };
                return Ok(());
            }
            _ => return Err(format!("The qualifier {name}:{value} is not played by the stand-in.")),
        };
        self.terms.push((negated, term));
        Ok(())
    }

    /// Whether a repository is among the results.
    pub(crate) fn accepts(&self, repository: &Repository) -> bool {
        let fork = match self.forks {
            Forks::Left => !repository.fork,
            Forks::Included => true,
            Forks::Only => repository.fork,
        };
        // What is blocked is not in the index.
        fork && repository.state != Access::Blocked
            && self.terms.iter().all(|(negated, term)| term.holds(repository, self.places) != *negated)
    }
}

impl Term {
    fn holds(&self, one: &Repository, places: Places) -> bool {
        match self {
            Self::Word(word) => {
                places.name && one.name.to_lowercase().contains(word)
                    || places.description
                        && one.description.as_ref().is_some_and(|text| text.to_lowercase().contains(word))
                    || places.topics && one.topics.iter().any(|topic| topic == word)
            }
            Self::Topic(topic) => one.topics.iter().any(|own| own == topic),
            Self::Owner(owner) => one.owner.eq_ignore_ascii_case(owner),
            Self::Repo(name) => one.full_name().eq_ignore_ascii_case(name),
            Self::Language(language) => one.language.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(language)),
            Self::License(key) => one.license_row().is_some_and(|row| row.1 == key),
            Self::Archived(archived) => one.archived == *archived,
            Self::Public(public) => (one.state == Access::Public) == *public,
            Self::Size(range) => range.holds(&one.size_kb),
            Self::Stars(range) => range.holds(&one.stars),
            Self::Forks(range) => range.holds(&one.forks),
            Self::Topics(range) => range.holds(&(one.topics.len() as u64)),
            Self::Pushed(range) => range.holds(&one.pushed_at),
            Self::Created(range) => range.holds(&one.created_at),
        }
    }
}

/// Words and `name:value` pairs; quotes keep spaces together.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = vec![String::new()];
    let mut quoted = false;
    for letter in text.chars() {
        if letter == '"' {
            quoted = !quoted;
        }
        match tokens.last_mut() {
            Some(last) if quoted || !letter.is_whitespace() => last.push(letter),
            Some(last) if !last.is_empty() => tokens.push(String::new()),
            _ => {}
        }
    }
    tokens.retain(|token| !token.is_empty());
    tokens
}

fn flag(value: &str, name: &str) -> Result<bool, String> {
    value.parse().map_err(|_| format!("{value} is no value of {name}."))
}

/// `n`, `>n`, `>=n`, `<n`, `<=n`, `n..m`, `n..*`, `*..m`.
fn numbers(text: &str) -> Result<Range<u64>, String> {
    let number = |text: &str| text.parse::<u64>().map_err(|_| format!("{text} is no number."));
    if let Some((from, to)) = text.split_once("..") {
        let open = |text: &str| if text == "*" { Ok(None) } else { number(text).map(Some) };
        return Ok(Range(open(from)?, open(to)?));
    }
    Ok(if let Some(rest) = text.strip_prefix(">=") {
        Range(Some(number(rest)?), None)
    } else if let Some(rest) = text.strip_prefix("<=") {
        Range(None, Some(number(rest)?))
    } else if let Some(rest) = text.strip_prefix('>') {
        Range(Some(number(rest)?.saturating_add(1)), None)
    } else if let Some(rest) = text.strip_prefix('<') {
        // Nothing is below zero: an empty range.
        number(rest)?.checked_sub(1).map_or(Range(Some(1), Some(0)), |to| Range(None, Some(to)))
    } else {
        let exact = number(text)?;
        Range(Some(exact), Some(exact))
    })
}

/// The same with dates and moments; a date is the whole day in UTC, a moment one second.
fn dates(text: &str) -> Result<Range<DateTime<Utc>>, String> {
    let one = chrono::Duration::seconds(1);
    if let Some((from, to)) = text.split_once("..") {
        let from = if from == "*" { None } else { Some(span(from)?.0) };
        let to = if to == "*" { None } else { Some(span(to)?.1) };
        return Ok(Range(from, to));
    }
    Ok(if let Some(rest) = text.strip_prefix(">=") {
        Range(Some(span(rest)?.0), None)
    } else if let Some(rest) = text.strip_prefix("<=") {
        Range(None, Some(span(rest)?.1))
    } else if let Some(rest) = text.strip_prefix('>') {
        Range(Some(span(rest)?.1 + one), None)
    } else if let Some(rest) = text.strip_prefix('<') {
        Range(None, Some(span(rest)?.0 - one))
    } else {
        let (from, to) = span(text)?;
        Range(Some(from), Some(to))
    })
}

/// The first and the last second that a text names.
fn span(text: &str) -> Result<(DateTime<Utc>, DateTime<Utc>), String> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        let moment = moment.with_timezone(&Utc);
        return Ok((moment, moment));
    }
    let wrong = || format!("{text} is no date.");
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| wrong())?;
    let first = day.and_time(NaiveTime::MIN).and_utc();
    let next = first.checked_add_days(Days::new(1)).ok_or_else(wrong)?;
    Ok((first, next - chrono::Duration::seconds(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_include_what_github_includes() {
        assert_eq!(numbers("10..20"), Ok(Range(Some(10), Some(20))));
        assert_eq!(numbers(">10"), Ok(Range(Some(11), None)));
        assert_eq!(numbers("<=10"), Ok(Range(None, Some(10))));
        assert_eq!(numbers("*..7"), Ok(Range(None, Some(7))));
        assert!(!numbers("<0").unwrap().holds(&0));
        let day = dates("2026-11-01..2026-11-02").unwrap();
        assert!(day.holds(&"2026-11-02T23:59:59Z".parse().unwrap()));
        assert!(!day.holds(&"2026-11-03T00:00:00Z".parse().unwrap()));
        assert!(!dates(">2026-11-01").unwrap().holds(&"2026-11-01T12:00:00Z".parse().unwrap()));
        assert!(dates(">=2026-11-01T12:00:00+00:00").unwrap().holds(&"2026-11-01T12:00:00Z".parse().unwrap()));
        assert!(dates("yesterday").is_err());
    }

    #[test]
    fn forks_are_among_the_results_only_where_the_query_says_so() {
        let mut all = crate::Generator::new(200, vec![std::path::PathBuf::from("/nowhere")]).repositories();
        all.retain(|one| one.state != Access::Blocked);
        let count = |text: &str| {
            let query = Query::parse(text).unwrap();
            all.iter().filter(|one| query.accepts(one)).count()
        };
        let forks = all.iter().filter(|one| one.fork).count();
        assert!(forks > 3);
        assert_eq!(count(""), all.len() - forks);
        assert_eq!(count("fork:false"), all.len() - forks);
        assert_eq!(count("fork:true"), all.len());
        assert_eq!(count("fork:only"), forks);
    }

    #[test]
    fn a_query_falls_into_terms_and_quotes_keep_words_together() {
        let query = Query::parse("topic:kubesearch -user:oak \"home ops\" fork:true in:name").unwrap();
        assert_eq!(
            query.terms,
            [
                (false, Term::Topic("kubesearch".to_owned())),
                (true, Term::Owner("oak".to_owned())),
                (false, Term::Word("home ops".to_owned())),
            ]
        );
        assert_eq!((query.forks, query.places.description), (Forks::Included, false));
        assert!(Query::parse("nonsense:1").is_err());
    }
}
