//! Whether a name is likely a misspelling of another.
//!
//! Both have 5 letters or more, they are one edit (a character put in, left out or replaced) or one swap of neighbours
//! apart, and they do not differ only in digits (`worker-1`, `worker-2`) or only in the last part after `-`, `_` or `.`
//! (`team-red`, `team-red2`): names like these are given on purpose.

/// The fewest letters of a name that can be a misspelling, or be misspelled.
const LETTERS_MIN: usize = 5;

/// Whether one of the names was likely meant to be the other. Names are ASCII.
pub(super) fn is_likely_misspelling(given: &str, known: &str) -> bool {
    given.len().abs_diff(known.len()) <= 1
        && letters(given) >= LETTERS_MIN
        && letters(known) >= LETTERS_MIN
        && is_one_slip_apart(given.as_bytes(), known.as_bytes())
        && !without_digits(given).eq(without_digits(known))
        && !differ_only_in_the_last_part(given, known)
}

fn letters(name: &str) -> usize {
    name.bytes().filter(u8::is_ascii_alphabetic).count()
}

fn without_digits(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().filter(|byte| !byte.is_ascii_digit())
}

/// Both have parts, and all but the last agree.
fn differ_only_in_the_last_part(one: &str, other: &str) -> bool {
    const MARKS: [char; 3] = ['-', '_', '.'];
    match (one.rfind(MARKS), other.rfind(MARKS)) {
        (Some(at), Some(there)) => one[..=at] == other[..=there],
        _ => false,
    }
}

/// One character put in, left out or replaced, or two neighbours swapped.
fn is_one_slip_apart(one: &[u8], other: &[u8]) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let (short, long) = (&short[same..], &long[same..]);
    match (short, long) {
        ([], []) => false,
        _ if short.len() < long.len() => short == &long[1..],
        ([a, b, rest @ ..], [c, d, tail @ ..]) if a == d && b == c && rest == tail => true,
        _ => short[1..] == long[1..],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: &str, known: &str, likely: bool) {
        assert_eq!(is_likely_misspelling(given, known), likely, "{given} for {known}");
        assert_eq!(is_likely_misspelling(known, given), likely, "{known} for {given}");
    }

    #[test]
    fn one_edit_or_one_swap_apart_is_a_likely_misspelling() {
        for given in ["allice", "alics", "alcie", "lalice", "alicex", "laice"] {
            check(given, "alice", true);
        }
        check("supervisr", "supervisor", true);
        check("frontned", "frontend", true);
        check("front-end", "frontend", true);
    }

    #[test]
    fn two_slips_apart_is_another_name() {
        check("alciee", "alice", false);
        check("milicent", "alice", false);
        check("ailec", "alice", false);
        check("alice", "alice", false);
    }

    #[test]
    fn names_of_fewer_than_five_letters_are_never_taken_for_misspellings() {
        check("anna", "annna", false);
        check("alce", "alice", false);
        check("bob1", "bob2", false);
        check("bobb1", "bobc1", false);
        check("bobby", "bobbi", true);
    }

    #[test]
    fn names_that_differ_only_in_digits_are_given_on_purpose() {
        check("worker1", "worker2", false);
        check("worker1", "worker12", false);
        check("worker", "worker2", false);
        check("worker-1a", "worker-2a", false);
        check("worker1", "workes1", true);
    }

    #[test]
    fn names_that_differ_only_in_their_last_part_are_given_on_purpose() {
        for mark in ['-', '_', '.'] {
            check(&format!("team{mark}red"), &format!("team{mark}rod"), false);
            check(&format!("team{mark}red"), &format!("taem{mark}red"), true);
        }
        check("build-linux-a", "build-linux-b", false);
        check("build-linux-a", "biuld-linux-a", true);
    }
}
