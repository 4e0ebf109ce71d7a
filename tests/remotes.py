"""Remotes on loopback with real doors: a repository and a website behind https and a token, a repository behind ssh.

Owns certificates, keys and servers; knows nothing of what a script wants to show. Needs git, openssl and sshd.
"""
import base64
import http.server
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

from rig import environment, free_port

TOKEN = "s3cr3t-token"
BASIC = "Basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()


class Repository:
    """A repository with one branch, `main`."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *words):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "gc.auto=0"]
        done = subprocess.run(["git", *identity, *words], cwd=self.folder, capture_output=True, text=True,
                              env={**environment(), "GIT_CONFIG_GLOBAL": "/dev/null"})
        if done.returncode != 0:
            sys.exit(f"FAILED: git {' '.join(words)}: {done.stderr}")

    def commit(self, files):
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "change")


class Https:
    """`/repo/.git` for who has the token, and a website of `pages` at its root, with a certificate of an own authority."""

    def __init__(self, folder, repository, pages):
        folder = Path(folder)
        folder.mkdir()
        self.authority = folder / "authority.pem"
        certificates(folder)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem", folder / "server.key")
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.repository, server.pages = repository, pages
        self.root = server.root = f"https://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()


class Door(http.server.BaseHTTPRequestHandler):
    timeout = 30

    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        path = self.path.split("?")[0]
        if path.startswith("/repo/"):
            self.backend()
        elif path == "/sitemap.xml":
            places = "".join(f"<url><loc>{self.server.root}{page}</loc></url>" for page in self.server.pages)
            text = f"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{places}</urlset>"
            self.answer(200, text.encode(), Content_Type="text/xml")
        elif path in self.server.pages:
            text = f"<title>{path}</title><main><h1>{path}</h1>{self.server.pages[path]}</main>"
            self.answer(200, text.encode(), Content_Type="text/html; charset=utf-8")
        else:
            self.answer(404, b"none")

    do_POST = do_GET

    def backend(self):
        """One request of git, by CGI."""
        if self.headers.get("Authorization") != BASIC:
            self.answer(401, b"", WWW_Authenticate='Basic realm="docs"')
            return
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        variables = {
            "GIT_PROJECT_ROOT": str(self.server.repository), "GIT_HTTP_EXPORT_ALL": "1", "REQUEST_METHOD": self.command,
            "PATH_INFO": path.removeprefix("/repo"), "QUERY_STRING": query, "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""), "HTTP_GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""), "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
        }  # fmt: skip
        done = subprocess.run(["git", "http-backend"], input=body, capture_output=True, env={**environment(), **variables})
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.answer(int(headers.pop("Status", "200")[:3]), body, **headers)

    def log_message(self, *_):
        pass


class Ssh:
    """An sshd of its own, that knows one user's key: `key`, `known_hosts` and `url` are what a client needs."""

    def __init__(self, rig, folder, repository, owner=None):
        folder = Path(folder)
        folder.mkdir(mode=0o711)
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
        port = free_port()
        Path("/run/sshd").mkdir(exist_ok=True)
        (folder / "config").write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\nPidFile none\n"
            "StrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\nPermitRootLogin yes\n"
        )
        rig.start([shutil.which("sshd") or "/usr/sbin/sshd", "-D", "-e", "-f", folder / "config"], folder / "log")
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if time.monotonic() > until:
                    sys.exit(f"FAILED: sshd does not start: {(folder / 'log').read_text()}")
                time.sleep(0.05)
        self.key, self.known_hosts = folder / "user", folder / "known_hosts"
        self.known_hosts.write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
        if owner is not None:
            os.chown(self.key, owner, owner)
        user = pwd.getpwuid(os.getuid()).pw_name
        self.url = f"ssh://{user}@127.0.0.1:{port}{repository}"


def certificates(folder):
    """An authority, and a certificate of it for this machine's own address."""
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", *curve, "-keyout", "authority.key", "-out", "authority.pem", "-days", "2",
            "-subj", "/CN=authority", "-addext", "basicConstraints=critical,CA:TRUE")  # fmt: skip
    openssl("req", *curve, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=server")
    (folder / "server.ext").write_text("subjectAltName=IP:127.0.0.1")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial",
            "-out", "server.pem", "-days", "2", "-extfile", "server.ext")  # fmt: skip
