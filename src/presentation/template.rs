//! URL templates (23009-1 5.3.9.4.4): `$Number$`, `$Time$` and their width, filled in per segment.

use super::reads::Dash;
use super::{Base, Resource};
use crate::media::text::{cut, halves, split_once};
use alloc::rc::Rc;
use alloc::string::String;

/// The addresses of numbered segments: a base, and a reference below it with `$Number$`, `$Time$` and
/// `$$` left in it; `$RepresentationID$` and `$Bandwidth$` are already replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Resource, Dash);

/// The widest `%0Nd` allowed: a number has at most 20 digits, file names do not need more zeros
/// than this, and a hostile width must not allocate.
const MAX_WIDTH: usize = 32;

impl Template {
    /// `None` where no MPDs are read.
    pub fn of(addresses: Resource) -> Option<Self> {
        Some(Self(addresses, Dash::token()?))
    }

    /// How long it is, as text.
    pub(crate) fn len(&self) -> usize {
        self.0.path().len()
    }

    /// The segment with this number and this `$Time$`.
    pub fn resource(&self, number: u64, time: u64) -> Resource {
        self.0.beside(self.expand(number, time))
    }

    /// The reference of the segment with this number and this `$Time$`.
    pub fn expand(&self, number: u64, time: u64) -> String {
        self.substitute(|name, width, out| {
            match name {
                "Number" => push_padded(out, number, width),
                "Time" => push_padded(out, time, width),
                _ => return false,
            }
            true
        })
    }

    /// This text with `$RepresentationID$` and `$Bandwidth$` replaced, the rest left for
    /// [`Self::expand`]. `None` where no MPDs are read.
    pub fn new(base: &Rc<Base>, text: &str, id: &str, bandwidth: u64) -> Option<Self> {
        let mut out = String::with_capacity(text.len().saturating_add(id.len()).saturating_add(2));
        if text.as_bytes().first() == Some(&b'$') {
            // A value at the front, such as `video:1` or `/v`, must not be read as scheme or root.
            out.push_str("./");
        }
        for part in Parts(text) {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Name { name: "RepresentationID", .. } => {
                    out.push_str(&id.replace('$', "$$"));
                }
                Part::Name { name: "Bandwidth", width, .. } => {
                    push_padded(&mut out, bandwidth, width);
                }
                Part::Name { raw, .. } => out.push_str(raw),
            }
        }
        Self::of(Resource::new(Rc::clone(base), out, None))
    }

    /// Hands each identifier to `fill`, which returns whether it knows it; unknown identifiers stay
    /// as they are.
    fn substitute(&self, mut fill: impl FnMut(&str, usize, &mut String) -> bool) -> String {
        let mut out = String::with_capacity(self.0.path().len().saturating_add(8));
        for part in Parts(self.0.path()) {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Name { name: "", .. } => out.push('$'),
                Part::Name { name, width, raw } => {
                    if !fill(name, width, &mut out) {
                        out.push_str(raw);
                    }
                }
            }
        }
        out
    }
}

/// A piece of a template.
enum Part<'a> {
    Text(&'a str),
    /// `$name%0{width}d$`; `raw` has the dollars.
    Name {
        name: &'a str,
        width: usize,
        raw: &'a str,
    },
}

struct Parts<'a>(&'a str);

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        if self.0.is_empty() {
            return None;
        }
        let Some(after) = self.0.strip_prefix('$') else {
            let (text, rest) = cut(self.0, b"$");
            self.0 = rest;
            return Some(Part::Text(text));
        };
        let Some((body, rest)) = split_once(after, b'$') else {
            // A lone dollar: not a template, so it means itself.
            return Some(Part::Text(core::mem::take(&mut self.0)));
        };
        let raw = self.0.get(..body.len() + 2).unwrap_or(self.0);
        self.0 = rest;
        let (name, format) = halves(body, b'%');
        let width = format.strip_prefix('0').and_then(|f| f.strip_suffix('d'));
        match width.map(str::parse) {
            Some(Ok(width)) => Some(Part::Name { name, width, raw }),
            _ if format.is_empty() || format == "d" => Some(Part::Name { name, width: 0, raw }),
            _ => Some(Part::Text(raw)),
        }
    }
}

