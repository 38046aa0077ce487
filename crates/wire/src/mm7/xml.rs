//! XML as MM7 needs it: a small tree whose elements are known by their local names, read within bounds, and a writer of
//! elements.

use std::borrow::Cow;

use quick_xml::NsReader;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;

use super::Malformed;

/// An envelope has no more octets: its content travels beside it.
const BYTES_MAX: usize = 512 * 1024;

/// Elements are not nested deeper: `Envelope/Body/SubmitReq/Recipients/To/Number` is 6.
const DEPTH_MAX: usize = 32;

/// There are no more elements; a request to a thousand recipients has a few thousand.
const ELEMENTS_MAX: usize = 20_000;

/// An element and what is in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// Its name without prefix.
    pub(super) name: String,
    /// Its namespace; empty where it has none.
    pub(super) namespace: String,
    /// Whether its name has a prefix.
    pub(super) prefixed: bool,
    /// Its attributes, by their local names.
    pub(super) attributes: Vec<(String, String)>,
    /// Its own text, without the blanks around it.
    pub(super) text: String,
    /// The elements in it.
    pub(super) children: Vec<Self>,
}

impl Element {
    /// The first child of this name, in any case.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.is(name))
    }

    /// The text of the first child of this name, if it has some.
    pub(super) fn text_of(&self, name: &str) -> Option<String> {
        self.child(name).map(|child| child.text.clone()).filter(|text| !text.is_empty())
    }

    /// The attribute of this name.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The first element of this name in it, however deep.
    pub(super) fn descendant(&self, name: &str) -> Option<&Self> {
        self.children.iter().find_map(|child| if child.is(name) { Some(child) } else { child.descendant(name) })
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// The tree of a document.
pub(super) fn parse(octets: &[u8]) -> Result<Element, Malformed> {
    if octets.len() > BYTES_MAX {
        return Err(Malformed::TooMuch("octets"));
    }
    let text = decode(octets);
    let text = text
        .trim_start_matches(|character: char| character.is_whitespace() || character == '\u{FEFF}')
        .trim_end_matches('\0');
    if text.trim().is_empty() {
        return Err(Malformed::Blank);
    }
    let mut reader = NsReader::from_str(text);
    let mut elements = 0;
    // The root is the only child of an element that is not there.
    let mut open = vec![Element::default()];
    loop {
        let event = reader.read_event().map_err(unreadable)?;
        match event {
            Event::Start(ref start) | Event::Empty(ref start) => {
                elements += 1;
                if open.len() > DEPTH_MAX || elements > ELEMENTS_MAX {
                    return Err(Malformed::TooMuch("elements"));
                }
                open.push(element(&reader, start)?);
                if matches!(event, Event::Empty(_)) {
                    close(&mut open);
                }
            }
            Event::End(_) => close(&mut open),
            Event::Text(text) => push(&mut open, &text.xml10_content()),
            Event::CData(text) => push(&mut open, &text.xml10_content()),
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(unreadable)?;
                match (character, resolve_predefined_entity(&reference)) {
                    (Some(character), _) => push(&mut open, character.encode_utf8(&mut [0; 4])),
                    (None, Some(text)) => push(&mut open, text),
                    (None, None) => return Err(Malformed::Xml("it has an entity of its own".to_owned())),
                }
            }
            Event::DocType(_) => return Err(Malformed::DocumentType),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    if open.len() > 1 {
        return Err(Malformed::Xml("it ends too early".to_owned()));
    }
    open.pop().and_then(|mut none| none.children.pop()).ok_or_else(|| Malformed::Xml("there is no element".to_owned()))
}

fn unreadable(error: impl Into<quick_xml::Error>) -> Malformed {
    Malformed::Xml(error.into().to_string())
}

/// Characters, whatever the declaration says: samples of peers declare UTF-16 and are UTF-8. Octets that are not UTF-8
/// are read as ISO 8859-1, so that what is ASCII, which is all that matters, is read at any rate.
fn decode(octets: &[u8]) -> Cow<'_, str> {
    let utf16 = |octets: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = octets.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>()
    };
    match octets {
        [0xFE, 0xFF, ..] | [0, b'<', ..] => utf16(octets, u16::from_be_bytes).into(),
        [0xFF, 0xFE, ..] | [b'<', 0, ..] => utf16(octets, u16::from_le_bytes).into(),
        _ => match std::str::from_utf8(octets) {
            Ok(text) => text.into(),
            Err(_) => octets.iter().map(|octet| char::from(*octet)).collect::<String>().into(),
        },
    }
}

