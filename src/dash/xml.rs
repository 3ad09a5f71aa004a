//! A cursor over XML events that knows its place in the document; [`super::read`] uses it.
//!
//! Names are compared without their prefix. Entities other than the five predefined are errors and
//! a document type is skipped, so nothing expands. Unknown elements are skipped without recursion.

use crate::media::text::{after, cut, split_once};
use crate::presentation::{Error, excerpt};
use alloc::borrow::{Cow, ToOwned};
use alloc::string::String;
use alloc::vec::Vec;
use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

/// Deeper than any real MPD; a document with deeper elements is hostile.
const MAX_DEPTH: usize = 64;

pub(super) type Result<T> = core::result::Result<T, Error>;

/// A place in the document.
pub(super) struct Cursor<'a> {
    text: &'a str,
    xml: Reader<&'a [u8]>,
    /// Where the last event begins.
    offset: usize,
    /// The names of the open elements.
    path: Vec<String>,
}

/// The attributes of the element that was entered last, without their prefixes.
pub(super) struct Attributes<'a>(Vec<(&'a str, Cow<'a, str>)>);

impl<'a> Attributes<'a> {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| *key == name).map(|(_, value)| &**value)
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(ToOwned::to_owned)
    }

    /// An attribute that only describes: an invalid value counts as absent.
    pub(super) fn hint<T>(&self, name: &str, parse: fn(&str) -> Option<T>) -> Option<T> {
        self.get(name).and_then(parse)
    }
}

/// Called with the name and attributes of each child; it must take the child's content.
pub(super) type Each<'f, 'a> =
    &'f mut dyn FnMut(&mut Cursor<'a>, &str, &Attributes<'_>) -> Result<()>;

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut xml = Reader::from_str(text);
        xml.config_mut().expand_empty_elements = true;
        Self { text, xml, offset: 0, path: Vec::new() }
    }

    /// Hands each child element of the open element to `each`, until its end; at the top, the root
    /// element.
    pub(super) fn children(&mut self, each: Each<'_, 'a>) -> Result<()> {
        loop {
            match self.event()? {
                Event::Start(start) => {
                    let name = start.local_name();
                    self.enter(name.into_inner())?;
                    let attributes = self.attributes(&start)?;
                    each(self, name.into_inner(), &attributes)?;
                    self.path.pop();
                }
                Event::End(_) => return Ok(()),
                Event::Eof if self.path.is_empty() => return Ok(()),
                Event::Eof => return Err(self.truncated()),
                _ => {}
            }
        }
    }

    /// The text in the open element, trimmed; elements in it are skipped.
    pub(super) fn text(&mut self) -> Result<String> {
        let mut out = String::new();
        loop {
            match self.event()? {
                Event::Text(text) => out.push_str(&text),
                Event::CData(text) => out.push_str(&text),
                Event::GeneralRef(reference) => {
                    let found = match reference.resolve_char_ref() {
                        Ok(Some(c)) => Some(c),
                        _ => predefined(&reference).and_then(|s| s.chars().next()),
                    };
                    match found {
                        Some(c) => out.push(c),
                        None => return Err(self.error("an entity that is not defined".into())),
                    }
                }
                Event::Start(start) => {
                    self.enter(start.local_name().into_inner())?;
                    self.skip()?;
                    self.path.pop();
                }
                Event::End(_) => return Ok(out.trim_ascii().to_owned()),
                Event::Eof => return Err(self.truncated()),
                _ => {}
            }
        }
    }

    /// Skips the rest of the open element.
    pub(super) fn skip(&mut self) -> Result<()> {
        let mut open: usize = 1;
        while open > 0 {
            match self.event()? {
                Event::Start(_) if self.path.len() + open > MAX_DEPTH => {
                    return Err(self.too_deep());
                }
                Event::Start(_) => open += 1,
                Event::End(_) => open -= 1,
                Event::Eof => return Err(self.truncated()),
                _ => {}
            }
        }
        Ok(())
    }

    /// An attribute that playback depends on: an invalid value is an error.
    pub(super) fn strict<T>(
        &self,
        attributes: &Attributes<'_>,
        name: &str,
        expected: &str,
        parse: fn(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = attributes.get(name) else { return Ok(None) };
        match parse(value) {
            Some(value) => Ok(Some(value)),
            None => {
                let found = excerpt(value);
                Err(self.error(["@", name, " is \"", found, "\", expected ", expected].concat()))
            }
        }
    }

    /// An error at the element that was entered last.
    pub(super) fn error(&self, problem: String) -> Error {
        let path = self.path.join("/");
        let place = if path.is_empty() { "top of the document".into() } else { path };
        Error::at(self.text, self.offset, place, problem)
    }

    fn enter(&mut self, name: &str) -> Result<()> {
        if self.path.len() >= MAX_DEPTH {
            return Err(self.too_deep());
        }
        self.path.push(excerpt(name).to_owned());
        Ok(())
    }

    fn event(&mut self) -> Result<Event<'a>> {
        self.offset = usize::try_from(self.xml.buffer_position()).unwrap_or(usize::MAX);
        self.xml.read_event().map_err(|error| {
            self.offset = usize::try_from(self.xml.error_position()).unwrap_or(usize::MAX);
            self.error(malformed(&error).to_owned())
        })
    }

    fn attributes<'e>(&self, start: &'e BytesStart<'_>) -> Result<Attributes<'e>> {
        let mut all = Vec::new();
        let mut rest = start.attributes_raw().trim_ascii();
        while !rest.is_empty() {
            let Some((name, value, after)) = attribute(rest) else {
                return Err(self.error("an attribute is not of the form name=\"value\"".into()));
            };
            let Ok(value) = unescape(value) else {
                let problem = "an attribute holds a & that begins no entity of XML";
                return Err(self.error(problem.into()));
            };
            all.push((name, value));
            rest = after;
        }
        Ok(Attributes(all))
    }

    fn truncated(&self) -> Error {
        self.error("the document ends here, the element is not closed".into())
    }

    fn too_deep(&self) -> Error {
        self.error("elements are nested too deeply".into())
    }
}

