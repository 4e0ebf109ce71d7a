// Every AI Content and Data Events call through Intercom's official Node.js client. Started by check.sh.

import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const folder = resolve(process.env.INTERCOM_CLIENT_DIR ?? ".");
const { Intercom, IntercomClient, IntercomError } = createRequire(join(folder, "here.js"))("intercom-client");

const url = process.env.SDK_URL.replace(/\/$/, "");
const simulator = process.env.SDK_SIMULATOR_URL.replace(/\/$/, "");
const run = randomUUID().slice(0, 8);
let passed = 0;
let failed = 0;

const client = (token, maxRetries = 0) => new IntercomClient({ token, baseUrl: url, maxRetries, timeoutInSeconds: 20 });

function check(name, condition, found = "") {
  if (condition) {
    passed += 1;
    console.log(`ok   node ${name}`);
  } else {
    failed += 1;
    console.log(`FAIL node ${name}: ${found instanceof Error ? found.stack : JSON.stringify(found)}`);
  }
}

/** The error that a call ends with, none if it succeeds. */
async function error(call) {
  try {
    await call;
    return undefined;
  } catch (found) {
    return found;
  }
}

/** Asks the simulator for one fault, or with none for the end of all. */
async function order(fault) {
  const asked = fault && { body: JSON.stringify({ fault, count: 1 }), headers: { "content-type": "application/json" } };
  const answer = await fetch(`${simulator}/_simulator/faults`, { method: fault ? "POST" : "DELETE", ...asked });
  if (!answer.ok) throw new Error(`the fault was refused: ${await answer.text()}`);
}

async function sources(content) {
  const root = `https://docs.example.com/${run}`;
  const source = await content.createContentImportSource({ url: root });
  check("createContentImportSource", Number.isInteger(source.id) && source.sync_behavior === "api", source);
  const twin = await content.createContentImportSource({ url: root, status: "deactivated" });
  check("two creates make twins", twin.id !== source.id && twin.status === "deactivated", twin);
  const listed = await content.listContentImportSources();
  check("listContentImportSources", listed.type === "list" && listed.data.some((item) => item.id === source.id), listed);
  const found = await content.getContentImportSource({ source_id: String(source.id) });
  check("getContentImportSource", found.url === root, found);
  const changed = await content.updateContentImportSource({
    source_id: String(source.id), sync_behavior: "api", url: `${root}/new`, status: "active",
  });
  check("updateContentImportSource", changed.url === `${root}/new`, changed);
  await content.deleteContentImportSource({ source_id: String(twin.id) });
  const missing = await error(content.getContentImportSource({ source_id: String(twin.id) }));
  check("deleteContentImportSource", missing?.statusCode === 404, missing);
  return source.id;
}

async function pages(content, source_id) {
  const upsert = (external_id, more = {}) => content.createExternalPage({
    title: "Title", html: "<p>Text</p>", url: "https://docs.example.com/a", source_id, external_id, ...more,
  });
  const page = await upsert("a");
  check("createExternalPage", typeof page.id === "string" && page.source_id === source_id, page);
  check("a new page is off", !page.ai_agent_availability && !page.ai_copilot_availability, page);
  const on = await upsert("a", { ai_agent_availability: true, ai_copilot_availability: true });
  check("createExternalPage updates", on.id === page.id && on.ai_agent_availability === true, on);
  check("flags that are not sent stay", (await upsert("a")).ai_agent_availability === true);
  const found = await content.getExternalPage({ page_id: page.id });
  check("getExternalPage", found.html === "<p>Text</p>", found);
  const renamed = await content.updateExternalPage({
    page_id: page.id, title: "New", html: "<p>New</p>", url: "https://docs.example.com/b", source_id,
    external_id: "b", fin_availability: true,
  });
  check("updateExternalPage", renamed.id === page.id && renamed.external_id === "b", renamed);
  const listed = await content.listExternalPages();
  check("listExternalPages", listed.data.some((item) => item.id === page.id), listed);
  check("listExternalPages pages", listed.pages.page === 1 && listed.pages.per_page === 50, listed.pages);
  const deleted = await content.deleteExternalPage({ page_id: page.id });
  check("deleteExternalPage", deleted.id === page.id && deleted.html === "", deleted);
}

async function events(intercom) {
  const now = Math.floor(Date.now() / 1000);
  const user_id = `user-${run}`;
  const event = { event_name: "synced-docs", created_at: now, metadata: { source: "handbook" } };
  await intercom.events.create({ user_id, ...event });
  await intercom.events.create({ user_id, ...event });
  check("events.create", true);
  await intercom.events.create({ id: `lead-${run}`, ...event });
  check("events.create by id", true);
  await intercom.events.summaries({
    user_id, event_summaries: { event_name: "opened-docs", count: 7, first: now - 90, last: now },
  });
  check("events.summaries", true);
  const missing = await error(intercom.events.create({ email: "missing@example.com", ...event }));
  check("an event of nobody is 404", missing?.statusCode === 404, missing);
  if (url !== simulator) return;
  const listed = await intercom.events.list({ type: "user", user_id });
  check("events.list, a duplicate counts once", listed.events.length === 1 && listed.user_id === user_id, listed);
  const lead = await intercom.events.list({ type: "user", intercom_user_id: `lead-${run}`, per_page: 1 });
  check("events.list by id", lead.events.length === 1 && lead.intercom_user_id === `lead-${run}`, lead);
  const summary = await intercom.events.list({ type: "user", user_id, summary: true });
  const counts = Object.fromEntries(summary.events.map((item) => [item.name, item.count]));
  check("events.list summary", counts["synced-docs"] === 1 && counts["opened-docs"] === 7, counts);
}

async function errors(content, source_id) {
  const refused = await error(client("wrong").aiContent.listExternalPages());
  check("401 is an UnauthorizedError", refused instanceof Intercom.UnauthorizedError, refused);
  check("401 body", refused.body.type === "error.list" && refused.body.errors[0].code === "unauthorized", refused.body);
  check("401 shows no limit", !refused.rawResponse.headers.has("x-ratelimit-limit"));
  const missing = await error(content.getExternalPage({ page_id: "5" }));
  check("404 body", missing.statusCode === 404 && missing.body.errors[0].code === "not_found", missing);
  const blank = await error(content.createExternalPage({ title: "", html: "x", source_id, external_id: "blank" }));
  check("400 names the field", blank.statusCode === 400 && blank.body.errors[0].field === "title", blank);
  await order({ status: { code: 429 } });
  const limited = await error(content.listContentImportSources());
  check("429 body", limited.statusCode === 429 && limited.body.errors[0].code === "rate_limit_exceeded", limited);
  await order({ status: { code: 503, retry_after_s: 1 } });
  const listed = await client(process.env.SDK_TOKEN, 2).aiContent.listContentImportSources();
  check("the client repeats after a 503", listed.type === "list", listed);
  if (url === simulator) {
    for (const fault of ["drop", "lost_answer", "truncated_body"]) {
      await order(fault);
      const broken = await error(content.listContentImportSources());
      check(`${fault} breaks the connection`, broken instanceof IntercomError, broken);
    }
  }
  await order(undefined);
}

const intercom = client(process.env.SDK_TOKEN);
try {
  const source_id = await sources(intercom.aiContent);
  await pages(intercom.aiContent, source_id);
  await events(intercom);
  await errors(intercom.aiContent, source_id);
} catch (unexpected) {
  check("calls succeed", false, unexpected);
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
