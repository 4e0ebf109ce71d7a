//! Generators that are recognised, so that nobody takes their sites for another's, and whose rules are not known.
//!
//! Only signs that cannot be mistaken count: a file that nothing else has, or what stands in one that others have too.

use serde_json::Value;

use super::{Tree, within};

/// Files that only one generator has.
const SIGNS: &[(&str, &[&str])] = &[
    ("Antora", &["antora.yml", "antora-playbook.yml"]),
    (
        "Eleventy",
        &[".eleventy.js", "eleventy.config.js", "eleventy.config.mjs", "eleventy.config.cjs", "eleventy.config.ts"],
    ),
    ("Gatsby", &["gatsby-config.js", "gatsby-config.mjs", "gatsby-config.ts"]),
    ("Mintlify", &["mint.json"]),
    ("MyST", &["myst.yml"]),
    ("Quarto", &["_quarto.yml", "_quarto.yaml"]),
    ("VuePress", &[".vuepress/config.js", ".vuepress/config.ts", ".vuepress/config.mjs"]),
    ("Zola", &["zola.toml"]),
];

/// Next's configuration, in which Nextra stands.
const NEXT: &[&str] = &["next.config.js", "next.config.mjs", "next.config.cjs", "next.config.ts"];

/// The name of the generator that a folder belongs to.
pub(super) fn of(folder: &str, tree: &dyn Tree) -> Option<&'static str> {
    let exists = |file: &str| tree.exists(&within(folder, file));
    let text = |file: &str| {
        let text = super::text(tree, &within(folder, file)).ok().flatten();
        text.unwrap_or_default()
    };
    let json = |file: &str| serde_json::from_str::<Value>(&text(file)).unwrap_or_default();
    let sign = SIGNS.iter().find(|(_, files)| files.iter().any(|file| exists(file)));
    if let Some((name, _)) = sign {
        return Some(name);
    }
    let has_key = |text: &str, keys: &[&str]| {
        let key = |line: &str| line.split_once([':', '=']).map(|(key, _)| key.trim_end().to_owned());
        text.lines().filter_map(key).any(|key| keys.contains(&key.as_str()))
    };
    if exists("_toc.yml") && exists("_config.yml") {
        let contents = text("_toc.yml");
        if has_key(&contents, &["root", "- file", "  file"]) {
            return Some("Jupyter Book");
        }
    }
    if exists("_config.yml") && exists("package.json") {
        let package = json("package.json");
        let is_in = |list: &str| package[list].get("hexo").is_some();
        if is_in("dependencies") || is_in("devDependencies") || package.get("hexo").is_some() {
            return Some("Hexo");
        }
    }
    if exists("_config.yml") && exists("scaffolds") && exists("source/_posts") {
        return Some("Hexo");
    }
    // Hugo writes `baseURL`, in whatever case; Zola must have this.
    if exists("config.toml") && exists("content") && has_key(&text("config.toml"), &["base_url"]) {
        return Some("Zola");
    }
    if exists("index.html") && text("index.html").contains("$docsify") {
        return Some("Docsify");
    }
    if NEXT.iter().any(|file| exists(file) && text(file).contains("nextra")) {
        return Some("Nextra");
    }
    if exists("docs.json") {
        let docs = json("docs.json");
        let is_schema = docs["$schema"].as_str().is_some_and(|schema| schema.contains("mintlify"));
        if is_schema || (docs["navigation"].is_object() && docs["theme"].is_string()) {
            return Some("Mintlify");
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::page::DocPath;
    use crate::render::Facts;
    use crate::site::tests::{MapTree, options};
    use crate::site::{Alone, Site};

    fn opened(files: &[(&str, &str)]) -> String {
        let site = Site::open(options(), &MapTree::new(files)).unwrap();
        let notice = site.notices().iter().find_map(|notice| notice.strip_prefix("the folder looks like a site of "));
        notice.map_or(site.name(), |notice| notice.split(',').next().unwrap()).to_owned()
    }

    #[test]
    fn sites_of_others_are_not_taken_for_jekylls_or_hugos() {
        for (files, expected) in [
            (&[("_config.yml", ""), ("_toc.yml", "format: jb-book\nroot: intro\n")][..], "Jupyter Book"),
            (&[("_config.yml", ""), ("_toc.yml", "- file: intro\n")], "Jupyter Book"),
            (&[("_config.yml", ""), ("package.json", "{\"dependencies\": {\"hexo\": \"^7\"}}")], "Hexo"),
            (&[("_config.yml", ""), ("package.json", "{\"dependencies\": {\"sass\": \"^7\"}}")], "jekyll"),
            (&[("_config.yml", ""), ("scaffolds/post.md", ""), ("source/_posts/a.md", "")], "Hexo"),
            (&[("config.toml", "base_url = 'https://z.example'\n"), ("content/_index.md", "")], "Zola"),
            (&[("config.toml", "baseURL = 'https://h.example'\n"), ("content/_index.md", "")], "hugo"),
            (&[("docs/index.html", "<script>window.$docsify = {}</script>"), ("docs/a.md", "")], "Docsify"),
            (&[("next.config.mjs", "import nextra from 'nextra'"), ("pages/a.mdx", "")], "Nextra"),
            (&[("next.config.mjs", "export default {}"), ("pages/a.mdx", "")], "plain"),
            (&[("docs.json", "{\"$schema\": \"https://mintlify.com/docs.json\"}")], "Mintlify"),
            (&[("docs.json", "{\"name\": \"ours\"}")], "plain"),
            (&[("antora.yml", ""), ("docs/mkdocs.yml", "site_name: x\n")], "mkdocs"),
            (&[("antora.yml", "")], "Antora"),
            (&[("conf.py", ""), ("_config.yml", ""), ("_toc.yml", "root: index\n")], "sphinx"),
        ] {
            assert_eq!(opened(files), expected, "{files:?}");
        }
    }

    #[test]
    fn pages_of_others_have_no_urls_but_their_own() {
        let base_url = Some("https://d.example/".parse().unwrap());
        let options = crate::site::SiteOptions { base_url, ..options() };
        let site = Site::open(options, &MapTree::new(&[("antora.yml", "")])).unwrap();
        let placed = |facts: &Facts| site.place(&DocPath::new("a.md"), facts, &Alone);
        let without = placed(&Facts::default());
        assert_eq!(without.url, None);
        assert!(without.unknown.unwrap().contains("Antora"));
        let own = placed(&Facts { url: Some("/own/".into()), ..Facts::default() });
        assert_eq!(own.url.unwrap().as_str(), "https://d.example/own/");
    }
}
