//! Reading a part as a stream of tokens that know their byte offsets.

use std::ops::Range;

use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{QName, ResolveResult};
use quick_xml::reader::{NsReader, Reader};

use super::{DocxError, limits};

/// The transitional `WordprocessingML` namespace (ISO/IEC 29500-4).
pub(super) const W_TRANSITIONAL: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
/// The strict one (ISO/IEC 29500-1).
pub(super) const W_STRICT: &str = "http://purl.oclc.org/ooxml/wordprocessingml/main";
const MARKUP_COMPATIBILITY: &str = "http://schemas.openxmlformats.org/markup-compatibility/2006";
const BOM: &str = "\u{feff}";

/// The namespaces that matter to a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ns {
    /// `WordprocessingML`, transitional or strict.
    Word,
    /// Markup compatibility (ISO/IEC 29500-3).
    Compatibility,
    /// Any other, or none.
    Other,
}

/// One token of a part.
#[derive(Debug)]
pub(super) enum Token<'a> {
    Start(Tag<'a>),
    Empty(Tag<'a>),
    End,
    /// Text or a character reference, still escaped.
    Text,
    /// A CDATA section.
    CData,
    /// A comment or processing instruction.
    Aside,
}

/// A start tag or an empty-element tag.
#[derive(Debug)]
pub(super) struct Tag<'a> {
    pub(super) ns: Ns,
    element: BytesStart<'a>,
}

impl Tag<'_> {
    pub(super) fn local(&self) -> &str {
        self.element.local_name().into_inner()
    }

    /// The local name if the element is `WordprocessingML`, else an empty string.
    pub(super) fn word(&self) -> &str {
        if self.ns == Ns::Word { self.local() } else { "" }
    }

    /// The value of the attribute with this local name, whatever its prefix, with references resolved.
    pub(super) fn attribute(&self, local: &str) -> Option<String> {
        let found = self
            .element
            .attributes()
            .flatten()
            .find(|a| a.key.local_name().into_inner() == local)?;
        Some(unescape(&found.value))
    }

    fn declares_w(&self) -> bool {
        self.element.attributes_raw().contains("xmlns:w")
            && self.element.attributes().flatten().any(|a| a.key.0 == "xmlns:w")
    }
}

/// Resolves the five predefined entities and character references; anything else stays as it is.
pub(super) fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((c, used)) = next_char(rest) {
        out.push(c);
        rest = rest.get(used..).unwrap_or("");
    }
    out
}

/// The first character of escaped text and the bytes it takes; a reference counts as one character.
pub(super) fn next_char(raw: &str) -> Option<(char, usize)> {
    let first = raw.chars().next()?;
    if first == '&'
        && let Some(end) = raw.bytes().take(12).position(|b| b == b';')
        && let Some(c) = raw.get(1..end).and_then(reference)
    {
        return Some((c, end + 1));
    }
    Some((first, first.len_utf8()))
}

fn reference(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => char::from_u32(code_point(name.strip_prefix('#')?)?),
    }
}

fn code_point(digits: &str) -> Option<u32> {
    match digits.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok(),
    }
}

/// A reader over one part that refuses what no Word document needs.
///
/// Offsets count from the first byte of the part, a byte order mark included (quick-xml leaves it out).
pub(super) struct Scanner<'a> {
    reader: NsReader<&'a [u8]>,
    part: &'a str,
    base: usize,
    depth: usize,
    roots: usize,
    pub(super) strict: bool,
    plain_w: bool,
    tags: usize,
}

impl<'a> Scanner<'a> {
    /// # Errors
    /// The part is not UTF-8.
    pub(super) fn new(part: &'a str, bytes: &'a [u8]) -> Result<Self, DocxError> {
        let text = utf8(part, bytes)?;
        let content = text.strip_prefix(BOM).unwrap_or(text);
        let mut reader = NsReader::from_str(content);
        reader
            .resolver_mut()
            .set_max_namespace_bindings(limits::NAMESPACES);
        let base = text.len() - content.len();
        Ok(Self {
            reader,
            part,
            base,
            depth: 0,
            roots: 0,
            strict: false,
            plain_w: false,
            tags: 0,
        })
    }

