// The processes and folders of the browser test: a simulator, a daemon with its sources, and their end, however it comes.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const started = [];
export const scratch = mkdtempSync(join(tmpdir(), "finmirror-browser-"));

process.on("exit", () => {
  for (const child of started) child.kill("SIGKILL");
  rmSync(scratch, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

/** Waits until something is so; says what it was when it is not in time. */
export async function until(what, look, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  let last;
  do {
    try {
      last = await look();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  } while (Date.now() < end);
  throw new Error(`not within ${seconds} s: ${what} (last: ${last})`);
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function start(binary, words, name, environment) {
  const log = join(scratch, `${name}.log`);
  const child = spawn(binary, words, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: process.env.PATH, HOME: scratch, ...environment },
  });
  let text = "";
  child.stderr.on("data", (some) => {
    text += some;
    if (text.length < 1e6) writeFileSync(log, text);
  });
  child.log = () => text;
  started.push(child);
  return child;
}

export async function simulator(binary) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = start(binary, ["simulator", "--listen", `127.0.0.1:${port}`], "simulator", {});
  await until("the simulator answers", async () => (await fetch(`${url}/_simulator/stats`)).ok).catch((error) => {
    throw new Error(`${error.message}\n${child.log()}`);
  });
  const faults = async (rules) => {
    await fetch(`${url}/_simulator/faults`, { method: "DELETE" });
    if (rules.length === 0) return;
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ seed: 1, rules });
    const answer = await fetch(`${url}/_simulator/faults`, { method: "POST", headers, body });
    if (!answer.ok) throw new Error(`the simulator refuses these faults: ${await answer.text()}`);
  };
  return { url, faults };
}

/** A daemon with these sources: each a name, its documents, and what else its configuration says. */
export class Daemon {
  constructor(binary, simulatorUrl, sources) {
    Object.assign(this, { binary, simulatorUrl, sources });
    for (const { name, documents } of sources) {
      for (const [path, text] of Object.entries(documents)) this.write(name, path, text);
    }
  }

  root(name) {
    return join(scratch, "docs", name);
  }

  write(name, path, text) {
    const file = join(this.root(name), path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  /** Takes a whole source away, as a mount does that fails; and brings it back. */
  takeAway(name) {
    renameSync(this.root(name), `${this.root(name)}.away`);
  }

  bringBack(name) {
    renameSync(`${this.root(name)}.away`, this.root(name));
  }

  remove(name, path) {
    rmSync(join(this.root(name), path));
  }

  async start() {
    this.port ??= await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    const config = {
      intercom: { base_url: this.simulatorUrl, token: "browser-check" },
      ledger: { path: join(scratch, "ledger.db") },
      http: { listen: `127.0.0.1:${this.port}` },
      sources: this.sources.map(({ name, documents, ...more }) => ({
        name,
        files: { root: this.root(name) },
        site: { generator: "plain", base_url: `https://${name}.example.com/` },
        ...more,
      })),
    };
    const file = join(scratch, "finmirror.yaml");
    writeFileSync(file, JSON.stringify(config));
    this.child = start(this.binary, ["--config", file], "daemon", {});
    await until("the daemon is ready", async () => (await fetch(`${this.url}/readyz`)).ok).catch((error) => {
      throw new Error(`${error.message}\n${this.child.log()}`);
    });
  }

  async stop() {
    const ended = new Promise((resolve) => this.child.once("exit", (status) => resolve(status)));
    this.child.kill("SIGTERM");
    return ended;
  }
}
