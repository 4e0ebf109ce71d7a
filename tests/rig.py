"""The rig that the scripts share: the real binary, the simulator in a process of its own, and a deadline on everything.

Owns processes, scratch folders and figures; knows nothing of what a script wants to show. Whatever it starts ends with
it, however it ends. Only the standard library.
"""
import contextlib
import importlib.util
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

# A process's peak memory counts what its parent held when it was forked, so figures are taken by a parent that holds
# next to nothing: it writes status, seconds and kilobytes, measured around the process alone.
STOPWATCH = """
import os, sys, time
began = time.perf_counter()
child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(child, 0)
took = time.perf_counter() - began
with open(sys.argv[1], "w") as figures:
    print(os.waitstatus_to_exitcode(status), took, usage.ru_utime, usage.ru_stime, usage.ru_maxrss, file=figures)
"""
LOOPBACK = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Outcome:
    """How a process ended: its exit status (negative: the signal), what it wrote, and what it took."""

    def __init__(self, status, out, err, wall_s, user_s=0.0, system_s=0.0, peak_kb=0):
        self.status, self.out, self.err = status, out, err
        self.wall_s, self.user_s, self.system_s, self.peak_kb = wall_s, user_s, system_s, peak_kb

    @property
    def panicked(self):
        return self.status == 101 or self.status in (-signal.SIGABRT, -signal.SIGSEGV) or "panicked at" in self.err

    @property
    def report(self):
        """The object of `--once --json`; an empty one where the run did not come so far."""
        try:
            return json.loads(self.out)
        except ValueError:
            return {"version": None, "exit": None, "cycles": []}

    @property
    def cycle(self):
        """The report of the only source."""
        cycles = self.report["cycles"]
        return cycles[0] if len(cycles) == 1 else {}

    def messages(self):
        """Everything that the run told a person, in one text."""
        words = [self.err]
        for cycle in self.report["cycles"]:
            words += [f"{problem['path']}: {problem['message']}" for problem in cycle.get("problems", [])]
            words += [f"{page['path']}: {page['code']}: {page['message']}" for page in cycle.get("failed", [])]
            words += cycle.get("warnings", []) + [cycle.get("held_why") or ""]
        return "\n".join(words)


class Rig:
    """A scratch folder and the processes of one script; used with `with`."""

    def __init__(self, deadline_s, folder=None):
        self.deadline_s, self.parent = deadline_s, folder
        self.processes = []

    def __enter__(self):
        sys.stdout.reconfigure(line_buffering=True)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _: sys.exit(128 + number))
        signal.signal(signal.SIGALRM, self._too_long)
        signal.alarm(self.deadline_s)
        self.scratch = Path(tempfile.mkdtemp(prefix="finmirror-", dir=self.parent))
        return self

    def __exit__(self, *_):
        signal.alarm(0)
        for process in reversed(self.processes):
            end(process)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def _too_long(self, *_):
        sys.exit(f"FAILED: all of it took over {self.deadline_s} s")

    def folder(self, name):
        made = self.scratch / name
        made.mkdir(parents=True)
        return made

    def start(self, argv, log, **options):
        """Starts what goes on until the script's end; its output goes to a file."""
        with open(log, "wb") as sink:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, **options)
        self.processes.append(process)
        return process

    def run(self, argv, deadline_s=120, measured=False, **options):
        """Runs something to its end; one that takes longer is killed and has the status -9."""
        argv = [str(word) for word in argv]
        options.setdefault("env", environment())
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            figures = Path(folder, "figures")
            if measured:
                argv = [sys.executable, "-I", "-S", "-c", STOPWATCH, str(figures), *argv]
            with open(Path(folder, "out"), "w+b") as out, open(Path(folder, "err"), "w+b") as err:
                began = time.perf_counter()
                process = subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True, **options
                )
                self.processes.append(process)
                try:
                    status = process.wait(deadline_s)
                except subprocess.TimeoutExpired:
                    end(process, group=True)
                    status = -signal.SIGKILL
                except BaseException:
                    end(process, group=True)
                    raise
                self.processes.remove(process)
                wall_s = time.perf_counter() - began
                out.seek(0), err.seek(0)
                outcome = Outcome(status, text(out), text(err), wall_s)
            if figures.exists():
                status, *numbers, peak_kb = figures.read_text().split()
                outcome = Outcome(int(status), outcome.out, outcome.err, *map(float, numbers), int(peak_kb))
        return outcome