fn push_padded(out: &mut String, value: u64, width: usize) {
    let mut digits = [0u8; 20];
    let mut left = value;
    let mut count = 0;
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + (left % 10) as u8;
        left /= 10;
        count += 1;
        if left == 0 {
            break;
        }
    }
    for _ in count..width.min(MAX_WIDTH) {
        out.push('0');
    }
    out.extend(digits.iter().skip(20 - count).map(|&d| char::from(d)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn of(text: &str) -> Template {
        let base = Base::new("https://h/m/index.mpd".into());
        Template::of(Resource::new(base, text.into(), None)).unwrap()
    }

    fn new(text: &str, id: &str, bandwidth: u64) -> Template {
        Template::new(&Base::new("https://h/m/index.mpd".into()), text, id, bandwidth).unwrap()
    }

    #[test]
    fn numbers_and_times_are_filled_in_with_their_width() {
        let cases = [
            ("seg-$Number$.m4s", "seg-42.m4s"),
            ("seg-$Number%05d$.m4s", "seg-00042.m4s"),
            ("seg-$Number%01d$.m4s", "seg-42.m4s"),
            ("$Time$/$Number$", "9000/42"),
            ("$Time%08d$.m4s?x=$$", "00009000.m4s?x=$"),
            ("$$Number$$", "$Number$"),
            ("$Unknown$-$Number$", "$Unknown$-42"),
            ("$Number%x$", "$Number%x$"),
            ("no template", "no template"),
            ("a lone $ sign", "a lone $ sign"),
            ("$", "$"),
            ("", ""),
        ];
        for (template, expected) in cases {
            assert_eq!(of(template).expand(42, 9000), expected, "{template}");
        }
        let all = of("$Number$ $Time$").expand(u64::MAX, 0);
        assert_eq!(all, format!("{} 0", u64::MAX));
    }

    #[test]
    fn a_hostile_width_does_not_allocate() {
        assert_eq!(of("$Number%0999999999d$").expand(1, 0).len(), MAX_WIDTH);
        let beyond = "$Number%0999999999999999999999999d$";
        assert_eq!(of(beyond).expand(1, 0), beyond);
    }

    #[test]
    fn the_representation_is_filled_in_first_and_cannot_inject_numbers() {
        let made = new("$RepresentationID$/$Bandwidth%08d$/$Number$$$.m4s", "v1", 9000);
        assert_eq!(made.0.path(), "./v1/00009000/$Number$$$.m4s");
        assert_eq!(made.expand(3, 0), "./v1/00009000/3$.m4s");
        assert_eq!(new("/$RepresentationID$", "a$Time$", 0).expand(1, 2), "/a$Time$");
        assert_eq!(new("/$$RepresentationID$$", "x", 0).expand(1, 2), "/$RepresentationID$");
    }

    #[test]
    fn an_id_is_a_name_below_the_base_whatever_it_looks_like() {
        let cases = [
            ("$RepresentationID$/1", "v", "https://h/m/v/1"),
            ("$RepresentationID$/1", "video:1", "https://h/m/video:1/1"),
            (" a/$RepresentationID$/1 ", "b:c", "https://h/m/a/b:c/1"),
            ("$RepresentationID$/1", "/v", "https://h/m//v/1"),
            ("/$RepresentationID$/1", "v", "https://h/v/1"),
            ("//c/$RepresentationID$", "v", "https://c/v"),
            ("https://$RepresentationID$/1", "v", "https://v/1"),
            ("?n=$RepresentationID$", "v", "https://h/m/index.mpd?n=v"),
            ("", "v", "https://h/m/index.mpd"),
        ];
        for (text, id, expected) in cases {
            let it = new(text, id, 0).resource(1, 0);
            assert_eq!(it.url(it.base().url()), expected, "{text} {id}");
        }
    }
}
