// What the status page is in a browser. Started by `run`, which says with what.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { Daemon, simulator, until } from "./rig.mjs";

const [binary, tools, chromiumPath, screenshots] = process.argv.slice(2);
const require = createRequire(join(tools, "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };

let passed = 0;
let failed = 0;

/** One thing that must be so; what went wrong on the way to it is its failure. */
async function check(what, test) {
  let told;
  try {
    told = await test();
  } catch (error) {
    told = error.message;
  }
  const ok = told === undefined || told === true;
  if (ok) passed += 1;
  else failed += 1;
  console.log(`${ok ? "ok  " : "FAIL"} ${what}${ok ? "" : `: ${told}`}`);
}

function expect(so, told) {
  if (!so) throw new Error(told);
}

// What a document of somebody who means harm says.
const HOSTILE = `# Harmless <b>title</b>

<script>top.document.title = "taken"; alert(1)</script>
<img src="https://evil.example/p.png" onerror="alert(2)" alt="a picture">
<iframe src="https://evil.example/"></iframe>
<form action="/sync/handbook" method="post"><button>Press</button></form>
<style>body { background: url(https://evil.example/b.png) }</style>
<a href="javascript:alert(3)">one</a> [two](javascript:alert(4)) [three](https://evil.example/)

It goes on.
`;

const numbered = (count, text) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`page-${n}.md`, `# Page ${n}\n\n${text} ${n}.\n`]));

const handbook = {
  "index.md": "# Handbook\n\nWelcome. See [the start](guide/start.md) and [what is missing](nowhere.md).\n",
  "guide/start.md": "# Start\n\nThe first text.\n\n## Then\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```sh\nfinmirror --once\n```\n",
  "guide/hostile.md": HOSTILE,
  "guide/a b & c?.md": "# An odd name\n\nIt has a page all the same.\n",
  ...numbered(60, "The handbook says"),
};

const fin = await simulator(binary);
const daemon = new Daemon(binary, fin.url, [
  { name: "handbook", documents: handbook },
  { name: "api", documents: numbered(12, "The interface has a call") },
  { name: "portal", documents: numbered(20, "The portal shows"), deletes: { settle: "0s" }, schedule: "5s" },
]);
await daemon.start();

const browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox"] });
const complaints = [];
let mayFail = false;

/** A page of a context of its own; whatever it complains of, or asks of others, is kept. */
async function open(path, options = {}) {
  const context = await browser.newContext({ viewport: DESKTOP, colorScheme: "light", reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type()) && !mayFail) complaints.push(`${path}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`${path}: ${error.message}`));
  page.on("dialog", (dialog) => {
    complaints.push(`${path}: a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(`${daemon.url}/`)) complaints.push(`${path}: asks ${request.url()}`);
  });
  await page.goto(daemon.url + path, { waitUntil: "load" });
  return page;
}

const shot = (page, name) => page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
const word = (page, source) => page.locator(`tr[data-source="${source}"]`).getAttribute("data-word");
const live = (page) => until("the page is live", async () => (await page.locator("#link").textContent()) === "live");

