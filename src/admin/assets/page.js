// The pages are whole without this. It shows times in the reader's zone, copies what is made to be copied, keeps what is
// live up to date while somebody looks, and remembers which columns are wanted.
"use strict";

const kept = {
  get: (name) => { try { return localStorage.getItem(name); } catch { return null; } },
  set: (name, value) => { try { localStorage.setItem(name, value); } catch { /* a browser that keeps nothing */ } },
};

// --- Times ---

const language = document.documentElement.lang;

function zone() {
  const name = kept.get("zone") || undefined;
  try { new Intl.DateTimeFormat("en", { timeZone: name }); return name; } catch { return undefined; }
}

function showTimes(root) {
  const timeZone = zone();
  const dated = new Intl.DateTimeFormat(language, { timeZone, dateStyle: "medium", timeStyle: "long", hourCycle: "h23" });
  const day = { timeZone, month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const minute = new Intl.DateTimeFormat(language, { ...day, timeZoneName: "short" });
  const short = new Intl.DateTimeFormat(language, { ...day, second: "2-digit" });
  const ofOtherYear = new Intl.DateTimeFormat(language, { ...day, year: "numeric" });
  const thisYear = new Date().getFullYear();
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!time.dateTime.includes("T") || Number.isNaN(at.getTime())) continue;
    time.title ||= time.textContent;
    let format = dated;
    if (time.closest(".meter")) format = minute;
    else if (time.closest("table")) format = short;
    if (format !== dated && at.getFullYear() !== thisYear) format = ofOtherYear;
    time.textContent = format.format(at);
  }
  const named = new Intl.DateTimeFormat(language, { timeZone, timeZoneName: "short" }).formatToParts(new Date());
  const name = named.find((part) => part.type === "timeZoneName")?.value ?? "";
  for (const label of root.querySelectorAll("[data-zone]")) label.textContent = name;
}

for (const choice of document.querySelectorAll("select[data-zones]")) {
  for (const name of Intl.supportedValuesOf?.("timeZone") ?? []) {
    if (name !== "UTC") choice.append(new Option(name, name));
  }
  choice.value = zone() ?? "";
  choice.closest("[hidden]")?.removeAttribute("hidden");
  choice.addEventListener("change", () => {
    kept.set("zone", choice.value);
    showTimes(document);
  });
}

// --- Copying ---

function allowCopying(root) {
  for (const button of root.querySelectorAll("button[data-copies]")) {
    const source = document.getElementById(button.dataset.copies);
    if (!source || !navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(source.textContent);
      const before = [...button.childNodes];
      button.textContent = button.dataset.done;
      setTimeout(() => button.replaceChildren(...before), 2000);
    });
  }
}

// --- Columns ---

function offerColumns(root) {
  for (const table of root.querySelectorAll("table[data-columns]")) {
    const hidden = new Set((kept.get("hidden-columns") ?? "").split(" ").filter(Boolean));
    const choices = document.createElement("div");
    choices.className = "columns-choice";
    choices.append(`${table.dataset.columns}:`);
    // Time and status stay; and what this width has no room for is not offered.
    for (const head of [...table.querySelectorAll("thead th")].slice(2)) {
      const name = String(head.cellIndex + 1);
      if (getComputedStyle(head).display === "none") continue;
      const label = document.createElement("label");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = !hidden.has(name);
      table.classList.toggle(`no-${name}`, hidden.has(name));
      box.addEventListener("change", () => {
        if (box.checked) hidden.delete(name); else hidden.add(name);
        table.classList.toggle(`no-${name}`, !box.checked);
        kept.set("hidden-columns", [...hidden].join(" "));
      });
      label.append(box, head.textContent);
      choices.append(label);
    }
    table.parentElement.before(choices);
  }
}

// --- Live regions: read again while the tab is seen, in place ---

