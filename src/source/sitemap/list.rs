//! One list of urls, read as a stream: a sitemap, an index of sitemaps, or a text of one url a line.
//!
//! The protocol of sitemaps.org, with what real lists add to it: namespaces under any prefix, elements of other namespaces
//! beside the protocol's, gzip whatever the name says. Pure but for the reader that it is handed. The invariant: a list that
//! does not end as it should, or that is something else, is a [`Fault`], however much of it was understood. Whoever asks
//! for urls decides what they mean.

mod meter;

#[cfg(test)]
mod tests;

use std::io::{self, BufRead, BufReader, Read};

use flate2::read::MultiGzDecoder;
use quick_xml::errors::IllFormedError;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::{NsReader, XmlVersion};

pub(super) use self::meter::MAX_BYTES;
use self::meter::{Counted, Passed, Pieces, Whole};

/// The most urls that one list may have, as the protocol says.
pub(super) const MAX_URLS: usize = 50_000;
/// A text of a list that is longer is no url and no date.
const MAX_TEXT_BYTES: usize = 8 * 1024;
/// A list is three elements deep, and extensions go a little further.
const MAX_DEPTH: usize = 32;
/// Other languages of a page beyond this are not told.
const MAX_ALTERNATES: usize = 256;

/// What a list names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// A page.
    Page(Page),
    /// Another list.
    List(String),
}

/// A page as a list names it; nothing of it is a url yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// Its url.
    pub(super) loc: String,
    /// When it changed last, in the list's own words.
    pub(super) lastmod: Option<String>,
    /// The urls of the same page in other languages, and its own perhaps (`xhtml:link` with `hreflang`).
    pub(super) alternates: Vec<String>,
}

/// Why a list is not whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("it is cut off before its end")]
    CutOff,
    #[error("it is an HTML page and no sitemap: a login page, perhaps, or the url of something else")]
    Html,
    #[error(
        "it declares a document type (DTD), which no sitemap needs and which may expand without end: it is refused"
    )]
    Dtd,
    #[error("it is no sitemap: its outermost element is `{0}`, not `urlset` or `sitemapindex`")]
    Other(String),
    #[error("it is neither XML nor a text of one url a line: line {0} is no url")]
    NoUrl(usize),
    #[error("it names more than 50000 urls: split it, as the protocol says")]
    TooMany,
    #[error("its elements are nested more than 32 deep")]
    TooDeep,
    #[error("it refers to the entity `{0}`, which is none of XML's five")]
    Entity(String),
    #[error("it is no well-formed XML at byte {0}: {1}")]
    Malformed(u64, String),
    #[error("{0}: it is refused")]
    Bounds(String),
    #[error("it broke off: {0}")]
    Broken(String),
    #[error("it names nothing at all")]
    Empty,
}

/// Reads a whole list, and hands on what it names as it comes.
pub(super) fn read(from: impl Read, take: &mut dyn FnMut(Named)) -> Result<(), Fault> {
    let (mut counted, count) = Counted::new(from);
    let (magic, length) = first_bytes(&mut counted).map_err(|error| broken(&error))?;
    let magic = magic.get(..length).unwrap_or_default();
    let whole = magic.chain(counted);
    if magic == [0x1f, 0x8b] {
        read_plain(Whole::new(MultiGzDecoder::new(whole), Some(count)), take)
    } else {
        read_plain(Whole::new(whole, None), take)
    }
}

/// The two bytes that tell gzip from anything else, or as many as there are.
fn first_bytes(from: &mut impl Read) -> io::Result<([u8; 2], usize)> {
    let (mut bytes, mut length) = ([0; 2], 0);
    while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((bytes, length))
}

fn read_plain(from: impl Read, take: &mut dyn FnMut(Named)) -> Result<(), Fault> {
    let mut from = BufReader::with_capacity(16 * 1024, from);
    let mut taken = 0_usize;
    let mut take = |named| {
        taken += 1;
        if taken > MAX_URLS {
            return Err(Fault::TooMany);
        }
        take(named);
        Ok(())
    };
    match first_character(&mut from).map_err(|error| broken(&error))? {
        None => {}
        Some(b'<') => read_xml(from, &mut take)?,
        Some(_) => read_text(from, &mut take)?,
    }
    if taken == 0 { Err(Fault::Empty) } else { Ok(()) }
}

