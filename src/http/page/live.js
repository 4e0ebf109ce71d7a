// Keeps the page up to date and its times in words. Without it everything is there all the same.
"use strict";
(() => {
  const root = document.documentElement;
  const isLive = document.body.hasAttribute("data-live");
  const link = document.getElementById("link");
  const news = document.getElementById("news");
  root.classList.add("js");

  // Times: the server says how old each was when it made the page, by a clock that does not jump; the rest is ours.
  let madeAt = performance.now();

  function words(age) {
    const s = Math.abs(age);
    const units = [[86400 * 2, 86400, "d"], [5400, 3600, "h"], [90, 60, "min"], [0, 1, "s"]];
    const [, size, unit] = units.find(([least]) => s >= least);
    const text = `${Math.floor(s / size)} ${unit}`;
    if (s < 1) return "now";
    return age < 0 ? `in ${text}` : `${text} ago`;
  }

  function tick() {
    const passed = (performance.now() - madeAt) / 1000;
    for (const time of document.querySelectorAll("time[data-age]")) {
      const text = words(Math.floor(Number(time.dataset.age) + passed));
      // What lies behind in the plan is due, not past.
      const isDue = Number(time.dataset.age) < 0 && text.endsWith("ago");
      const shown = isDue ? "due" : text;
      if (!time.title) time.title = time.textContent;
      if (time.textContent !== shown) time.textContent = shown;
    }
  }

  // Makes one tree like another and keeps every element that is in both, so that focus, selection, scrolling and what is
  // unfolded or typed stay.
  function keyOf(node) {
    return node.nodeType === 1 ? node.id || node.getAttribute("data-key") || "" : "";
  }

  function isSame(a, b) {
    return a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);
  }

  function morph(from, to) {
    if (from.nodeType !== 1) {
      if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
      return;
    }
    if (from.hasAttribute("data-keep")) return;
    for (const { name } of [...from.attributes]) {
      if (!to.hasAttribute(name) && name !== "open") from.removeAttribute(name);
    }
    for (const { name, value } of to.attributes) {
      if (name !== "open" && from.getAttribute(name) !== value) from.setAttribute(name, value);
    }
    let old = from.firstChild;
    for (const next of [...to.childNodes]) {
      let match = old;
      while (match && !isSame(match, next)) match = match.nextSibling;
      // Without a key only the neighbour counts: what is further on belongs to something else.
      if (match && match !== old && !keyOf(next)) match = null;
      if (match) {
        if (match !== old) from.insertBefore(match, old);
        morph(match, next);
        old = match.nextSibling;
      } else {
        from.insertBefore(document.importNode(next, true), old);
      }
    }
    while (old) {
      const after = old.nextSibling;
      old.remove();
      old = after;
    }
  }

  function states() {
    return new Map([...document.querySelectorAll("[data-source]")].map((e) => [e.dataset.source, e.dataset.word]));
  }

  let asking = false;
  let again = false;

  async function refresh() {
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    try {
      const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(20000) });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const before = states();
      morph(document.getElementById("main"), page.getElementById("main"));
      morph(document.querySelector("footer"), page.querySelector("footer"));
      document.title = page.title;
      const icon = "link[rel=icon]";
      const href = page.querySelector(icon).getAttribute("href");
      if (document.querySelector(icon).getAttribute("href") !== href) document.querySelector(icon).setAttribute("href", href);
      madeAt = performance.now();
      tick();
      tell(before);
      say("on");
    } catch {
      say("off");
    } finally {
      asking = false;
      if (again) {
        again = false;
        setTimeout(refresh, 250);
      }
    }
  }

  // Only a change of state is read out.
  function tell(before) {
    const changes = [];
    for (const [source, word] of states()) {
      if (before.has(source) && before.get(source) !== word) {
        changes.push(`${source} is ${word}`);
        for (const e of document.querySelectorAll("[data-source]")) {
          if (e.dataset.source !== source) continue;
          e.classList.remove("new");
          void e.offsetWidth;
          e.classList.add("new");
        }
      }
    }
    if (changes.length) news.textContent = changes.join(", ");
  }

  let shownAt = link.textContent;

  function say(state) {
    if (state === "on") shownAt = `as of ${new Date().toISOString().slice(11, 19)} UTC`;
    link.className = `link ${state}`;
    const text = state === "on" ? "live" : `not connected, ${shownAt}`;
    if (link.textContent !== text) link.textContent = text;
  }

  // Whoever does not look at the page holds no stream.
  let stream = null;
  let later = 0;

  function connect() {
    clearTimeout(later);
    if (stream) stream.close();
    stream = new EventSource("/live");
    stream.addEventListener("changed", refresh);
    stream.onerror = () => {
      say("off");
      // Refused rather than broken: it is not tried again by itself.
      if (stream && stream.readyState === EventSource.CLOSED) {
        later = setTimeout(() => {
          refresh();
          connect();
        }, 15000);
      }
    };
  }

  function disconnect() {
    clearTimeout(later);
    if (stream) stream.close();
    stream = null;
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest(".copy");
    if (!button) return;
    const text = button.dataset.copy;
    let isCopied = false;
    try {
      await navigator.clipboard.writeText(text);
      isCopied = true;
    } catch {
      // Without https there is no clipboard for scripts: it is marked, for the keyboard.
      getSelection().selectAllChildren(button.previousElementSibling);
    }
    button.firstChild.textContent = isCopied ? "Copied" : "Marked";
    news.textContent = isCopied ? "copied" : "marked: copy it with the keyboard";
    setTimeout(() => (button.firstChild.textContent = "Copy"), 2000);
  });

  tick();
  setInterval(tick, 1000);
  if (isLive) {
    connect();
    document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
    addEventListener("pagehide", disconnect);
    addEventListener("pageshow", (event) => event.persisted && connect());
  }
})();
