//! Which key somebody meant who wrote another.

use super::KEYS;

/// What to say of a key that does not exist.
pub(super) fn unknown_key(name: &str) -> String {
    let names = KEYS.iter().map(|key| key.name);
    let tables = names.clone().filter_map(|name| Some(name.split_once('.')?.0));
    match nearest(name, names.clone().chain(tables).chain(["server", "clients", "guards"])) {
        Some(meant) => format!("there is no such key; did you mean `{meant}`?"),
        None => {
            let names = names.collect::<Vec<_>>().join("`, `");
            format!("there is no such key; the keys are `{names}`")
        }
    }
}

/// The one of `names` that is most like `wrong`, unless none is much like it. A key without its
/// table (`calls` for `drain.calls`) counts as like.
fn nearest(wrong: &str, names: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let wrong = wrong.to_lowercase().replace('-', "_");
    let last = wrong.rsplit('.').next().unwrap_or(&wrong);
    let distance = |name: &str| {
        let end = name.rsplit('.').next().unwrap_or(name);
        if end == last { 1 } else { edits(&wrong, name).min(1 + edits(&wrong, end)) }
    };
    let (distance, name) = names.map(|name| (distance(name), name)).min_by_key(|pair| pair.0)?;
    (distance <= 1 + wrong.len() / 4).then_some(name)
}

/// How many letters must be added, removed, replaced or swapped with their neighbour to make `b`
/// of `a`: the Damerau-Levenshtein distance (optimal string alignment).
pub(super) fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in
            [("", "", 0), ("a", "", 1), ("drian", "drain", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!(edits(a, b), expected, "{a} {b}");
            assert_eq!(edits(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn what_was_meant_is_found_and_nonsense_is_not() {
        let names = || KEYS.iter().map(|key| key.name);
        for (wrong, meant) in [
            ("lisen", Some("listen")),
            ("drian.calls", Some("drain.calls")),
            ("calls", Some("drain.calls")),
            ("drain.body_bytes", Some("limits.body_bytes")),
            ("limits.body-bytes", Some("limits.body_bytes")),
            ("Listen", Some("listen")),
            ("database", None),
            ("x", None),
        ] {
            assert_eq!(nearest(wrong, names()), meant, "{wrong}");
        }
    }
}
