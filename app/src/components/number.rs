use leptos::prelude::*;

/// A whole number with narrow spaces between thousands, which never break over a line.
#[must_use]
pub fn number_text(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 * 3 + 3);
    if value < 0 {
        text.push('−');
    }
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// Bytes in the unit that a person would use; decimal, as disks and forges count.
#[must_use]
pub fn bytes_text(bytes: i64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut unit = 0;
    let mut tenths = bytes.max(0).saturating_mul(10);
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1000;
        unit += 1;
    }
    if unit == 0 || tenths >= 1000 {
        format!("{}\u{202f}{}", tenths / 10, UNITS[unit])
    } else {
        format!("{}.{}\u{202f}{}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

/// The word in the singular for one and in the plural otherwise, with the number before it.
#[must_use]
pub fn counted(count: i64, one: &str, many: &str) -> String {
    format!("{} {}", number_text(count), if count == 1 { one } else { many })
}

/// A whole number in tabular figures, exact in the title.
#[component]
pub fn Number(
    /// The number.
    value: i64,
    /// Unit after the number.
    #[prop(optional, into)]
    unit: Option<String>,
) -> impl IntoView {
    view! {
        <span class="num" title=value.to_string()>
            {number_text(value)}
            {unit.map(|unit| view! { <span class="unit">{format!("\u{202f}{unit}")}</span> })}
        </span>
    }
}

/// A size in bytes, exact in the title.
#[component]
pub fn Bytes(
    /// The size.
    value: i64,
) -> impl IntoView {
    view! { <span class="num" title=format!("{} bytes", number_text(value))>{bytes_text(value)}</span> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_parted_by_narrow_spaces() {
        assert_eq!(number_text(0), "0");
        assert_eq!(number_text(999), "999");
        assert_eq!(number_text(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(number_text(-1000), "−1\u{202f}000");
    }

    #[test]
    fn sizes_take_the_unit_a_person_would() {
        assert_eq!(bytes_text(999), "999\u{202f}B");
        assert_eq!(bytes_text(1_500), "1.5\u{202f}kB");
        assert_eq!(bytes_text(137_000_000), "137\u{202f}MB");
    }
}