    fn position(&self) -> usize {
        self.base + usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX - self.base)
    }

    fn malformed(&self) -> DocxError {
        DocxError::Malformed(self.part.into(), self.position() as u64)
    }

    /// Whether `w:` means `WordprocessingML` wherever something may be inserted: the root binds it, and
    /// nothing binds it again. Known once the whole part was read.
    pub(super) fn plain_w(&self) -> bool {
        self.plain_w
    }

    /// The next token and the bytes it takes, or `None` at the end.
    ///
    /// # Errors
    /// The part is malformed, has a DOCTYPE, an undefined entity, another encoding, or is nested too deeply.
    pub(super) fn next(&mut self) -> Result<Option<(Range<usize>, Token<'a>)>, DocxError> {
        let start = self.position();
        let event = self.reader.read_event().map_err(|_| self.malformed())?;
        let span = start..self.position();
        let token = match event {
            Event::Eof => return self.finish(),
            Event::Start(element) => {
                self.enter()?;
                Token::Start(self.tag(element))
            }
            Event::Empty(element) => {
                self.enter()?;
                self.depth -= 1;
                Token::Empty(self.tag(element))
            }
            Event::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                Token::End
            }
            Event::GeneralRef(name) => match reference(&name) {
                Some(_) => Token::Text,
                None => return Err(DocxError::Entity(self.part.into())),
            },
            Event::DocType(_) => return Err(DocxError::Doctype(self.part.into())),
            Event::Decl(declaration) => self.declaration(declaration.encoding())?,
            Event::Text(text) => self.text(&text)?,
            Event::CData(_) => Token::CData,
            Event::Comment(_) | Event::PI(_) => Token::Aside,
        };
        Ok(Some((span, token)))
    }

    fn finish(&self) -> Result<Option<(Range<usize>, Token<'a>)>, DocxError> {
        if self.depth == 0 && self.roots == 1 {
            Ok(None)
        } else {
            Err(self.malformed())
        }
    }

    fn enter(&mut self) -> Result<(), DocxError> {
        self.roots += usize::from(self.depth == 0);
        self.depth += 1;
        if self.depth > limits::DEPTH {
            return Err(DocxError::TooDeep(self.part.into()));
        }
        if self.roots > 1 {
            Err(self.malformed())
        } else {
            Ok(())
        }
    }

    fn text(&self, text: &str) -> Result<Token<'a>, DocxError> {
        let blank = || text.bytes().all(|b| b.is_ascii_whitespace());
        if self.depth > 0 || blank() {
            Ok(Token::Text)
        } else {
            Err(self.malformed())
        }
    }

    fn declaration(
        &self,
        encoding: Option<Result<std::borrow::Cow<'_, str>, quick_xml::events::attributes::AttrError>>,
    ) -> Result<Token<'a>, DocxError> {
        match encoding {
            None => Ok(Token::Aside),
            Some(Ok(name)) if is_utf8(&name) => Ok(Token::Aside),
            Some(_) => Err(DocxError::Encoding(self.part.into())),
        }
    }

    fn tag(&mut self, element: BytesStart<'a>) -> Tag<'a> {
        let resolver = self.reader.resolver();
        let ns = match resolver.resolve_element(element.name()).0 {
            ResolveResult::Bound(ns) => namespace(ns.0),
            _ => (Ns::Other, false),
        };
        let tag = Tag { ns: ns.0, element };
        if self.tags == 0 {
            self.strict = ns.1;
            self.plain_w = matches!(resolver.resolve_element(QName("w:p")).0,
                ResolveResult::Bound(w) if namespace(w.0) == (Ns::Word, ns.1));
        } else if self.plain_w && tag.declares_w() {
            self.plain_w = false;
        }
        self.tags += 1;
        tag
    }
}