/** No rule of WCAG 2.2 AA is broken seriously. */
async function accessible(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], iframes: false }),
  );
  const serious = violations.filter(({ impact }) => ["serious", "critical", "moderate"].includes(impact));
  return serious.length === 0 || serious.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 200)}: ${v.nodes[0].failureSummary}`).join("\n");
}

async function fits(page) {
  const [width, view] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  return width <= view || `it is ${width} wide in ${view}`;
}

// Healthy

const page = await open("/");
await live(page);

await check("all sources have converged, and the page says so in one sentence", async () => {
  expect((await page.locator("h1").textContent()) === "Fin has what all 3 sources have", await page.locator("h1").textContent());
  for (const source of ["handbook", "api", "portal"]) expect((await word(page, source)) === "converged", source);
});
await shot(page, "healthy");

await check("it has landmarks, one h1, tables with headers, and a polite region", async () => {
  const tree = await page.locator("body").ariaSnapshot();
  for (const part of ["banner", "main", "contentinfo", "heading", "[level=1]", "table", "columnheader", "rowheader", "status"]) {
    expect(tree.includes(part), `no ${part} in\n${tree}`);
  }
});
await check("axe finds nothing: the overview", () => accessible(page));

await check("a change is shown without a reload, and the focus stays", async () => {
  await page.evaluate(() => (globalThis.stayed = true));
  const link = page.locator('tr[data-source="handbook"] th a');
  await link.focus();
  const sent = page.locator('tr[data-source="handbook"] td[data-label="Freshness"] .under time');
  const before = await sent.getAttribute("datetime");
  // The times of the page have seconds.
  await until("a second has passed", () => Date.now() > Date.parse(before) + 2000);
  daemon.write("handbook", "guide/start.md", "# Start\n\nThe second text.\n");
  await until("the overview shows that a page was sent", async () => (await sent.getAttribute("datetime")) > before);
  expect(await page.evaluate(() => globalThis.stayed === true), "it was loaded again");
  expect(await link.evaluate((element) => element === document.activeElement), "the focus is lost");
});

await check("times are absolute in the document, and words that age on the screen", async () => {
  const time = page.locator('tr[data-source="handbook"] td[data-label="Last cycle"] time');
  expect(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(await time.getAttribute("datetime")), "no datetime");
  expect(/ago|now/.test(await time.textContent()), await time.textContent());
  expect(/UTC/.test(await time.getAttribute("title")), "no title");
});

// Failed

await fin.faults([{ route: "upsert_page", external_id: "page-3.md", fault: { status: { code: 422 } } }]);
daemon.write("api", "page-3.md", "# Page 3\n\nIntercom will not take this.\n");
await check("a failure is shown live with Intercom's reason and request_id, and read out", async () => {
  await until("api has failed", async () => (await word(page, "api")) === "failed");
  const card = page.locator("article.card", { hasText: "api" });
  expect(/page-3\.md/.test(await card.textContent()), await card.textContent());
  expect(/^[\w-]{8,}$/.test(await card.locator(".request code").first().textContent()), "no request_id");
  expect((await page.locator("#news").textContent()).includes("api is failed"), await page.locator("#news").textContent());
  expect((await page.title()).startsWith("1 of 3 sources needs attention"), await page.title());
});
await shot(page, "failed");
await check("axe finds nothing: failed", () => accessible(page));

// Held

for (let n = 0; n < 14; n += 1) daemon.remove("portal", `page-${n}.md`);
await check("what is held is shown live with its reason and the command that releases it", async () => {
  await until("portal is held", async () => (await word(page, "portal")) === "held");
  const card = page.locator("article.card", { hasText: "portal" });
  expect(/14 deletes held/.test(await card.textContent()), await card.textContent());
  const command = await card.locator(".copyable code").textContent();
  expect(/^finmirror --once --release-held portal@[0-9a-f]{8}$/.test(command), command);
});
await check("the command is copied by its button", async () => {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const card = page.locator("article.card", { hasText: "portal" });
  await card.locator(".copy").click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied === (await card.locator(".copyable code").textContent()), copied);
});
await shot(page, "held");
await check("axe finds nothing: held", () => accessible(page));
await check("what is to be deleted is listed", async () => {
  const list = await open("/sources/portal?show=leaving");
  expect((await list.locator("table.pages tbody tr").count()) === 14, await list.locator("table.pages").textContent());
  await list.context().close();
});

// Incomplete

await check("a source that is not there is shown with what blocks its deletes, and comes back by itself", async () => {
  daemon.takeAway("portal");
  await until("portal cannot be seen whole", async () => ["incomplete", "failed"].includes(await word(page, "portal")));
  const card = page.locator("article.card", { hasText: "portal" });
  await until("it says that deletes are blocked", async () => (await card.textContent()).includes("Deletes are blocked"));
  await shot(page, "blocked");
  daemon.bringBack("portal");
  await until("portal is held again", async () => (await word(page, "portal")) === "held", 60);
  expect(!(await card.textContent()).includes("Deletes are blocked"), await card.textContent());
});

// Dark, and the phone

await check("dark: legible, and no serious complaint of axe", async () => {
  const dark = await open("/", { colorScheme: "dark" });
  await live(dark);
  await shot(dark, "dark");
  const ground = await dark.evaluate(() => getComputedStyle(document.body).backgroundColor);
  expect(/rgb\((\d|[1-3]\d), /.test(ground), ground);
  const told = await accessible(dark);
  await dark.context().close();
  return told;
});
for (const [path, name] of [["/", "phone"], ["/sources/portal", "phone-source"], ["/sources/handbook/pages/guide/start.md", "phone-page"]]) {
  await check(`a phone: ${path} fits its width`, async () => {
    const phone = await open(path, { viewport: PHONE, hasTouch: true, isMobile: true, deviceScaleFactor: 2 });
    await shot(phone, name);
    const told = await fits(phone);
    expect(told === true, told);
    const axed = await accessible(phone);
    await phone.context().close();
    return axed;
  });
}

// A source, its list, its pages

await check("a source's page shows its list in portions, and axe finds nothing", async () => {
  const source = await open("/sources/handbook");
  await live(source);
  await shot(source, "source");
  expect((await source.locator("table.pages tbody tr").count()) === 50, "not 50 rows");
  const told = await accessible(source);
  expect(told === true, told);
  await source.locator('nav.turn a[rel="next"]').click();
  await source.waitForURL("**page=2*");
  expect((await source.locator("table.pages tbody tr").count()) === 14, "not 14 rows");
  await source.context().close();
});

await check("by keyboard alone: skip link, source, search, page", async () => {
  const keys = await open("/");
  const focused = () => keys.evaluate(() => document.activeElement.outerHTML.slice(0, 120));
  await keys.keyboard.press("Tab");
  expect((await focused()).includes("Skip to the content"), await focused());
  expect(await keys.locator(".skip").evaluate((e) => e.getBoundingClientRect().top >= 0), "the skip link is not seen");
  await keys.keyboard.press("Enter");
  await until("the main part has the focus", async () => keys.evaluate(() => document.activeElement.id === "main"));
  const tabTo = async (what) => {
    for (let n = 0; n < 60; n += 1) {
      await keys.keyboard.press("Tab");
      if ((await focused()).includes(what)) return;
    }
    throw new Error(`no way to ${what}`);
  };
  await tabTo('href="/sources/handbook"');
  const outline = await keys.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  expect(outline === "solid", `the focus is not seen: ${outline}`);
  await keys.keyboard.press("Enter");
  await keys.waitForURL("**/sources/handbook");
  await tabTo('id="q"');
  await keys.keyboard.type("odd name");
  await keys.keyboard.press("Enter");
  await keys.waitForURL("**q=odd+name*");
  await tabTo("An odd name");
  await keys.keyboard.press("Enter");
  await keys.waitForURL("**/pages/guide/a%20b%20%26%20c%3F.md");
  expect((await keys.locator("h1").textContent()).includes("An odd name"), await keys.locator("h1").textContent());
  await keys.context().close();
});

await check("a page is shown as Fin reads it", async () => {
  const reading = await open("/sources/handbook/pages/guide/start.md");
  const text = await reading.frameLocator("iframe").locator("body").textContent();
  expect(text.includes("The second text."), text);
  const facts = await reading.locator("dl.facts").textContent();
  for (const told of ["Fin has exactly what is shown here", "https://handbook.example.com/guide/start/", "en"]) {
    expect(facts.includes(told), `no ${told} in ${facts}`);
  }
  await shot(reading, "page");
  const told = await accessible(reading);
  await reading.context().close();
  return told;
});

await check("a hostile document runs nothing, loads nothing and leads nowhere", async () => {
  const reading = await open("/sources/handbook/pages/guide/hostile.md");
  await until("its text is there", async () =>
    (await reading.frameLocator("iframe").locator("body").textContent()).includes("It goes on."),
  );
  const frame = reading.frames().find((other) => other.parentFrame());
  const inside = await frame.evaluate(() => ({
    origin: self.origin,
    odd: document.querySelectorAll("script, form, iframe, img, button, [onerror], [src], a[href]:not([href^='#'])").length,
  }));
  expect(inside.origin === "null", `its origin is ${inside.origin}`);
  expect(inside.odd === 0, `${inside.odd} elements that do something`);
  const answer = await fetch(`${daemon.url}/sources/handbook/read/guide/hostile.md`);
  const policy = answer.headers.get("content-security-policy");
  expect(policy.startsWith("sandbox; default-src 'none';"), policy);
  expect(!(await reading.title()).includes("taken"), await reading.title());
  await shot(reading, "hostile");
  await reading.context().close();
});

// Without scripts

await check("without JavaScript everything is there: states, command, search, a page", async () => {
  const plain = await open("/", { javaScriptEnabled: false });
  expect((await word(plain, "portal")) === "held", "portal");
  expect(/--release-held portal@/.test(await plain.locator("main").textContent()), "no command");
  expect((await plain.locator("noscript meta[http-equiv=refresh], meta[http-equiv=refresh]").count()) === 1, "no refresh");
  expect(/\d\d:\d\d:\d\d UTC/.test(await plain.locator('tr[data-source="api"] time').first().textContent()), "no absolute time");
  await shot(plain, "no-script");
  await plain.locator('tr[data-source="handbook"] th a').click();
  await plain.locator("#q").fill("odd name");
  await plain.locator("form button").click();
  await plain.locator("table.pages th a", { hasText: "An odd name" }).click();
  expect((await plain.locator("h1").textContent()).includes("An odd name"), "no page");
  await plain.context().close();
});

// The end of the daemon, and its return

await check("nothing of all this broke the policy, complained in the console, or asked another host", () =>
  complaints.length === 0 || complaints.join("\n"),
);
mayFail = true;
await check("when the daemon is gone the page says so, and of when it is", async () => {
  const status = await daemon.stop();
  expect(status === 0, `the daemon ended with ${status}`);
  await until("it says that it is not connected", async () =>
    /not connected, as of \d\d:\d\d:\d\d UTC/.test(await page.locator("#link").textContent()),
  );
  await shot(page, "gone");
});
await check("when it is back the page is live again by itself", async () => {
  await fin.faults([]);
  daemon.write("api", "page-3.md", "# Page 3\n\nIntercom takes this.\n");
  await daemon.start();
  await live(page);
  await until("api has converged", async () => (await word(page, "api")) === "converged");
  expect(await page.evaluate(() => globalThis.stayed === true), "it was loaded again");
});

await browser.close();
await daemon.stop();
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