class Simulator:
    """`finmirror simulator` on a port of its own."""

    def __init__(self, rig, binary, *flags, name="simulator"):
        self.log = rig.scratch / f"{name}.log"
        for _ in range(5):
            self.address = f"127.0.0.1:{free_port()}"
            self.url = f"http://{self.address}"
            argv = [str(binary), "simulator", "--listen", self.address, *map(str, flags)]
            self.process = rig.start(argv, self.log, env=environment())
            if self._answers(20):
                return
            end(self.process)
        sys.exit(f"FAILED: the simulator does not start:\n{self.log.read_text(errors='replace')[-2000:]}")

    def _answers(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(OSError):
                self.call("GET", "/_simulator/stats")
                return True
            time.sleep(0.02)
        return False

    def call(self, method, path, body=None):
        """Status and JSON of one call, as any client would make it."""
        return call(method, self.url + path, body)

    def stats(self):
        return self.call("GET", "/_simulator/stats")[1]

    def sent(self):
        """How many of Intercom's calls have come so far."""
        return self.stats()["requests"]

    def journal(self, after=0):
        """Every request after a position, in order of arrival."""
        path = f"/_simulator/requests?after={after}&limit=10000"
        while path:
            answer = self.call("GET", path)[1]
            yield from answer["requests"]
            path = answer["next"] and f"{answer['next']}&limit=10000"

    def faults(self, rules, seed):
        self.call("DELETE", "/_simulator/faults")
        if rules:
            status, answer = self.call("POST", "/_simulator/faults", {"seed": seed, "rules": rules})
            if status != 200:
                sys.exit(f"FAILED: the simulator refuses these faults: {answer}")

    def listed(self, path):
        """All items of a listing of Intercom's API."""
        path, items = f"{path}?per_page=150", []
        while path:
            answer = self.call("GET", path)[1]
            items += answer["data"]
            rest = (answer.get("pages") or {}).get("next")
            path = rest and "?".join([path.split("?")[0], urllib.parse.urlsplit(rest).query])
        return items

    def pages(self, source_id=None):
        pages = self.listed("/ai/external_pages")
        return [page for page in pages if source_id is None or int(page["source_id"]) == int(source_id)]

    def import_sources(self):
        return self.listed("/ai/content_import_sources")

    def cpu_s(self):
        """Seconds of CPU that its process has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        end(self.process)

    @property
    def panicked(self):
        return "panicked at" in self.log.read_text(errors="replace")


class Mirror:
    """One folder, one configuration and one ledger, and runs of finmirror with them."""

    def __init__(self, rig, binary, base_url, name="docs", **source):
        self.rig, self.binary = rig, binary
        self.home = rig.folder(f"mirror-{name}-{random.getrandbits(32):08x}")
        self.root, self.ledger, self.config = self.home / "root", self.home / "ledger.db", self.home / "finmirror.yaml"
        self.root.mkdir()
        site = {"generator": "plain", "base_url": "https://docs.example.com/", "urls": "directory"}
        files = {"root": str(self.root)}
        self.intercom = {"base_url": base_url}
        self.sources = [{"name": name, "files": files, "site": site, **source}]
        self.converters = []
        self.http = {"listen": "off"}
        self.save()

    @property
    def source(self):
        return self.sources[0]

    def save(self):
        """Writes the configuration; JSON is YAML."""
        config = {"intercom": self.intercom, "ledger": {"path": str(self.ledger)}, "converters": self.converters,
                  "http": self.http, "sources": self.sources}
        self.config.write_text(json.dumps(config, ensure_ascii=False, indent=1), encoding="utf-8")

    def argv(self, *words):
        return [str(self.binary), *words, "--config", str(self.config)]

    def once(self, *words, **options):
        return self.rig.run(self.argv("--once", "--json", *words), **options)

    def command(self, *words, **options):
        return self.rig.run(self.argv(*words), **options)

    def export(self, **options):
        """Every page as it would be sent, by external id."""
        outcome = self.command("export", **options)
        pages = [json.loads(line) for line in outcome.out.splitlines()]
        return outcome, {page["external_id"]: page for page in pages}

    def forget(self):
        """Removes the ledger, as a lost disk would."""
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                Path(f"{self.ledger}{suffix}").unlink()


class Daemon:
    """`finmirror` without `--once`, with a mirror's configuration and a door on a port of its own."""

    def __init__(self, mirror, name="daemon", env=None, **options):
        self.mirror = mirror
        self.log = mirror.home / f"{name}.log"
        self.address = f"127.0.0.1:{free_port()}"
        mirror.http = {"listen": self.address}
        mirror.save()
        self.began = time.perf_counter()
        self.process = mirror.rig.start(mirror.argv(), self.log, env=env or environment(), **options)

    def get(self, path, deadline_s=10):
        """Status and text of one answer; (None, why) where there is none."""
        try:
            with LOOPBACK.open(f"http://{self.address}{path}", timeout=deadline_s) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(errors="replace")
        except OSError as error:
            return None, str(error)

    def status(self):
        status, body = self.get("/api/status")
        return json.loads(body) if status == 200 else {"sources": []}

    def source(self, name=None):
        """What the daemon says of a source, of the first one without a name."""
        sources = [source for source in self.status()["sources"] if name in (None, source["source"])]
        return sources[0] if sources else {}

    def until(self, true, what, deadline_s=60, every_s=0.02):
        """Waits until something is so; the seconds that it took since the start of the daemon."""
        until = time.monotonic() + deadline_s
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            if true():
                return time.perf_counter() - self.began
            time.sleep(every_s)
        sys.exit(f"FAILED: the daemon was never {what}: {self.source()}\n{self.words()[-3000:]}")

    def ready(self, deadline_s=60, every_s=0.002):
        return self.until(lambda: self.get("/readyz")[0] == 200, "ready", deadline_s, every_s)

    def words(self):
        return self.log.read_text(errors="replace")

    def stop(self, number=signal.SIGTERM, deadline_s=20):
        """Its exit status (None: it did not end) and the seconds until then."""
        began = time.perf_counter()
        self.process.send_signal(number)
        try:
            return self.process.wait(deadline_s), time.perf_counter() - began
        except subprocess.TimeoutExpired:
            end(self.process)
            return None, time.perf_counter() - began

    def memory_kb(self):
        """Resident memory now, and at its highest."""
        lines = dict(line.split(":", 1) for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines())
        return int(lines["VmRSS"].split()[0]), int(lines["VmHWM"].split()[0])

    def cpu_s(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def panicked(self):
        return "panicked at" in self.words() or "internal error" in self.words()


class Tally:
    """Counts what was expected and came, and prints what did not."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, true, what, detail=""):
        if true:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED: {what}" + (f"\n  {str(detail).strip()[-2000:]}" if detail else ""))
        return bool(true)

    def close(self):
        print(f"\n{self.passed} passed, {self.failed} failed")
        sys.exit(1 if self.failed or not self.passed else 0)


def environment(**more):
    """What a process gets to see: nothing of the caller's configuration, token or proxy."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    return {**kept, "INTERCOM_ACCESS_TOKEN": "any", "NO_PROXY": "*", "NO_COLOR": "1", **more}


def call(method, url, body=None, deadline_s=60):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": "Bearer any", "Content-Type": "application/json", "Intercom-Version": "2.16"}
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    try:
        with LOOPBACK.open(request, timeout=deadline_s) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        with error:
            said = error.read()
        try:
            return error.code, json.loads(said or b"null")
        except ValueError:
            return error.code, said.decode(errors="replace")


def end(process, group=False):
    """Ends a process that is ours, and waits for it."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            if group:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def text(stream):
    return stream.read().decode("utf-8", errors="replace")


def given_binary(word):
    binary = Path(word).resolve()
    if not os.access(binary, os.X_OK):
        sys.exit(f"no executable at `{word}`: build it with `cargo build --release`")
    return binary


def install(programs, modules=None):
    """Has apt install the packages of those programs, and of those Python modules, that are not there."""
    missing = {package for program, package in programs.items() if not shutil.which(program)}
    missing |= {package for module, package in (modules or {}).items() if not importlib.util.find_spec(module)}
    if missing:
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-q"], check=True, env=quiet, stdout=subprocess.DEVNULL)
        words = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *sorted(missing)]
        subprocess.run(words, check=True, env=quiet, stdout=subprocess.DEVNULL)
        importlib.invalidate_caches()


def table(headings, rows):
    """Prints columns, numbers to the right."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in [headings, *rows]) for at in range(len(headings))]
    right = [bool(rows) and all(row[at][:1].isdigit() or row[at] in ("", "-") for row in rows) for at in range(len(widths))]
    for row in [headings, ["-" * width for width in widths], *rows]:
        cells = [cell.rjust(width) if r else cell.ljust(width) for cell, width, r in zip(row, widths, right)]
        print("  ".join(cells).rstrip())


def let_age():
    """Lets files grow older than the clock's tick: younger ones could change unseen, so they are read again."""
    time.sleep(2.2)


class Heartbeat:
    """Does something again and again beside a run, until the block ends."""

    def __init__(self, work):
        self.work, self.over = work, threading.Event()
        self.error = None

    def _beat(self):
        try:
            while not self.over.is_set():
                self.over.wait(self.work())
        except Exception as error:  # told to the block's owner, in whose thread it can be handled
            self.error = error

    def __enter__(self):
        self.thread = threading.Thread(target=self._beat, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join(10)
        if self.error:
            raise self.error