fn namespace(uri: &str) -> (Ns, bool) {
    match uri {
        W_TRANSITIONAL => (Ns::Word, false),
        W_STRICT => (Ns::Word, true),
        MARKUP_COMPATIBILITY => (Ns::Compatibility, false),
        _ => (Ns::Other, false),
    }
}

fn is_utf8(name: &str) -> bool {
    ["utf-8", "utf8", "us-ascii", "ascii"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}

/// The part as text.
///
/// # Errors
/// It is not UTF-8, or has a NUL byte as UTF-16 would.
pub(super) fn utf8<'a>(part: &str, bytes: &'a [u8]) -> Result<&'a str, DocxError> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !bytes.contains(&0) => Ok(text),
        _ => Err(DocxError::Encoding(part.into())),
    }
}

/// Whether every element that is opened is closed in its turn: what an insertion at a wrong place would break.
pub(super) fn is_balanced(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let mut reader = Reader::from_str(text.strip_prefix(BOM).unwrap_or(text));
    let mut depth = 0_usize;
    loop {
        match reader.read_event() {
            Ok(Event::Start(_)) => depth += 1,
            Ok(Event::End(_)) => depth = depth.saturating_sub(1),
            Ok(Event::Eof) => return depth == 0,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}

/// What follows a part's XML declaration, comments and processing instructions; `None` when one doesn't end.
fn after_misc(head: &[u8]) -> Option<&[u8]> {
    let mut rest = head
        .strip_prefix(BOM.as_bytes())
        .unwrap_or(head)
        .trim_ascii_start();
    loop {
        let close: &[u8] = if rest.starts_with(b"<?") {
            b"?>"
        } else if rest.starts_with(b"<!--") {
            b"-->"
        } else {
            return Some(rest);
        };
        let end = rest.windows(close.len()).position(|w| w == close)?;
        rest = rest.get(end + close.len()..).unwrap_or(&[]).trim_ascii_start();
    }
}

/// Whether the head of a part reaches the root element's name, so that more of it would tell nothing new.
pub(super) fn shows_root(head: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_' || *byte >= 0x80;
    let root = after_misc(head).and_then(|rest| rest.strip_prefix(b"<"));
    root.is_some_and(|name| name.first().is_some_and(is_name))
}

/// Refuses a part whose first bytes, up to its root element, hold a DOCTYPE or are not UTF-8.
///
/// A DOCTYPE may stand nowhere else (XML 1.0, production 22), so parts that are otherwise not read need not
/// be unpacked whole. A part whose root element is not reached in [`limits::PROLOG`] bytes is malformed.
pub(super) fn check_prolog(part: &str, head: &[u8]) -> Result<(), DocxError> {
    if head.starts_with(&[0xff, 0xfe])
        || head.starts_with(&[0xfe, 0xff])
        || head.iter().take(4).any(|b| *b == 0)
    {
        return Err(DocxError::Encoding(part.into()));
    }
    let rest = after_misc(head).ok_or_else(|| DocxError::Malformed(part.into(), 0))?;
    if rest.len() < 2 && head.len() as u64 >= limits::PROLOG {
        return Err(DocxError::Malformed(part.into(), limits::PROLOG));
    }
    if rest.starts_with(b"<!") {
        return Err(DocxError::Doctype(part.into()));
    }
    Ok(())
}

/// The name of the tag that starts at `at`, as written: prefix and local name.
pub(super) fn tag_name(xml: &str, at: usize) -> &str {
    let name = xml.get(at + 1..).unwrap_or("");
    let end = name.find(|c: char| c.is_ascii_whitespace() || c == '>' || c == '/');
    name.get(..end.unwrap_or(name.len())).unwrap_or("")
}