/// The first attribute's local name and its value as it is written, and the text after it. The
/// library's own reader of attributes would add a hash table, which finds duplicate names.
fn attribute(text: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = split_once(text, b'=')?;
    let name = name.trim_ascii_end();
    let rest = rest.trim_ascii_start();
    let quote = rest.bytes().next().filter(|c| matches!(c, b'"' | b'\''))?;
    let (value, after) = split_once(after(rest), quote)?;
    let named = !name.is_empty() && cut(name, b"\"' \t\r\n").1.is_empty();
    let local = split_once(name, b':').map_or(name, |(_, local)| local);
    named.then_some((local, value, after.trim_ascii_start()))
}

/// Our own texts: the library's would add a kilobyte to every download.
fn malformed(error: &quick_xml::Error) -> &'static str {
    match error {
        quick_xml::Error::IllFormed(_) => "a tag does not fit the element that is open here",
        quick_xml::Error::Syntax(_) => "a tag, comment or declaration that begins here has no end",
        _ => "this is not XML",
    }
}

fn predefined(entity: &str) -> Option<&'static str> {
    quick_xml::escape::resolve_predefined_entity(entity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_split_where_their_values_are_quoted() {
        for (text, found) in [
            (r#"a="1" b='2'"#, Some(("a", "1", "b='2'"))),
            ("xlink:href = \"x=y\"\n c=''", Some(("href", "x=y", "c=''"))),
            (r#"a='say "no"'"#, Some(("a", "say \"no\"", ""))),
            (r#"a="it's"b="2""#, Some(("a", "it's", "b=\"2\""))),
            ("a", None),
            ("a=1", None),
            ("a=\"1", None),
            ("a b=\"1\"", None),
            ("=\"1\"", None),
            ("\"a\"=\"1\"", None),
            ("a=\u{e9}\"", None),
        ] {
            assert_eq!(attribute(text), found, "{text}");
        }
    }
}
