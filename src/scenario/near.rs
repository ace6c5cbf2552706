//! Which known name was probably meant.

/// The nearest of `known` to `name`, when it is near enough to be what was meant: at most a third of its letters differ.
pub(super) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let name: Vec<char> = name.chars().take(LONGEST).flat_map(char::to_lowercase).collect();
    known
        .into_iter()
        .map(|k| (distance(&name, &k.chars().flat_map(char::to_lowercase).collect::<Vec<_>>()), k))
        .min_by_key(|(d, _)| *d)
        .filter(|(d, k)| *d <= (k.chars().count() / 3).max(1) && *d < k.chars().count().max(1))
        .map(|(_, k)| k)
}

/// A longer name is nobody's typing error; it bounds the work.
const LONGEST: usize = 64;

/// Edits from `a` to `b`: insert, delete, replace, and swap of neighbours (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slip of the finger finds its name; a different word finds none.
    #[test]
    fn slips_are_found() {
        let known = ["concurrency", "overflow", "arrivals", "stages", "for", "to"];
        for (typed, meant) in [
            ("concurency", Some("concurrency")),
            ("Stages", Some("stages")),
            ("stagse", Some("stages")),
            ("fro", Some("for")),
            ("workers", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(nearest(typed, known), meant, "{typed}");
        }
    }
}
