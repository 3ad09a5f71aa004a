//! Texts, cut at a mark: one function for all of them, where the library's patterns are compiled for each.

/// What stands before the first of these marks (ASCII), and what begins with it; all and nothing where there is none.
pub(crate) fn cut<'a>(text: &'a str, marks: &[u8]) -> (&'a str, &'a str) {
    let at = text.bytes().position(|byte| marks.contains(&byte)).unwrap_or(text.len());
    text.split_at_checked(at).unwrap_or((text, ""))
}

/// What stands before this mark (ASCII), and behind it; all and nothing where there is none.
pub(crate) fn halves(text: &str, mark: u8) -> (&str, &str) {
    let (before, rest) = cut(text, &[mark]);
    (before, after(rest))
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
}