/// The first byte that is no white space and no byte order mark, which are passed.
fn first_character(from: &mut impl BufRead) -> io::Result<Option<u8>> {
    loop {
        let ready = from.fill_buf()?;
        let skipped =
            ready.iter().take_while(|byte| byte.is_ascii_whitespace() || b"\xef\xbb\xbf".contains(byte)).count();
        let first = ready.get(skipped).copied();
        let is_over = ready.is_empty();
        from.consume(skipped);
        if first.is_some() || is_over {
            return Ok(first);
        }
    }
}

/// One url a line; a line that is none shows that the whole is something else.
fn read_text(from: impl BufRead, take: &mut dyn FnMut(Named) -> Result<(), Fault>) -> Result<(), Fault> {
    let mut from = Pieces::new(from);
    let mut line = Vec::new();
    for number in 1.. {
        from.next();
        line.clear();
        if from.read_until(b'\n', &mut line).map_err(|error| broken(&error))? == 0 {
            break;
        }
        let text = std::str::from_utf8(&line).map_err(|_| Fault::NoUrl(number))?.trim();
        if text.is_empty() {
            continue;
        }
        let is_url = text.len() <= MAX_TEXT_BYTES && (text.starts_with("http://") || text.starts_with("https://"));
        if !is_url || text.contains(char::is_whitespace) {
            return Err(Fault::NoUrl(number));
        }
        take(Named::Page(Page { loc: text.to_owned(), ..Page::default() }))?;
    }
    Ok(())
}

/// Where in a list the parser is; what is not of the protocol is [`Place::Beside`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Pages,
    Lists,
    Page,
    List,
    Loc,
    LastMod,
    Beside,
}

/// What was understood so far.
#[derive(Default)]
struct Progress {
    /// The elements that are open.
    places: Vec<Place>,
    /// The namespace of the outermost one: whatever it is, the protocol's elements have the same.
    namespace: Option<String>,
    page: Page,
    text: String,
    is_over: bool,
}

