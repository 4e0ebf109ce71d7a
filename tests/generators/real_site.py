"""Sites of generators that npm, pip or apt installs: write one, build it with the real generator, and hold what `finmirror export`
makes of its sources against what was published: urls, titles and words, exactly.

Only the standard library. The scratch folder stays where `SCRATCH` says, so that a second run need not install again.
"""
import collections
import contextlib
import html.parser
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("FINMIRROR", REPOSITORY / "target/debug/finmirror"))
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
INLINE = {"a", "b", "code", "em", "i", "span", "strong", "small", "sub", "sup", "del", "s", "u", "kbd", "mark"}


class Page(html.parser.HTMLParser):
    """The words and the first h1 of the elements that `main` picks, less those that `leaves_out` does."""

    def __init__(self, main, leaves_out):
        super().__init__()
        self.main, self.leaves_out = main, leaves_out
        self.stack, self.text, self.title, self.is_redirect = [], [], [], False

    def handle_starttag(self, tag, attributes):
        attributes = {name: value or "" for name, value in attributes}
        if tag == "meta" and attributes.get("http-equiv") == "refresh":
            self.is_redirect = True
        if tag in VOID:
            self.text.append(" ")
            return
        inside, out, heading = self.stack[-1][1:] if self.stack else (False, False, False)
        inside = inside or self.main(tag, attributes)
        hidden = tag in {"script", "style", "svg", "button", "template"} or self.leaves_out(tag, attributes)
        heading = heading or (tag == "h1" and inside and not self.title)
        self.stack.append((tag, inside, out or hidden, heading))
        # VitePress 1 makes blocks of the spans of a home page's heading.
        if tag not in INLINE or {"name", "text"} & set(attributes.get("class", "").split()):
            self.text.append(" ")
            if heading and self.title:
                self.title.append(" ")

    def handle_endtag(self, tag):
        if tag in VOID or not any(open_tag == tag for open_tag, *_ in self.stack):
            return
        while self.stack.pop()[0] != tag:
            pass
        if tag not in INLINE:
            self.text.append(" ")

    def handle_data(self, data):
        if self.stack and self.stack[-1][1] and not self.stack[-1][2]:
            self.text.append(data)
            if self.stack[-1][3]:
                self.title.append(data)


def words(text):
    return collections.Counter(re.findall(r"\w+", text.replace("\u200b", " ").lower()))


def run(command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900,
                          env=os.environ | {"CI": "true", "ASTRO_TELEMETRY_DISABLED": "1",
                                            # Of two sites with one installation each would read what the other left.
                                            "DOCUSAURUS_NO_PERSISTENT_CACHE": "true"})
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def installed(packages):
    """Installs packages of Debian's, where they are missing and may be installed."""
    missing = [name for name in packages if subprocess.run(["dpkg", "-s", name], capture_output=True).returncode]
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(f"install Debian's packages {', '.join(missing)} (apt-get install {' '.join(missing)})")
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]):
        run(command, "/")


