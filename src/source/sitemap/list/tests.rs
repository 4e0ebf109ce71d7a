//! Lists as they are and as they should never be: whole, cut off, packed, hostile.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

const NS: &str = r#"xmlns="http://www.sitemaps.org/schemas/sitemap/0.9""#;

fn all(bytes: &[u8]) -> Result<Vec<Named>, Fault> {
    let mut named = Vec::new();
    read(bytes, &mut |one| named.push(one)).map(|()| named)
}

fn locs(text: &str) -> Result<Vec<String>, Fault> {
    let loc = |named| match named {
        Named::Page(page) => page.loc,
        Named::List(loc) => format!("list {loc}"),
    };
    Ok(all(text.as_bytes())?.into_iter().map(loc).collect())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_page_is_read_whatever_stands_around_it() {
    let text = "\u{feff}\n<?xml version='1.0'?><?style x?><!-- c --><s:urlset xmlns:s='urn:any' xmlns:xhtml='http://www.w3.org/1999/xhtml' \
         xmlns:image='i'>\n<s:url><image:image><image:loc>https://x/no.png</image:loc></image:image><s:loc>\n https://x/a?b=1&amp;c=&#50;\
         <![CDATA[&d]]> \n</s:loc><loc>https://x/not-ours</loc><s:lastmod>2026-11-01</s:lastmod><xhtml:link rel='alternate' \
         hreflang='de' href='https://x/de?a&amp;b'/><xhtml:link rel='canonical' href='https://x/c'/></s:url><s:url/><s:url><s:loc>b</s:loc>\
         </s:url></s:urlset>\n<!-- end -->\n";
    let first = Page {
        loc: "https://x/a?b=1&c=2&d".into(),
        lastmod: Some("2026-11-01".into()),
        alternates: vec!["https://x/de?a&b".into()],
    };
    let second = Page { loc: "b".into(), ..Page::default() };
    assert_eq!(all(text.as_bytes()), Ok(vec![Named::Page(first), Named::Page(second)]));
}

#[test]
fn an_index_names_lists_and_a_text_names_pages() {
    let index = "<sitemapindex><sitemap><loc>https://x/1.xml</loc><lastmod>2026</lastmod></sitemap></sitemapindex>";
    assert_eq!(locs(index), Ok(vec!["list https://x/1.xml".into()]));
    let text = "\u{feff}https://x/a\r\n\r\n  http://x/b \n";
    assert_eq!(locs(text), Ok(vec!["https://x/a".into(), "http://x/b".into()]));
    let no_namespace = "<urlset><url><loc>https://x/a</loc></url></urlset>";
    assert_eq!(locs(no_namespace), Ok(vec!["https://x/a".into()]));
}

#[test]
fn gzip_is_known_by_its_content() {
    let text = format!("<urlset {NS}><url><loc>https://x/a</loc></url></urlset>");
    let packed = gzip(text.as_bytes());
    assert_eq!(all(&packed), all(text.as_bytes()));
    // Two members, as some servers that append write them.
    let (front, back) = text.split_at(40);
    assert_eq!(all(&[gzip(front.as_bytes()), gzip(back.as_bytes())].concat()), all(text.as_bytes()));
    assert_eq!(all(&packed[..packed.len() - 9]), Err(Fault::CutOff));
}

#[test]
fn what_is_not_whole_is_a_fault() {
    let whole = format!("<urlset {NS}><url><loc>https://x/a</loc></url><url><loc>https://x/b</loc></url></urlset>");
    for end in (1..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
        assert!(all(&whole.as_bytes()[..end]).is_err(), "cut off after {:?}", &whole[..end]);
    }
    for (text, expected) in [
        ("", Fault::Empty),
        (" \n", Fault::Empty),
        ("<urlset/>", Fault::Empty),
        ("<urlset><url/></urlset>", Fault::Empty),
        ("<!doctype html><html><body>log in</body></html>", Fault::Html),
        ("<HTML><form>", Fault::Html),
        ("<rss><channel/></rss>", Fault::Other("rss".into())),
        ("Service Unavailable", Fault::NoUrl(1)),
        ("https://x/a\nhttps://x/b c", Fault::NoUrl(2)),
        ("<!DOCTYPE urlset [<!ENTITY a 'b'>]><urlset/>", Fault::Dtd),
        ("<urlset><url><loc>&a;</loc></url></urlset>", Fault::Entity("a".into())),
        ("<urlset><url><loc>https://x/</loc></url></urlset><br/>", Fault::Malformed(49, "`br` follows its end".into())),
    ] {
        assert_eq!(locs(text), Err(expected), "{text}");
    }
    let text = "<urlset><url><loc>https://x/</loc></url><br><b>Fatal error</b></urlset>";
    assert!(matches!(locs(text), Err(Fault::Malformed(..))), "{:?}", locs(text));
}

#[test]
fn bombs_are_refused_by_their_first_bytes() {
    let entities: Vec<String> =
        (1..10).map(|n| format!("<!ENTITY l{n} '{}'>", format!("&l{};", n - 1).repeat(10))).collect();
    let laughs =
        format!("<!DOCTYPE l [<!ENTITY l0 'l'>{}]><urlset><url><loc>&l9;</loc></url></urlset>", entities.concat());
    assert_eq!(locs(&laughs), Err(Fault::Dtd));
    let long = |byte: u8| std::io::repeat(byte).take(10 << 20);
    let of = |from: &mut dyn Read| read(from, &mut |_| {});
    assert!(of(&mut long(b'<')).is_err());
    assert!(matches!(of(&mut b"<urlset><url><loc>".chain(long(b'a'))), Err(Fault::Bounds(_))));
    assert!(matches!(of(&mut b"<urlset><!--".chain(long(b'a'))), Err(Fault::Bounds(_))));
    assert!(matches!(of(&mut b"<urlset a='".chain(long(b'a'))), Err(Fault::Bounds(_))));
    assert!(matches!(of(&mut b"<!DOCTYPE ".chain(long(b'a'))), Err(Fault::Bounds(_))));
    assert!(matches!(of(&mut b"https://x/".chain(long(b'a'))), Err(Fault::Bounds(_))));
    let deep = "<urlset>".to_owned() + &"<a>".repeat(1_000_000);
    assert_eq!(locs(&deep), Err(Fault::TooDeep));
    let many = "<url><loc>https://x/</loc></url>".repeat(MAX_URLS + 1);
    assert_eq!(locs(&format!("<urlset>{many}</urlset>")), Err(Fault::TooMany));
}

#[test]
fn a_packed_list_without_an_end_is_refused_early() {
    for piece in
        ["<!-- nothing at all, again and again and again and again and again, nothing -->", "<url></url>         "]
    {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(piece.repeat(10_000).as_bytes()).unwrap();
        let (begin, again) = (gzip(b"<urlset>"), encoder.finish().unwrap());
        // Of 10 GB: gzip members follow each other.
        let members = 10 * (1 << 30) / (piece.len() * 10_000);
        let mut made = 0_usize;
        let mut at = 0;
        let mut bomb = begin.as_slice().chain(ReadFn(|buffer: &mut [u8]| {
            if at == again.len() {
                (at, made) = (0, made + 1);
            }
            let length = if made == members { 0 } else { buffer.len().min(again.len() - at) };
            buffer[..length].copy_from_slice(&again[at..at + length]);
            at += length;
            length
        }));
        let refused = read(&mut bomb, &mut |_| {});
        assert_eq!(refused, Err(Fault::Bounds(Passed::Ratio.to_string())));
        assert!(made < 50, "{made} of {members} members were read");
    }
}

/// Reads what a function makes.
struct ReadFn<F>(F);

impl<F: FnMut(&mut [u8]) -> usize> Read for ReadFn<F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        Ok((self.0)(buffer))
    }
}

proptest! {
    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = all(&bytes);
        let _ = all(&gzip(&bytes));
    }

    #[test]
    fn no_markup_panics(pieces in proptest::collection::vec(proptest::sample::select(vec![
        "<urlset>", "</urlset>", "<url>", "</url>", "<loc>", "</loc>", "<url ", "x:loc='", "'", "/>", "<!--", "-->", "<![CDATA[", "]]>",
        "&amp;", "&#x1F600;", "&#0;", "&x;", "<?x", "?>", "é", "https://x/", "xmlns:a='", "<!DOCTYPE",
    ]), 0..40)) {
        let _ = all(pieces.concat().as_bytes());
    }
}
