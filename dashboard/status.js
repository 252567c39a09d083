// Live registrations: one page of the API, kept up to date by the event stream.

const PAGE = 100;
const MOST_ROWS = 1000;
const FRESH_MS = 2500;

const byId = (id) => document.getElementById(id);
const rows = byId("rows");
const state = byId("state");

/** Contacts by URI, by address-of-record, in the order of arrival; each with the moment it ends. */
const known = new Map();
let next = null;
let search = "";
let asked = 0;
let dirty = false;
let overview = null;

async function get(path) {
  const response = await fetch(path, { headers: { accept: "application/json" } });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error ?? "HTTP " + response.status);
  return body;
}

function put(aor, contact, fresh) {
  let contacts = known.get(aor);
  if (contacts === undefined) {
    if (known.size >= MOST_ROWS) return;
    contacts = new Map();
    known.set(aor, contacts);
  }
  const now = Date.now();
  contacts.set(contact.uri, {
    ...contact,
    endsAt: now + contact.expires * 1000,
    freshUntil: fresh ? now + FRESH_MS : 0,
  });
  dirty = true;
}

function drop(aor, uri) {
  const contacts = known.get(aor);
  if (contacts === undefined) return;
  contacts.delete(uri);
  if (contacts.size === 0) known.delete(aor);
  dirty = true;
}

async function load(cursor) {
  const mine = ++asked;
  const query = new URLSearchParams({ limit: String(PAGE) });
  if (search !== "") query.set("q", search);
  if (cursor !== null) query.set("cursor", cursor);
  try {
    const page = await get("/api/v1/bindings?" + query);
    if (mine !== asked) return;
    if (cursor === null) known.clear();
    for (const { aor, contacts } of page.items) for (const contact of contacts) put(aor, contact, false);
    next = page.next;
    complain(null);
  } catch (error) {
    complain(error);
  }
  dirty = true;
}

async function refreshOverview() {
  try {
    overview = await get("/api/v1/status");
    byId("version").textContent = "version " + overview.version;
  } catch {
    overview = null;
  }
  showState();
}

function complain(error) {
  const problem = byId("problem");
  problem.hidden = error === null;
  problem.textContent = error === null ? "" : "The list could not be loaded: " + error.message;
}

let live = false;
let wasLive = false;
function showState() {
  const parts = [];
  if (overview === null) parts.push("the server does not answer");
  else if (!overview.ready) parts.push("not ready: " + overview.problem);
  else parts.push("ready", overview.aors + " addresses", overview.bindings + " contacts");
  if (overview !== null) parts.push(live ? "live" : "events are not coming in");
  state.textContent = parts.join(" · ");
  state.className = overview?.ready && live ? "good" : "bad";
}

function listen() {
  const events = new EventSource("/api/v1/events");
  events.onopen = () => {
    // what changed while nobody listened is missing from the list
    if (wasLive && !live) void load(null);
    live = wasLive = true;
    showState();
  };
  events.onerror = () => {
    live = false;
    showState();
  };
  const matches = (aor) => search === "" || aor.toLowerCase().includes(search.toLowerCase());
  const came = (event) => {
    const { aor, contact } = JSON.parse(event.data);
    if (known.has(aor) || (next === null && matches(aor))) put(aor, contact, true);
  };
  const went = (event) => {
    const { aor, contact } = JSON.parse(event.data);
    drop(aor, contact.uri);
  };
  for (const kind of ["registered", "refreshed"]) events.addEventListener(kind, came);
  for (const kind of ["removed", "expired", "flow-closed"]) events.addEventListener(kind, went);
  events.addEventListener("dropped", () => void load(null));
}

function cell(text, className) {
  const td = document.createElement("td");
  td.textContent = text;
  if (className) td.className = className;
  return td;
}

function left(seconds) {
  if (seconds < 120) return seconds + " s";
  return seconds < 7200 ? Math.floor(seconds / 60) + " min" : Math.floor(seconds / 3600) + " h";
}

function show() {
  const now = Date.now();
  const focused = document.activeElement?.dataset?.aor;
  const shown = [];
  for (const aor of [...known.keys()].sort()) {
    for (const contact of known.get(aor).values()) {
      const seconds = Math.ceil((contact.endsAt - now) / 1000);
      if (seconds <= 0) continue;
      const row = document.createElement("tr");
      if (contact.freshUntil > now) row.className = "fresh";
      const name = document.createElement("button");
      name.type = "button";
      name.className = "link";
      name.textContent = aor;
      name.dataset.aor = aor;
      name.title = "Why can it be reached, or not?";
      const first = document.createElement("td");
      first.append(name);
      row.append(
        first,
        cell(contact.uri),
        cell(contact.received),
        cell(contact.userAgent ?? ""),
        cell(String(contact.q), "number"),
        cell(left(seconds), "number"),
      );
      shown.push(row);
    }
  }
  rows.replaceChildren(...shown);
  if (focused !== undefined) {
    for (const button of rows.querySelectorAll("button")) {
      if (button.dataset.aor === focused) {
        button.focus();
        break;
      }
    }
  }
  byId("empty").hidden = shown.length > 0;
  byId("empty").textContent = search === "" ? "Nobody is registered." : "No registered address contains this text.";
  byId("more").hidden = next === null || known.size >= MOST_ROWS;
}

async function tell(aor) {
  const story = byId("story");
  byId("story-title").textContent = aor;
  const facts = byId("story-facts");
  facts.replaceChildren();
  story.hidden = false;
  try {
    const answer = await get("/api/v1/bindings/" + encodeURIComponent(aor) + "/explain");
    byId("story-summary").textContent = answer.summary;
    for (const contact of answer.contacts) {
      for (const fact of contact.facts) {
        const item = document.createElement("li");
        item.textContent = contact.uri + ": " + fact;
        facts.append(item);
      }
    }
  } catch (error) {
    byId("story-summary").textContent = error.message;
  }
}

byId("search").addEventListener("submit", (event) => event.preventDefault());
let typing;
byId("q").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    search = byId("q").value.trim();
    void load(null);
  }, 200);
});
byId("more").addEventListener("click", () => void load(next));
rows.addEventListener("click", (event) => {
  const aor = event.target.closest("button")?.dataset.aor;
  if (aor !== undefined) void tell(aor);
});

setInterval(() => {
  if (dirty) {
    dirty = false;
    show();
  }
}, 250);
setInterval(() => {
  dirty = true;
}, 1000);
setInterval(() => void refreshOverview(), 5000);
// changes made by a command or by another server come as no event
setInterval(() => {
  if (known.size <= PAGE) void load(null);
}, 10_000);
void refreshOverview();
void load(null);
listen();
