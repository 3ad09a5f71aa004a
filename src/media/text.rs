//! Texts, cut at marks: a function for each way, where the library's patterns are compiled for each use.

/// What stands before the first of these marks (ASCII), and what begins with it; all and nothing where there is none.
pub(crate) fn cut<'a>(text: &'a str, marks: &[u8]) -> (&'a str, &'a str) {
    let at = text.bytes().position(|byte| marks.contains(&byte)).unwrap_or(text.len());
    text.split_at_checked(at).unwrap_or((text, ""))
}

/// What stands before this mark (ASCII), and behind it; all and nothing where there is none.
pub(crate) fn halves(text: &str, mark: u8) -> (&str, &str) {
    split_once(text, mark).unwrap_or((text, ""))
}

/// What stands before this mark (ASCII), and behind it; `None` where there is none.
pub(crate) fn split_once(text: &str, mark: u8) -> Option<(&str, &str)> {
    let (before, rest) = cut(text, &[mark]);
    (!rest.is_empty()).then(|| (before, after(rest)))
}

/// What stands between these marks (ASCII).
pub(crate) fn parts(text: &str, mark: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    core::iter::from_fn(move || {
        let (before, more) = cut(rest?, core::slice::from_ref(&mark));
        rest = (!more.is_empty()).then(|| after(more));
        Some(before)
    })
}

/// Where the last of these marks (ASCII) stands.
pub(crate) fn last_of(text: &str, mark: u8) -> Option<usize> {
    text.bytes().rposition(|byte| byte == mark)
}

/// Without the mark that it begins with.
pub(crate) fn after(text: &str) -> &str {
    text.get(1..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_the_first_of_the_marks() {
        assert_eq!(cut("é1920x1080X", b"Xx"), ("é1920", "x1080X"));
        assert_eq!(cut("é", b"x"), ("é", ""));
        assert_eq!((halves("a=b=c", b'='), halves("a", b'=')), (("a", "b=c"), ("a", "")));
        assert_eq!((after("x1"), after("x"), after("")), ("1", "", ""));
    }

    #[test]
    fn texts_are_taken_apart_at_each_mark() {
        assert_eq!(split_once("a#", b'#'), Some(("a", "")));
        assert_eq!(split_once("é#b#c", b'#'), Some(("é", "b#c")));
        assert_eq!(split_once("a", b'#'), None);
        let all = |text| parts(text, b',').collect::<alloc::vec::Vec<_>>();
        assert_eq!(all(""), [""]);
        assert_eq!(all("a,"), ["a", ""]);
        assert_eq!(all(",é,,b"), ["", "é", "", "b"]);
        assert_eq!([last_of("a/é/b", b'/'), last_of("a", b'/')], [Some(4), None]);
    }
}
