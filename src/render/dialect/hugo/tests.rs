//! Documents of Hugo: what is sent of them, and their warnings.

use super::super::tests::show;

const FILES: &[(&str, &str)] = &[
    ("hugo.toml", "[params]\nversion = '4.2'\n"),
    ("content/_index.md", "# Home\n"),
    ("content/s/b.md", "B\n"),
    ("shared/part.md", "Part {{< param version >}}\n\n{{< readfile \"shared/part.md\" >}}\n"),
    ("shared/x.py", "one = 1\n"),
    ("layouts/shortcodes/own.html", "<div class=\"own\">{{ .Get 0 }}: {{ .Inner | markdownify }}</div>\n"),
];

#[test]
fn shortcodes_become_text_and_unknown_ones_are_reported() {
    let text = "---\ntitle: T\nseason: winter\n---\n\
        In {{< param season >}} [b]({{< ref \"b.md#x\" >}}) [no]({{< relref \"gone\" >}}).\n\n\
        {{% alert title=\"Mind\" color=\"warning\" %}}\n* one\n* two\n{{% /alert %}}\n\n\
        1. Item\n\n   {{< hint info >}}\n   Deep *text*.\n   {{< /hint >}}\n\n\
        {{< tabs items=\"npm,pnpm\" >}}\n  {{< tab >}}one{{< /tab >}}\n  {{< tab >}}\n  ```sh\n  two\n  ```\n  {{< /tab >}}\n{{< /tabs >}}\n\n\
        {{< own first >}}*inner*{{< /own >}}\n\n\
        {{< strange a=\"b\" >}}kept {{< stranger >}}{{< /strange >}}\n\n\
        {{< readfile file=\"/shared/part.md\" >}}\n\n{{< readfile file=\"/shared/x.py\" >}}\n\n{{< include \"gone.md\" >}}\n\n\
        ```go\n{{< param version >}} {{</* param version */>}}\n```\n\n\
        | a |\n|---|\n| {{< hint tip >}}in a cell{{< /hint >}} |\n";
    insta::assert_snapshot!(show(FILES, "content/s/a.md", text));
}

#[test]
fn raw_html_is_left_out_unless_it_is_published() {
    let text = "<div>out **all**\n{{< param version >}}\n</div>\n\nAn <b>inline</b> tag.\n\n<custom-tag>\nout\n\n    <div>code</div>\n\n\
        ```html\n<div>code</div>\n```\n\n<!-- fin:skip -->\nsecret\n<!-- /fin:skip -->\n\n{{< own x >}}shown{{< /own >}}\n";
    insta::assert_snapshot!(show(FILES, "content/s/a.md", text));
    let open: Vec<(&str, &str)> =
        FILES
            .iter()
            .map(|(path, text)| {
                if *path == "hugo.toml" {
                    (*path, "[markup.goldmark.renderer]\nunsafe = true\n")
                } else {
                    (*path, *text)
                }
            })
            .collect();
    assert!(show(&open, "content/s/a.md", "<div>in **all**</div>\n").contains("<div>in **all**</div>"));
}

#[test]
fn text_is_typographic_unless_the_site_says_otherwise() {
    let text = "It's \"so\" -- `it's`...\n";
    assert_eq!(show(FILES, "content/s/a.md", text).trim(), "<p>It’s “so” – <code>it's</code>…</p>");
    for off in ["typographer = false", "[markup.goldmark.extensions.typographer]\ndisable = true"] {
        let config = format!("[markup.goldmark.extensions]\n{off}\n");
        let shown = show(&[("hugo.toml", &config)], "content/s/a.md", text);
        assert_eq!(shown.trim(), "<p>It's \"so\" -- <code>it's</code>...</p>", "{off}");
    }
}

#[test]
fn documents_of_html_have_shortcodes_too() {
    let text = "---\ntitle: T\n---\n<p>Of {{< param version >}} <a href=\"{{< ref \"b\" >}}\">b</a> {{< odd >}}x{{< /odd >}}</p>\n";
    insta::assert_snapshot!(show(FILES, "content/s/a.html", text), @r#"
    <p>Of 4.2 <a href="https://d.example/~content/s/b.md">b</a> x</p>
    ! 4 unknown_construct: the shortcode `odd` is not understood; its text is kept
    "#);
}

#[test]
fn hostile_text_takes_linear_time() {
    for piece in [
        "{{< note >}}\n",
        "{{< note >}}x{{< /note >}}",
        "- {{< tab >}}",
        "{{< a \"",
        "<div>",
        "`{{</* x */>}}",
        "{{< /note >}}",
        "> {{< figure >}} | ",
    ] {
        let shown = show(FILES, "content/s/a.md", &format!("text\n\n{}", piece.repeat(10_000)));
        assert!(!shown.is_empty());
    }
}
