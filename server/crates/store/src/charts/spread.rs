//! How values that are numbers spread: requests of memory and CPU, replicas, sizes.

use entity::view::{CommonValue, ValueSpread};

use super::FEW;

/// Units of Kubernetes' quantities, and what they multiply by.
const UNITS: [(&str, f64); 13] = [
    ("Ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
    ("n", 1e-9),
    ("u", 1e-6),
    ("m", 1e-3),
    ("k", 1e3),
    ("K", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("", 1.0),
];
/// Different numbers that make a spread: fewer are seen at a glance.
const DIFFERENT: usize = 3;

/// One that is no number is left out for each so many that are.
const OTHERS: i64 = 4;

/// A number, with a unit of Kubernetes' quantities or without.
fn quantity(text: &str) -> Option<f64> {
    let text = text.trim();
    let (digits, factor) = UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    let number: f64 = digits.parse().ok().filter(|_| is_plain)?;
    Some(number * factor)
}

/// The spread of what releases set, each value as it is written. `None` where they are few, or too many are no numbers: a
/// template among them says nothing of the others.
pub(super) fn spread<'v>(values: impl Iterator<Item = &'v CommonValue>) -> Option<ValueSpread> {
    let (mut numbers, mut others): (Vec<(f64, &str, i64)>, i64) = (Vec::new(), 0);
    for one in values.filter(|one| !one.masked) {
        match quantity(&one.value) {
            Some(number) => numbers.push((number, &one.value, one.releases)),
            None => others += one.releases,
        }
    }
    numbers.sort_by(|(a, written, _), (b, other, _)| a.total_cmp(b).then_with(|| written.cmp(other)));
    let different = numbers.chunk_by(|(a, ..), (b, ..)| a.total_cmp(b).is_eq()).count();
    let releases: i64 = numbers.iter().map(|(.., releases)| releases).sum();
    if others * OTHERS > releases || different < DIFFERENT || releases < i64::try_from(FEW).unwrap_or(i64::MAX) {
        return None;
    }
    // The smallest number that so many fourths of all set, or less.
    let at = |fourths: i64| {
        let wanted = ((releases * fourths + 3) / 4).max(1);
        let mut so_far = 0;
        let found = numbers.iter().find(|(.., releases)| {
            so_far += releases;
            so_far >= wanted
        });
        found.map(|(_, written, _)| (*written).to_owned()).unwrap_or_default()
    };
    Some(ValueSpread {
        lowest: at(0),
        lower_quarter: at(1),
        median: at(2),
        upper_quarter: at(3),
        highest: at(4),
        releases,
        others,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[(&str, i64)]) -> Option<ValueSpread> {
        let value = |(value, releases): &(&str, i64)| CommonValue {
            value: (*value).to_owned(),
            masked: false,
            releases: *releases,
        };
        let values: Vec<CommonValue> = values.iter().map(value).collect();
        spread(values.iter())
    }

    #[test]
    fn quantities_are_compared_whatever_their_unit() {
        let found = of(&[("1Gi", 1), ("512Mi", 2), ("128Mi", 4), ("2G", 1)]).unwrap();
        assert_eq!((found.lowest.as_str(), found.highest.as_str(), found.releases), ("128Mi", "2G", 8));
        assert_eq!((found.lower_quarter.as_str(), found.median.as_str()), ("128Mi", "128Mi"));
        assert_eq!(found.upper_quarter, "512Mi");
        assert_eq!(of(&[("100m", 3), ("1", 1), ("0.5", 1)]).unwrap().highest, "1");
    }

    #[test]
    fn few_values_and_what_is_no_number_spread_nowhere() {
        assert_eq!(of(&[("1", 2), ("2", 2)]), None);
        assert_eq!(of(&[("1", 1), ("2", 1), ("3", 1)]), None);
        // One template among numbers is left out, and said to be; among few numbers nothing is told.
        let found = of(&[("1", 9), ("2", 1), ("${MEMORY}", 1), ("4", 1)]).unwrap();
        assert_eq!((found.highest.as_str(), found.releases, found.others), ("4", 11, 1));
        assert_eq!(of(&[("1", 3), ("2", 1), ("30s", 2), ("4", 1)]), None);
        assert_eq!(of(&[("1", 9), ("1.0", 3), ("1000m", 1)]), None);
        assert_eq!(of(&[("", 9), ("inf", 3), ("nan", 1)]), None);
    }
}
