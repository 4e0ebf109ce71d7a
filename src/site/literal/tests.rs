//! Modules of JavaScript in, values out.

use super::*;

struct Files(&'static [(&'static str, &'static str)]);

impl Tree for Files {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(self.0.iter().find(|(name, _)| *name == path).map(|(_, text)| text.as_bytes().to_vec()))
    }
    fn list(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
    fn exists(&self, path: &str) -> bool {
        self.0.iter().any(|(name, _)| *name == path)
    }
}

fn at(text: &'static str, path: &str) -> String {
    let files = [("c.ts", text), ("x/more.ts", "export const label = { tip: 'Hint' }\nexport default [1, 2]\n")];
    let files: &'static [(&str, &str)] = Box::leak(Box::new(files));
    let value = read(&Files(files), "c.ts").unwrap().unwrap();
    value.at(path).map_or_else(|| "nothing".to_owned(), |value| format!("{value:?}"))
}

#[test]
fn the_default_export_is_read_in_each_of_its_forms() {
    for text in [
        "export default { base: '/x/' }",
        "module.exports = { base: \"/x/\" };",
        "import { defineConfig } from 'vitepress'\nexport default defineConfig({ base: `/x/` })",
        "const config: Config = {\n  base: '/x/', // why\n  title: t('a'),\n}\nexport default config\n",
        "/** @type {Config} */\nconst config = { base: '/' + 'x/' };\nmodule.exports = config;",
        "export default async () => ({ base: '/x/' })",
        "module.exports = async function create() {\n const a = await b();\n return { base: '/x/' };\n};",
        "const root = '/x'\nexport default { base: `${root}/` } satisfies Config",
        "const r = /[/'\"]/g, s = 1\nexport default { pattern: /a\\/b{'/, base: '/x/' } as const",
        "const a = { base: '/x/' }\nexport default { base: '/y/', ...a }",
    ] {
        assert_eq!(at(text, "base"), "Text(\"/x/\")", "{text}");
    }
}

#[test]
fn what_has_to_be_run_is_code_and_what_follows_it_is_still_read() {
    let text = "export default {\n f(x) { return `}${x}` },\n g: (a, b) => a || { c: 1 },\n base: process.env.B ?? '/',\n \
                on: x ? 1 : 2, async h() {}, i: [...all(), 3], j: !0, k: -1.5, l: undefined, 'm-n': 'yes'\n}";
    for (path, expected) in [
        ("f", "Code"),
        ("g", "Code"),
        ("base", "Code"),
        ("on", "Code"),
        ("h", "Code"),
        ("i", "List([Code, Number(\"3\")])"),
        ("j", "Bool(true)"),
        ("k", "Number(\"-1.5\")"),
        ("l", "Null"),
        ("m-n", "Text(\"yes\")"),
        ("z", "nothing"),
    ] {
        assert_eq!(at(text, path), expected, "{path}");
    }
}

#[test]
fn relative_imports_are_followed() {
    let text = "import list, { label as words } from './x/more'\nexport default { words, list }";
    assert_eq!(at(text, "words.tip"), "Text(\"Hint\")");
    assert_eq!(at(text, "list"), "List([Number(\"1\"), Number(\"2\")])");
}

#[test]
fn no_text_is_too_much_for_it() {
    let deep = "[".repeat(100_000);
    for text in [deep.as_str(), &"(".repeat(50_000), &"{a:".repeat(50_000), "'", "`${", "/", "{...", "é => é"] {
        let _ = expression(text);
    }
    let names = module::exports(&format!("export default {deep}"), &mut |_| Names::new());
    assert!(names.contains_key("default"));
}