fn element(reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Result<Element, Malformed> {
    let (resolved, name) = reader.resolver().resolve_element(start.name());
    let namespace = match resolved {
        ResolveResult::Bound(namespace) => {
            unescape(namespace.into_inner()).map_err(quick_xml::Error::from).map_err(unreadable)?.into_owned()
        }
        ResolveResult::Unbound | ResolveResult::Unknown(_) => String::new(),
    };
    let mut attributes = Vec::new();
    // A second attribute of one name is an error that nobody needs to care about.
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(unreadable)?;
        let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).map_err(unreadable)?;
        attributes.push((attribute.key.local_name().into_inner().to_owned(), value.into_owned()));
    }
    let prefixed = start.name().prefix().is_some();
    Ok(Element { name: name.into_inner().to_owned(), namespace, prefixed, attributes, ..Element::default() })
}

fn push(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

/// Ends the innermost element. quick-xml has seen to it that there is one.
fn close(open: &mut Vec<Element>) {
    if let Some(mut element) = open.pop() {
        let trimmed = element.text.trim();
        if trimmed.len() != element.text.len() {
            element.text = trimmed.to_owned();
        }
        if let Some(parent) = open.last_mut() {
            parent.children.push(element);
        }
    }
}

/// Writes elements one after the other.
pub(super) struct Writer<'a> {
    /// What is written so far.
    pub(super) out: String,
    /// What comes before every name: a prefix with its colon, or nothing.
    pub(super) prefix: &'a str,
}

impl Writer<'_> {
    /// An element with elements in it.
    pub(super) fn element(&mut self, name: &str, attributes: &[(&str, &str)], inner: impl FnOnce(&mut Self)) {
        self.start(name, attributes);
        self.out.push('>');
        inner(self);
        self.out.push_str(&format!("</{}{name}>", self.prefix));
    }

    /// An element with a text in it.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.element(name, &[], |writer| escape(text, &mut writer.out));
    }

    /// The same, where there is a text.
    pub(super) fn text_if(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// An element with nothing in it.
    pub(super) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.start(name, attributes);
        self.out.push_str("/>");
    }

    fn start(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.out.push('<');
        self.out.push_str(self.prefix);
        self.out.push_str(name);
        for (key, value) in attributes {
            self.out.push_str(&format!(" {key}=\""));
            escape(value, &mut self.out);
            self.out.push('"');
        }
    }
}

/// Text as XML 1.0 writes it. Characters that it cannot have at all (section 2.2) are left out.
pub(super) fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push_str(&format!("&#{};", u32::from(character))),
            '\0'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => {}
            _ => out.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_known_by_their_local_names() {
        for text in [
            "<a><B>x</B></a>",
            "<p:a xmlns:p='n'><p:B>x</p:B></p:a>",
            "<p:a><q:b> x\n</q:b></p:a>",
            "<?xml version='1.0' encoding='UTF-16'?>\n<a><!-- no --><B><![CDATA[x]]></B></a>",
            "\u{FEFF}<a><b>&#120;</b></a>\0\0",
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap().text_of("B").as_deref(), Some("x"), "{text}");
        }
    }

    #[test]
    fn characters_are_found_in_every_coding() {
        let text = "<a>é€</a>";
        let utf16 = |bytes: fn(u16) -> [u8; 2], mark: &str| {
            format!("{mark}{text}").encode_utf16().flat_map(bytes).collect::<Vec<u8>>()
        };
        for octets in [
            text.as_bytes().to_vec(),
            utf16(u16::to_be_bytes, ""),
            utf16(u16::to_le_bytes, ""),
            utf16(u16::to_be_bytes, "\u{FEFF}"),
            utf16(u16::to_le_bytes, "\u{FEFF}"),
        ] {
            assert_eq!(parse(&octets).unwrap().text, "é€", "{octets:?}");
        }
        assert_eq!(parse(b"<a>\xE9</a>").unwrap().text, "é");
    }

    #[test]
    fn what_is_not_xml_or_too_much_of_it_is_refused() {
        let deep = format!("{}{}", "<a>".repeat(40), "</a>".repeat(40));
        let many = format!("<a>{}</a>", "<b/>".repeat(ELEMENTS_MAX));
        for (text, error) in [
            ("", "there is nothing in it"),
            (" \r\n ", "there is nothing in it"),
            ("hello", "it is not XML"),
            ("<a>", "it is not XML"),
            ("<a></b>", "it is not XML"),
            ("<a>&own;</a>", "it is not XML"),
            ("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "it has a document type"),
            ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "it has a document type"),
            (&deep, "it has too many elements"),
            (&many, "it has too many elements"),
            (&" ".repeat(BYTES_MAX + 1), "it has too many octets"),
        ] {
            let found = parse(text.as_bytes()).unwrap_err().to_string();
            assert!(found.starts_with(error), "{}: {found}", &text[..text.len().min(40)]);
        }
    }
}
