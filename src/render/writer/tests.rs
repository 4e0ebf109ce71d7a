//! What the writer makes of the events of a document.

use super::*;

fn written(write: impl FnOnce(&mut Writer)) -> String {
    let mut writer = Writer::default();
    write(&mut writer);
    writer.finish()
}

#[test]
fn text_and_values_are_escaped_and_control_characters_go() {
    let html = written(|w| {
        w.open_with("a", &[("href", "x\"><script>&")]);
        w.text("a<b>&\"\0\u{1b}c\r\n");
        w.close();
    });
    assert_eq!(html, "<a href=\"x&quot;&gt;&lt;script&gt;&amp;\">a&lt;b&gt;&amp;\"c\n</a>");
}

#[test]
fn raw_elements_end_with_what_holds_them() {
    let html = written(|w| {
        w.open("li");
        w.open_raw("b", &[]);
        w.text("x");
        w.close_raw("i");
        w.close();
        w.close_raw("li");
        w.text("y");
    });
    assert_eq!(html, "<li><b>x</b></li>\ny");
}

#[test]
fn raw_end_tags_end_nothing_of_markdowns() {
    let html = written(|w| {
        w.open_raw("div", &[]);
        w.open("p");
        w.close_raw("div");
        w.close_raw("p");
        w.text("x");
        w.close();
        w.close_raw("div");
        w.text("y");
    });
    assert_eq!(html, "<div><p>x</p>\n</div>\ny");
}

#[test]
fn raw_elements_end_each_other_as_in_html() {
    let html = written(|w| {
        for name in ["ul", "li", "ul", "li", "li"] {
            w.open_raw(name, &[]);
        }
        w.close_raw("ul");
        w.open_raw("li", &[]);
        w.open_raw("p", &[]);
        w.open_raw("p", &[]);
    });
    insta::assert_snapshot!(html, @"
    <ul><li><ul><li></li>
    <li></li>
    </ul>
    </li>
    <li><p></p>
    <p></p>
    </li>
    </ul>
    ");
}

#[test]
fn what_is_cut_leaves_no_tag_but_keeps_columns() {
    let html = written(|w| {
        w.open("tr");
        w.cut(true);
        w.open("td");
        w.text("secret");
        w.close();
        w.open("td");
        w.cut(false);
        w.text("b");
        w.close();
        w.close();
        w.cut(true);
        w.open("tr");
        w.open("td");
        w.close();
        w.open("td");
        w.text("secret");
        w.cut(false);
        w.text("d");
        w.close();
        w.close();
        w.cut(true);
        w.open("p");
        w.open_with("a", &[("href", "https://secret.example")]);
        w.cut(false);
        w.text("link");
        w.close();
        w.close();
    });
    insta::assert_snapshot!(html, @"
    <tr><td></td><td>b</td>
    </tr>
    <tr><td></td><td>d</td>
    </tr>
    <p>link</p>
    ");
}

#[test]
fn hidden_elements_hide_through_markdown_and_end_with_their_tag() {
    let html = written(|w| {
        w.hide_raw("script");
        w.open("p");
        w.text("secret");
        w.close_raw("script");
        w.text("shown");
        w.close();
        w.hide_raw("nav");
        w.hide_raw("nav");
        w.close_raw("nav");
        w.text("secret");
        w.close_raw("nav");
        w.text("shown");
    });
    assert_eq!(html, "<p>shown</p>\nshown");
}

#[test]
fn notes_are_written_apart() {
    let mut note = String::new();
    let html = written(|w| {
        w.open("blockquote");
        w.begin_aside();
        w.open("p");
        w.text("note");
        w.close();
        note = w.end_aside();
        w.text("text");
        w.close();
    });
    assert_eq!((html.as_str(), note.as_str()), ("<blockquote>text</blockquote>", "<p>note</p>\n"));
}

#[test]
fn depth_is_bounded_and_text_stays() {
    let html = written(|w| {
        for _ in 0..100_000 {
            w.open("blockquote");
            w.open_raw("b", &[]);
        }
        w.text("deep");
        for _ in 0..100_000 {
            w.close_raw("i");
            w.close();
        }
    });
    assert!(html.contains("deep") && html.matches('<').count() == 2 * MAX_DEPTH);
}
