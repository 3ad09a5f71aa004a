//! Takes out of CSS what only a reader of the source needs: comments, and white space that means nothing.

/// CSS without comments and without white space that means nothing.
pub(crate) fn css(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '/' if rest.starts_with("/*") => {
                rest = rest[2..].find("*/").map_or("", |at| &rest[at + 4..]);
                space(&mut out);
                continue;
            }
            '"' | '\'' => string_length(rest, c),
            c if c.is_ascii_whitespace() => {
                if !out.ends_with(['{', '}', ';', ',']) {
                    space(&mut out);
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

/// One blank, never two, and none at a line's start.
fn space(out: &mut String) {
    if !out.is_empty() && !out.ends_with(['\n', ' ']) {
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

#[cfg(test)]
mod tests {
    use super::*;

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
