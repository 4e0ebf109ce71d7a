"""A small Debian in a folder, and one that is booted from it by systemd-nspawn.

Made once by debootstrap and kept in the cache of .ci/run, for nothing is ever written into it. A booted one has a root of
its own in memory and a network of its own, which the script joins: what it starts from then on is reached by loopback, and
reaches nothing else. Needs root.
"""
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from rig import end, install

PACKAGES = ["systemd", "systemd-sysv", "dbus", "procps", "libnss-systemd", "ca-certificates", "git", "openssh-client", "tzdata"]
CLONE_NEWNET = 0x40000000


def root_folder():
    """The folder of the system, made if there is none yet."""
    if os.getuid() != 0:
        sys.exit("this needs root: it makes a root folder and starts containers in it")
    install({"debootstrap": "debootstrap"})
    cache = os.environ.get("FINMIRROR_CI_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "finmirror-ci")
    release = Path("/etc/os-release").read_text()
    # What was built here needs the C library of here.
    suite = "trixie" if "VERSION_CODENAME=trixie" in release else "bookworm"
    folder = Path(cache, f"debian-{suite}-1")
    if not folder.exists():
        making = folder.with_name(f"{folder.name}.{os.getpid()}")
        words = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", suite, making]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1200)
        if done.returncode != 0:
            shutil.rmtree(making, ignore_errors=True)
            sys.exit(f"FAILED: debootstrap: {(done.stdout + done.stderr)[-2000:]}")
        os.rename(making, folder)
    return folder


class Machine:
    """A booted system; used with `with`."""

    def __init__(self, rig, name="machine"):
        install({"systemd-nspawn": "systemd-container", "nsenter": "util-linux"})
        self.rig, self.log = rig, rig.scratch / f"{name}.log"
        words = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot", "--private-network", "--volatile=overlay",
                 "--console=pipe", f"--machine={name}", f"--directory={root_folder()}"]  # fmt: skip
        self.nspawn = rig.start(words, self.log)
        until = time.monotonic() + 120
        self.leader = None
        while self.leader is None or self.run("systemctl", "is-system-running").stdout.strip() not in ("running", "degraded"):
            if time.monotonic() > until or self.nspawn.poll() is not None:
                self.__exit__()
                sys.exit(f"FAILED: the machine does not boot:\n{self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)
            children = Path(f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children").read_text().split()
            self.leader = int(children[0]) if children else None
        # Its files, as they are seen from outside.
        self.root = Path(f"/proc/{self.leader}/root")
        with open(f"/proc/{self.leader}/ns/net") as network:
            if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), CLONE_NEWNET) != 0:
                sys.exit(f"FAILED: its network cannot be joined: {os.strerror(ctypes.get_errno())}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.leader:
            os.kill(self.leader, signal.SIGKILL)
        end(self.nspawn)

    def run(self, *words, deadline_s=60):
        """Runs something in it, as root."""
        entered = ["nsenter", f"--target={self.leader or os.getpid()}", "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd=/"]
        variables = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
        return subprocess.run([*entered, *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=deadline_s, env=variables)  # fmt: skip

    def write(self, path, text, mode=0o644):
        place = self.root / str(path).lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        place.chmod(mode)