def check(name, package, files, build, built, base, main, leaves_out, generated=(), adds_title=False,
          site_options="generator: auto", converters="[]"):
    """`package` is what npm takes for package.json, a list for pip, or `("apt", name, …)` for Debian's; `built` is the folder that the generator writes; `generated` are patterns of urls that have no source."""
    scratch = Path(os.environ.get("SCRATCH") or tempfile.mkdtemp(prefix=f"finmirror-{name}-"))
    site = scratch / "site"
    site.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
    if isinstance(package, dict):
        (site / "package.json").write_text(json.dumps({"name": "x", "private": True} | package))
        if not (site / "node_modules").exists():
            run(["npm", "install", "--no-audit", "--no-fund"], site)
        run(build, site)
    elif isinstance(package, tuple):
        installed(package[1:])
        run(build, site)
    else:
        tools = scratch / "venv"
        if not tools.exists():
            run([sys.executable, "-m", "venv", tools], scratch)
            run([tools / "bin/pip", "install", "--quiet", *package], scratch)
        run([tools / "bin" / build[0], *build[1:]], site)
    published = {}
    for file in sorted((site / built).rglob("*.html")):
        path = file.relative_to(site / built).as_posix()
        page = Page(main, leaves_out)
        page.feed(file.read_text())
        if page.is_redirect or path == "404.html" or any(re.search(pattern, path) for pattern in generated):
            continue
        published[path] = (" ".join("".join(page.title).replace("\u200b", "").split()), words("".join(page.text)))
    mirror = scratch / "mirror.yaml"
    mirror.write_text(f"intercom: {{simulator: {{}}}}\nledger: {{path: {scratch}/ledger.db}}\nconverters: {converters}\nsources:\n  - name: s\n"
                      f"    files: {{root: {site}}}\n    import_source: {{url: 'https://import.example/'}}\n"
                      f"    site: {{{site_options}}}\n")
    (scratch / "ledger.db").unlink(missing_ok=True)
    out = run([BINARY, "--config", mirror, "export"], scratch)
    exported = {}
    for line in out.splitlines():
        page = json.loads(line)
        exported[page["url"]] = page
    is_generated = lambda url: any(re.search(pattern, f"{(url or '').removeprefix(base)}index.html") for pattern in generated)
    report(published, {url: page for url, page in exported.items() if not is_generated(url)}, base, adds_title)


def report(published, exported, base, adds_title):
    passed = failed = 0
    by_file = {}
    for url, page in exported.items():
        path = urllib.parse.unquote((url or f"none:{page['path']}").removeprefix(base))
        # What a server answers for a url: the file itself, the folder's index, or the file without its extension.
        found = [p for p in (path, f"{path}index.html", f"{path}/index.html", f"{path}.html") if p in published]
        by_file[found[0] if found else f"no file for {url} of {page['path']}"] = page
    for file in sorted(published.keys() | by_file.keys()):
        if file not in by_file or file not in published:
            print(f"FAIL {file}: {'not exported' if file not in by_file else 'not published'}")
            failed += 1
            continue
        (title, expected), page = published[file], by_file[file]
        text = page["text"]
        # Pages of other versions than the first have theirs in their titles.
        is_versioned = title and re.fullmatch(r" \([^()]+\)", page["title"].removeprefix(title))
        own = title if is_versioned else page["title"]
        # A title out of front matter is shown above the text, and sent beside it.
        if adds_title and words(text) != expected:
            text = own + " " + text
        missing, extra = expected - words(text), words(text) - expected
        wrong = [f"title {page['title']!r}, published {title!r}"] if title and own != title else []
        wrong += [f"missing {dict(missing)}"] if missing else []
        wrong += [f"extra {dict(extra)}"] if extra else []
        passed, failed = (passed, failed + 1) if wrong else (passed + 1, failed)
        if wrong:
            print(f"FAIL {file} ({page['path']}): {'; '.join(wrong)}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


def check_several(name, package, sites):
    """Several sites of one generator, installed once: `sites` are the other arguments of `check`, by name."""
    scratch = Path(os.environ.get("SCRATCH") or tempfile.mkdtemp(prefix=f"finmirror-{name}-"))
    installed = "node_modules" if isinstance(package, dict) else "venv"
    passed = failed = 0
    for site, arguments in sites.items():
        os.environ["SCRATCH"] = str(scratch / site)
        home = scratch / site / ("site" if installed == "node_modules" else "")
        home.mkdir(parents=True, exist_ok=True)
        if (scratch / installed).exists() and not (home / installed).exists():
            (home / installed).symlink_to(scratch / installed)
        out = io.StringIO()
        try:
            with contextlib.redirect_stdout(out):
                check(name, package, **arguments)
        except SystemExit as end:
            if not isinstance(end.code, int):
                raise
        if not (scratch / installed).exists():
            (home / installed).rename(scratch / installed)
            # Programs of a venv name the place that they were installed in.
            (home / installed).symlink_to(scratch / installed)
        *lines, last = out.getvalue().splitlines()
        print(*(f"{site}: {line}" for line in lines), sep="\n", end="\n" if lines else "")
        counts = re.findall(r"\d+", last)
        passed, failed = passed + int(counts[0]), failed + int(counts[1])
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)
