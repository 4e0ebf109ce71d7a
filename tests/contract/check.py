"""What tests/contract/check.sh runs: create, update, rename, delete, adopt, and changes of the import source.

A violation is a line of the proxy's with `✖`, or an answer of its own in place of the simulator's. Status codes that the
description does not list (404) are warnings, and expected. What is validated is counted from the simulator's own journal.
"""
import collections
import re
import shutil
import sys
import tarfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from rig import Mirror, Rig, Simulator, Tally, call, end, free_port, given_binary, table

PAGES = 8
START_S = 240


class Proxy:
    def __init__(self, rig, program, upstream):
        self.log, self.port = rig.scratch / "proxy.log", free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        # It installs itself with npm, so it sees the caller's whole environment.
        self.process = rig.start([program, upstream, str(self.port)], self.log, start_new_session=True)
        until = time.monotonic() + START_S
        while "is listening on" not in self.output():
            if time.monotonic() > until or self.process.poll() is not None:
                self.stop()
                sys.exit(f"FAILED: the proxy does not start:\n{self.output()[-3000:]}")
            time.sleep(0.2)

    def output(self):
        return re.sub(r"\x1b\[[0-9;]*m", "", self.log.read_text(encoding="utf-8", errors="replace"))

    def lines(self, mark):
        return [line for line in self.output().splitlines() if mark in line]

    def stop(self):
        end(self.process, group=True)


def documents(corpora, root):
    """A handful of pages of the first corpus that has as many of a fair size."""
    for archive in sorted(Path(corpora).glob("*/source.tar.gz")):
        with tarfile.open(archive) as files:
            fair = [file for file in files if file.isfile() and file.name.endswith(".md") and 500 < file.size < 60_000]
            fair.sort(key=lambda file: file.name)
            if len(fair) < PAGES:
                continue
            for file in fair[:: len(fair) // PAGES][:PAGES]:
                target = root / file.name
                target.parent.mkdir(parents=True, exist_ok=True)
                with files.extractfile(file) as source, open(target, "wb") as sink:
                    shutil.copyfileobj(source, sink)
            return archive.parent.name
    sys.exit(f"FAILED: no folder of `{corpora}` has {PAGES} documents")


class Scenes:
    def __init__(self, simulator, proxy, mirror, tally):
        self.simulator, self.proxy, self.mirror, self.tally = simulator, proxy, mirror, tally

    def run(self, what, *words, status=0, **wanted):
        """One run; its counts are as wanted, those not named are 0. Returns the calls that it made.

        Pages that link to a moved or removed one are updated with it, so updates are judged only where they are named, or
        where nothing is to happen.
        """
        before = self.simulator.sent()
        outcome = self.mirror.once(*words)
        calls = collections.Counter(
            f"{entry['method']} {re.sub('/[0-9]+$', '/*', entry['path'])}" for entry in self.simulator.journal(before)
        )
        counts = {key: outcome.cycle.get(key) for key in ("created", "updated", "renamed", "deleted")}
        if wanted and "updated" not in wanted:
            del counts["updated"]
        ok = outcome.status == status and counts == {**dict.fromkeys(counts, 0), **wanted}
        ok = ok and not outcome.cycle.get("failed") and not outcome.panicked
        self.tally.check(ok, f"{what}: {wanted or 'nothing'}", f"{counts}\n{outcome.out}{outcome.err}")
        print(f"{what}: {', '.join(f'{count} {name}' for name, count in sorted(calls.items())) or 'no request'}")
        return calls

    def play(self):
        mirror, expect = self.mirror, self.tally.check
        files = sorted(mirror.root.rglob("*.md"))
        self.run("create", created=PAGES)
        calls = self.run("again")
        expect(not calls, "a second run sends nothing", calls)
        with open(files[0], "a", encoding="utf-8") as file:
            file.write("\nOne more sentence.\n")
        self.run("update", updated=1)
        files[1].rename(files[1].with_name("moved-elsewhere.md"))
        calls = self.run("rename", renamed=1)
        expect(calls["PUT /ai/external_pages/*"] == 1, "a rename is a PUT", calls)
        files[2].unlink()
        calls = self.run("delete", deleted=1)
        expect(calls["DELETE /ai/external_pages/*"] == 1, "a delete is a DELETE", calls)
        mirror.forget()
        calls = self.run("adopt")
        expect(calls["GET /ai/external_pages"] >= 1, "adopting lists the pages", calls)
        expect(not [name for name in calls if not name.startswith("GET ")], "adopting writes nothing", calls)
        self.change_import_source()

    def change_import_source(self):
        mirror, expect = self.mirror, self.tally.check
        mirror.source["import_source"] = {"url": "https://elsewhere.example.com/", "audience_ids": [12, 34]}
        mirror.save()
        calls = self.run("import source: audience and url")
        expect(calls["PUT /ai/content_import_sources/*"] == 1, "an import source is changed by PUT", calls)
        found = self.import_sources()
        ok = len(found) == 1 and found[0]["audience_ids"] == [12, 34] and found[0]["url"].startswith("https://elsewhere.")
        expect(ok, "the import source is as configured, and no twin was made", found)
        status, answer = call("DELETE", f"{self.proxy.url}/ai/content_import_sources/{found[0]['id']}")
        expect(status == 204, "an import source is deleted by hand", answer)
        with open(next(mirror.root.rglob("*.md")), "a", encoding="utf-8") as file:
            file.write("\nA sentence that finds no import source.\n")
        calls = self.run("import source gone", status=1)
        expect(not [name for name in calls if not name.startswith("GET ")], "nothing is written without it", calls)
        pages = len(list(mirror.root.rglob("*.md")))
        self.run("recreate", "--recreate-source", mirror.source["name"], created=pages)

    def import_sources(self):
        return call("GET", f"{self.proxy.url}/ai/content_import_sources")[1]["data"]


def main():
    binary, contract, corpora = given_binary(sys.argv[1]), Path(sys.argv[2]).resolve(), sys.argv[3]
    tally = Tally()
    with Rig(deadline_s=START_S + 240) as rig:
        simulator = Simulator(rig, binary)
        proxy = Proxy(rig, contract, simulator.url)
        try:
            mirror = Mirror(rig, binary, proxy.url)
            print(f"{PAGES} documents of {documents(corpora, mirror.root)}")
            Scenes(simulator, proxy, mirror, tally).play()
            violations = proxy.lines("✖")
            tally.check(not violations, "0 violations", "\n".join(violations[:20]))
            warnings = [line for line in proxy.lines("⚠") if "Unable to match the returned status code" not in line]
            tally.check(not warnings, "no warning but of status codes", "\n".join(warnings[:20]))
            # The journal holds what came through: what the proxy answered itself never came so far.
            calls = collections.Counter(entry["method"] for entry in simulator.journal())
            received, through = len(proxy.lines("Request received")), sum(calls.values())
            tally.check(received == through > 0, "every request came through the proxy", f"{received} in, {through} out")
            print()
            table(["method", "requests validated"], sorted(calls.items()))
            codes = len(proxy.lines("⚠"))
            print(f"\n{received} requests and their answers validated, {len(violations)} violations, {codes} unlisted status codes")
        finally:
            proxy.stop()
    tally.close()


if __name__ == "__main__":
    main()
