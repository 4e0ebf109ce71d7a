//! The site's own name, where its generator's configuration says it in a literal. Never fails: a site without a name has
//! none.

use serde_json::Value;

use super::{
    Generator, Tree, docusaurus, hugo, jekyll, literal, literal::Literal, mkdocs, sphinx, starlight, text, vitepress,
    within, yaml,
};

/// The name of a site of a generator whose configuration lies in a folder.
pub(super) fn of(generator: Generator, folder: &str, tree: &dyn Tree) -> Option<String> {
    let title = match generator {
        Generator::Auto | Generator::Plain | Generator::GitBook => None,
        Generator::MkDocs => from_yaml(folder, mkdocs::SIGNS, "site_name", tree),
        Generator::Jekyll => from_yaml(folder, jekyll::SIGNS, "title", tree),
        Generator::MdBook => {
            let book: toml::Table = text(tree, &within(folder, "book.toml")).ok()??.parse().ok()?;
            book.get("book")?.get("title")?.as_str().map(str::to_owned)
        }
        Generator::Docusaurus => from_module(folder, docusaurus::SIGNS, tree)?.at("title").and_then(word),
        Generator::VitePress => from_module(folder, vitepress::SIGNS, tree)?.at("title").and_then(word),
        Generator::Starlight => {
            let value = from_module(folder, starlight::SIGNS, tree)?;
            let integrations = value.at("integrations").map(Literal::list).unwrap_or_default();
            let own = integrations.iter().find(|call| matches!(call, Literal::Call(name, _) if name == "starlight"));
            own?.entry("title").and_then(word)
        }
        Generator::Sphinx => {
            let source = text(tree, &within(folder, "conf.py")).ok()??;
            sphinx::literal::assignments(&source).get("project")?.as_str().map(str::to_owned)
        }
        Generator::Hugo => {
            let (toml, others): (Vec<&str>, Vec<&str>) =
                hugo::SIGNS.iter().chain(hugo::OLD_SIGNS).partition(|sign| sign.rsplit('.').next() == Some("toml"));
            let in_toml = || {
                let text = first(folder, &toml, tree)?.1;
                text.parse::<toml::Table>().ok()?.get("title")?.as_str().map(str::to_owned)
            };
            in_toml().or_else(|| from_yaml(folder, &others, "title", tree))
        }
    };
    title.map(|title| title.trim().to_owned()).filter(|title| !title.is_empty())
}

/// The first of several files that is there, and its text.
fn first(folder: &str, names: &[&str], tree: &dyn Tree) -> Option<(String, String)> {
    let mut paths = names.iter().map(|name| within(folder, name));
    paths.find_map(|path| Some((path.clone(), text(tree, &path).ok()??)))
}

/// JSON is YAML as well.
fn from_yaml(folder: &str, names: &[&str], key: &str, tree: &dyn Tree) -> Option<String> {
    let (path, text) = first(folder, names, tree)?;
    yaml::parse(&path, &text).ok()?.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn from_module(folder: &str, names: &[&str], tree: &dyn Tree) -> Option<Literal> {
    names.iter().find_map(|name| literal::read(tree, &within(folder, name)).ok()?)
}

fn word(value: &Literal) -> Option<String> {
    value.text().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use crate::site::Site;
    use crate::site::tests::{MapTree, options};

    #[test]
    fn each_generator_has_its_own_key() {
        for (file, text, title) in [
            ("mkdocs.yml", "site_name: Acme\n", Some("Acme")),
            ("website/docusaurus.config.js", "const title = 'Acme'; module.exports = { title };", Some("Acme")),
            (".vitepress/config.ts", "export default defineConfig({ title: 'Acme' })", Some("Acme")),
            ("astro.config.mjs", "export default { integrations: [starlight({ title: 'Acme' })] }", Some("Acme")),
            ("conf.py", "project = 'Acme'\n", Some("Acme")),
            ("book.toml", "[book]\ntitle = \"Acme\"\n", Some("Acme")),
            ("mkdocs.yml", "docs_dir: docs\n", None),
            ("conf.py", "project = name()\n", None),
        ] {
            let tree = MapTree::new(&[(file, text), ("src/SUMMARY.md", "- [A](a.md)\n")]);
            assert_eq!(Site::open(options(), &tree).unwrap().title(), title, "{file}");
        }
    }
}