// What has the focus, as it is found again in a region that was renewed: a link by its address, else by its place.
function focusIn(region) {
  const focused = document.activeElement;
  if (!region.contains(focused)) return () => {};
  const selector = focused.id ? `#${CSS.escape(focused.id)}` : focused.tagName;
  const address = focused.getAttribute("href");
  const place = [...region.querySelectorAll(selector)].indexOf(focused);
  return () => {
    const all = [...region.querySelectorAll(selector)];
    const same = address ? all.find((one) => one.getAttribute("href") === address) : all[place];
    same?.focus({ preventScroll: true });
  };
}

// Whether it goes on: a session that has ended does not come back.
async function renew(region) {
  const response = await fetch(location.href, { headers: { accept: "text/html" } });
  if (response.redirected) return false;
  // A gateway or a table that is away for a moment: the next time.
  if (!response.ok) return true;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const next = page.getElementById(region.id);
  const selection = getSelection();
  const isSelected = !selection.isCollapsed && region.contains(selection.anchorNode);
  if (next && !isSelected) {
    const refocus = focusIn(region);
    region.replaceChildren(...next.childNodes);
    prepare(region);
    refocus();
  }
  return true;
}

for (const button of document.querySelectorAll("button[data-live]")) {
  const region = document.getElementById(button.dataset.region);
  if (!region) continue;
  let isRunning = button.dataset.running === "yes";
  const show = () => {
    button.textContent = isRunning ? button.dataset.pause : button.dataset.resume;
    button.setAttribute("aria-pressed", String(isRunning));
  };
  button.hidden = false;
  show();
  button.addEventListener("click", () => { isRunning = !isRunning; show(); });
  setInterval(async () => {
    if (!isRunning || document.visibilityState !== "visible") return;
    try {
      isRunning = await renew(region);
    } catch { /* the gateway is away for a moment */ }
    show();
  }, Number(button.dataset.live) * 1000);
}

// --- The playground: answers as they come, side by side ---

async function answer(form, fields, model, place) {
  const words = document.createElement("pre");
  const title = document.createElement("h2");
  const card = document.createElement("section");
  card.className = "card answer";
  title.textContent = model;
  words.textContent = form.dataset.waits;
  card.append(title, words);
  place.append(card);
  const body = new URLSearchParams(fields);
  body.set("model", model);
  body.delete("other");
  try {
    const response = await fetch(`${form.action}/stream`, { method: "POST", body });
    if (!response.ok || !response.body) {
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      words.textContent = page.querySelector("main")?.textContent.trim() ?? form.dataset.failed;
      return;
    }
    const lines = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    let said = "";
    for (;;) {
      const { value, done } = await lines.read();
      if (done) break;
      const whole = (rest + value).split("\n");
      rest = whole.pop();
      for (const line of whole) {
        const piece = JSON.parse(line);
        if (piece.html !== undefined) {
          // Behind a proxy the pages may lie below a path.
          const base = new URL(form.action).pathname.replace(/\/ui\/playground$/, "");
          const html = piece.html.replaceAll('="/ui', `="${base}/ui`);
          const page = new DOMParser().parseFromString(html, "text/html");
          card.replaceWith(...page.body.childNodes);
          prepare(place);
          return;
        }
        if (piece.text !== undefined) said += piece.text;
        words.textContent = said || piece.thinking || words.textContent;
      }
    }
    words.textContent += `\n\n${form.dataset.failed}`;
  } catch {
    words.textContent += `\n\n${form.dataset.failed}`;
  }
}

const playground = document.getElementById("playground");
playground?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const fields = new FormData(playground);
  const place = document.getElementById("answers");
  const button = playground.querySelector("button.main");
  place.replaceChildren();
  button.disabled = true;
  const models = [fields.get("model"), fields.get("other")].filter(Boolean);
  await Promise.all(models.map((model) => answer(playground, fields, model, place)));
  button.disabled = false;
});

// A link to something folded opens it.
function openTarget() {
  const target = location.hash ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
  target?.closest("details")?.setAttribute("open", "");
}
addEventListener("hashchange", openTarget);
openTarget();

function prepare(root) {
  showTimes(root);
  allowCopying(root);
  offerColumns(root);
}

prepare(document);
