//! Which known name was probably meant.

use strsim::osa_distance;

/// The nearest of `known` to `name`, when it is near enough to be what was meant: at most a third of its letters differ.
pub(crate) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let name: String = name.chars().take(LONGEST).flat_map(char::to_lowercase).collect();
    known
        .into_iter()
        .map(|k| (osa_distance(&name, &k.chars().flat_map(char::to_lowercase).collect::<String>()), k))
        .min_by_key(|(d, _)| *d)
        .filter(|(d, k)| *d <= (k.chars().count() / 3).max(1) && *d < k.chars().count().max(1))
        .map(|(_, k)| k)
}

/// A longer name is nobody's typing error; it bounds the work.
const LONGEST: usize = 64;

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
