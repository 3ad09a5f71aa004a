//! Takes out what only a reader of the source needs: comments, indentation, empty lines.
//!
//! Names stay, and in JavaScript so do line ends, which may end a statement: what is left over is what the compressor
//! of the web server makes small anyway. Strings, templates and regular expressions are copied untouched. (A regular
//! expression right after `)`, as in `if (x) /y/.exec(z)`, is taken for a division: give it a name instead.)

/// JavaScript without comments and indentation.
pub(crate) fn javascript(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    // Template literals nest: for each open `${`, the number of braces open inside it.
    let mut substitutions: Vec<usize> = Vec::new();
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '/' if rest.starts_with("//") => {
                rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
                continue;
            }
            '/' if rest.starts_with("/*") => {
                let end = rest[2..].find("*/").map_or(rest.len(), |at| at + 4);
                // A comment over several lines stands for a line end.
                newline_or_space(&mut out, rest[..end].contains('\n'));
                rest = &rest[end..];
                continue;
            }
            '/' if regex_may_start(&out) => regex_length(rest),
            '"' | '\'' => string_length(rest, c),
            '`' => template(&mut substitutions, rest, 1),
            '{' => {
                if let Some(depth) = substitutions.last_mut() {
                    *depth += 1;
                }
                1
            }
            '}' => match substitutions.last_mut() {
                Some(0) => {
                    substitutions.pop();
                    template(&mut substitutions, rest, 1)
                }
                Some(depth) => {
                    *depth -= 1;
                    1
                }
                None => 1,
            },
            '\n' | '\r' | ' ' | '\t' => {
                newline_or_space(&mut out, c == '\n');
                rest = &rest[1..];
                continue;
            }
            c => c.len_utf8(),
        };
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    newline_or_space(&mut out, true);
    out
}

/// CSS without comments and without white space that means nothing.
pub(crate) fn css(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '/' if rest.starts_with("/*") => {
                rest = rest[2..].find("*/").map_or("", |at| &rest[at + 4..]);
                newline_or_space(&mut out, false);
                continue;
            }
            '"' | '\'' => string_length(rest, c),
            c if c.is_ascii_whitespace() => {
                if !out.ends_with(['{', '}', ';', ',']) {
                    newline_or_space(&mut out, false);
                }
                rest = &rest[1..];
                continue;
            }
            c => c.len_utf8(),
        };
        // Only where white space never means anything: a blank before `:` or `(` or `+` may.
        if matches!(c, '{' | '}' | ';' | ',') && out.ends_with(' ') {
            out.pop();
        }
        if c == '}' && out.ends_with(';') {
            out.pop();
        }
        // `name: value`; not the descendant `a :hover`, where the blank stands before the colon.
        if out.ends_with(": ") {
            out.pop();
        }
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out.trim_end().to_owned()
}

/// One separator, never two, and none at a line's start.
fn newline_or_space(out: &mut String, newline: bool) {
    if newline {
        if out.ends_with(' ') {
            out.pop();
        }
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
    } else if !out.is_empty() && !out.ends_with(['\n', ' ']) {
        out.push(' ');
    }
}

/// The length of the string literal at the start of `text`, quotes included.
fn string_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of the piece of a template that starts after `from` bytes: to its closing backtick or through the next `${`,
/// which is entered into `substitutions`.
fn template(substitutions: &mut Vec<usize>, text: &str, from: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'`' => return at + 1,
            b'$' if bytes.get(at + 1) == Some(&b'{') => {
                substitutions.push(0);
                return at + 2;
            }
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// Whether a slash after `before` starts a regular expression. A division follows a value.
fn regex_may_start(before: &str) -> bool {
    let before = before.trim_end();
    let word_at = before
        .rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
        .map_or(0, |at| at + 1);
    match &before[word_at..] {
        "" => !before.ends_with([')', ']', '}', '"', '\'', '`']),
        word => ["return", "typeof", "case", "in", "of", "void", "delete", "await", "yield"]
            .contains(&word),
    }
}

/// The length of the regular expression at the start of `text`; its flags follow as plain text.
fn regex_length(text: &str) -> usize {
    let (mut escaped, mut class) = (false, false);
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\n' => return 1,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            '/' if !class => return at + 1,
            _ => {}
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_indentation_go_line_ends_stay() {
        let source =
            "/** doc\n * more */\nfunction f(a) { // why\n    return a /* b */ / 2;\n\n}\n";
        assert_eq!(javascript(source), "function f(a) {\nreturn a / 2;\n}\n");
    }

    #[test]
    fn literals_are_copied_untouched() {
        for literal in [
            r#""http://x/*y*/""#,
            r"'a\'//b'",
            "`a  //  b`",
            "`  ${ { a: `//${1}` } }  /* x */`",
            r#"/[/"'`]\/\/  x/g"#,
        ] {
            let source = format!("const a = {literal};\n");
            assert_eq!(javascript(&source), source);
        }
        assert_eq!(javascript("return /a  \\/b/.test(x);"), "return /a  \\/b/.test(x);\n");
    }

    #[test]
    fn a_division_is_no_regular_expression() {
        assert_eq!(javascript("a = b / c; // d / e\nf(x) / 2 // g"), "a = b / c;\nf(x) / 2\n");
    }

    #[test]
    fn text_that_ends_too_early_is_kept() {
        assert_eq!(javascript("a = \"b"), "a = \"b\n");
        assert_eq!(javascript("a = `b ${c"), "a = `b ${c\n");
        assert_eq!(javascript("a /* b"), "a\n");
    }

    #[test]
    fn css_keeps_what_means_something() {
        let source = "/* x */\n.a  .b:hover ,\n#c :focus {\n  margin: 0 auto;\n  width: calc(1px + 2px);\n  content: \"a  /*b*/\";\n}\n\
                      @media (max-width: 40em) { p { color: red; } }\n";
        assert_eq!(
            css(source),
            ".a .b:hover,#c :focus{margin:0 auto;width:calc(1px + 2px);content:\"a  /*b*/\"}\
             @media (max-width:40em){p{color:red}}"
        );
    }
}