fn read_xml(from: impl BufRead, take: &mut dyn FnMut(Named) -> Result<(), Fault>) -> Result<(), Fault> {
    let mut reader = NsReader::from_reader(Pieces::new(from));
    reader.config_mut().expand_empty_elements = true;
    let mut buffer = Vec::new();
    let mut progress = Progress::default();
    loop {
        buffer.clear();
        reader.get_mut().next();
        let position = reader.buffer_position();
        let read = reader.read_resolved_event_into(&mut buffer);
        let (namespace, event) = read.map_err(|error| malformed(error, position, &progress))?;
        match event {
            Event::Start(start) => progress.open(&namespace, &start, position)?,
            Event::End(_) => {
                if let Some(named) = progress.close() {
                    take(named)?;
                }
            }
            Event::Text(text) => progress.add(&text.xml10_content())?,
            Event::CData(text) => progress.add(&text.xml10_content())?,
            Event::GeneralRef(entity) => progress.add(resolved(&entity)?.encode_utf8(&mut [0; 4]))?,
            Event::DocType(text) if is_html(&text) => return Err(Fault::Html),
            Event::DocType(_) => return Err(Fault::Dtd),
            Event::Eof => return if progress.is_over { Ok(()) } else { Err(Fault::CutOff) },
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

impl Progress {
    fn open(&mut self, namespace: &ResolveResult<'_>, start: &BytesStart<'_>, position: u64) -> Result<(), Fault> {
        let name = start.local_name();
        let name: &str = name.as_ref();
        if self.is_over {
            return Err(Fault::Malformed(position, format!("`{}` follows its end", cut(name))));
        }
        if self.places.len() >= MAX_DEPTH {
            return Err(Fault::TooDeep);
        }
        let is_own = match (namespace, &self.namespace) {
            (ResolveResult::Bound(Namespace(uri)), own) => own.as_deref() == Some(*uri),
            (ResolveResult::Unbound, own) => own.is_none(),
            (ResolveResult::Unknown(_), _) => false,
        };
        let place = match (self.places.last(), name) {
            (None, "urlset" | "sitemapindex") => {
                if let ResolveResult::Bound(Namespace(uri)) = namespace {
                    self.namespace = Some((*uri).to_owned());
                }
                if name == "urlset" { Place::Pages } else { Place::Lists }
            }
            (None, _) if name.eq_ignore_ascii_case("html") => return Err(Fault::Html),
            (None, _) => return Err(Fault::Other(cut(name))),
            (Some(Place::Pages), "url") if is_own => Place::Page,
            (Some(Place::Lists), "sitemap") if is_own => Place::List,
            (Some(Place::Page | Place::List), "loc") if is_own => Place::Loc,
            (Some(Place::Page), "lastmod") if is_own => Place::LastMod,
            (Some(Place::Page), "link") => {
                self.add_alternate(start, position)?;
                Place::Beside
            }
            (Some(_), _) => Place::Beside,
        };
        self.text.clear();
        self.places.push(place);
        Ok(())
    }

    fn close(&mut self) -> Option<Named> {
        let place = self.places.pop()?;
        self.is_over = self.places.is_empty();
        match place {
            Place::Loc if self.page.loc.is_empty() => self.text.trim().clone_into(&mut self.page.loc),
            Place::LastMod if !self.text.trim().is_empty() => self.page.lastmod = Some(self.text.trim().to_owned()),
            // One without a url names nothing.
            Place::Page | Place::List => {
                let page = std::mem::take(&mut self.page);
                let is_page = place == Place::Page;
                let named = if is_page { Named::Page } else { |page: Page| Named::List(page.loc) };
                return (!page.loc.is_empty()).then(|| named(page));
            }
            _ => {}
        }
        None
    }

    fn add(&mut self, text: &str) -> Result<(), Fault> {
        let is_wanted = matches!(self.places.last(), Some(Place::Loc | Place::LastMod));
        if is_wanted && self.text.len() + text.len() > MAX_TEXT_BYTES {
            return Err(Fault::Bounds("a url in it has more than 8 KB".to_owned()));
        }
        if is_wanted {
            self.text.push_str(text);
        }
        Ok(())
    }

    fn add_alternate(&mut self, link: &BytesStart<'_>, position: u64) -> Result<(), Fault> {
        let (mut has_language, mut href) = (false, None);
        for attribute in link.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| Fault::Malformed(position, error.to_string()))?;
            let key: &str = attribute.key.as_ref();
            if key == "hreflang" {
                has_language = true;
            } else if key == "href" {
                let value = attribute.normalized_value(XmlVersion::Explicit1_0);
                let value = value.map_err(|error| Fault::Malformed(position, error.to_string()))?;
                href = Some(value.trim().to_owned());
            }
        }
        let has_room = self.page.alternates.len() < MAX_ALTERNATES;
        self.page.alternates.extend(href.filter(|_| has_language && has_room));
        Ok(())
    }
}

/// One of XML's five entities, or a character by its number: nothing that could grow.
fn resolved(entity: &BytesRef<'_>) -> Result<char, Fault> {
    let unknown = || Fault::Entity(cut(entity));
    if let Some(character) = entity.resolve_char_ref().map_err(|_| unknown())? {
        return Ok(character);
    }
    match &**entity {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        _ => Err(unknown()),
    }
}

fn is_html(doctype: &str) -> bool {
    doctype.trim_start().get(..4).is_some_and(|name| name.eq_ignore_ascii_case("html"))
}

fn malformed(error: quick_xml::Error, position: u64, progress: &Progress) -> Fault {
    match error {
        quick_xml::Error::Io(error) => broken(&error),
        // What is open at the end of the bytes is what a list looks like that was cut off.
        quick_xml::Error::Syntax(_) | quick_xml::Error::IllFormed(IllFormedError::MissingEndTag(_)) => Fault::CutOff,
        _ if progress.places.is_empty() && !progress.is_over => {
            Fault::Malformed(position, "it never begins".to_owned())
        }
        error => Fault::Malformed(position, cut(&error.to_string())),
    }
}

fn broken(error: &io::Error) -> Fault {
    match (Passed::of(error), error.kind()) {
        (Some(passed), _) => Fault::Bounds(passed.to_string()),
        (None, io::ErrorKind::UnexpectedEof) => Fault::CutOff,
        (None, _) => Fault::Broken(error.to_string()),
    }
}

/// Words of the list's own, short enough for a message.
fn cut(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(80).collect()
}
