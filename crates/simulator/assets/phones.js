// Everything here is comfort: each page works without it. Pages follow what happens; the browser has one stream of
// events, however many pages are open.

const REST_MS = 250;
const AGAIN_MS = 2000;

// What the server sent for an element, before the browser or a person changed it.
const sent = new WeakMap();

// Times of the server are in UTC: shown in the zone of the browser.
function localize(node) {
  for (const time of node.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.valueOf())) time.textContent = at.toLocaleTimeString([], { hour12: false });
  }
}

// Puts an element into the page, by `place`.
function put(element, place) {
  const html = element.outerHTML;
  place(element);
  sent.set(element, html);
  localize(element);
}

// Whether a person has selected something in an element, which would be lost with it.
function isSelected(element) {
  const selection = getSelection();
  return !selection.isCollapsed && selection.containsNode(element, true);
}

const focusable = (element) => [...element.querySelectorAll("a, button, input, summary, [tabindex]")];

// Puts `fresh` in the place of `old` if the server says something else than before: what is open stays open, what is
// typed stays typed, and the focus stays. False if it has to wait.
function replace(old, fresh) {
  if (sent.get(old) === fresh.outerHTML) return true;
  if (isSelected(old)) return false;
  const focused = focusable(old).indexOf(document.activeElement);
  const open = [...old.querySelectorAll("details[open] > summary[id]")].map(({ id }) => id);
  const typed = [...old.querySelectorAll("input[id]")].filter((field) => field.value !== field.defaultValue);
  put(fresh, () => old.replaceWith(fresh));
  for (const id of open) document.getElementById(id)?.parentElement.setAttribute("open", "");
  for (const { id, value } of typed) {
    const field = document.getElementById(id);
    if (field) field.value = value;
  }
  focusable(fresh)[focused]?.focus({ preventScroll: true });
  return true;
}

// Makes the children of a list those of another one, by their ids. Those that the other one does not have stay where
// they are unless `isExact`.
function reconcile(list, fresh, isExact) {
  const wanted = [...fresh.children];
  const ids = new Set(wanted.map(({ id }) => id));
  const isApart = !wanted.some(({ id }) => document.getElementById(id));
  for (const child of [...list.children]) if (!ids.has(child.id) && (isExact || isApart)) child.remove();
  let isDone = true;
  let previous = null;
  for (const child of wanted) {
    const old = document.getElementById(child.id);
    if (old) isDone = replace(old, child) && isDone;
    else add(list, child);
    const placed = document.getElementById(child.id);
    const next = previous ? previous.nextElementSibling : list.firstElementChild;
    if (isExact && placed !== next) list.insertBefore(placed, next);
    previous = placed;
  }
  return isDone;
}

function add(list, child) {
  put(child, () => list.append(child));
  child.classList.add("new");
  if (!("news" in child.dataset)) return;
  const sender = child.querySelector(".peer")?.textContent ?? "";
  document.getElementById("news").textContent = `New message. ${sender}`;
}

// Takes over what a page of the server says. False if some of it has to wait.
function take(html, isExact) {
  const page = new DOMParser().parseFromString(html, "text/html");
  let isDone = true;
  for (const part of document.querySelectorAll("[data-part]")) {
    const fresh = page.getElementById(part.id);
    const lists = [part, fresh].map((whole) => whole?.querySelector("[data-list]"));
    if (lists[0] && lists[1]) isDone = reconcile(...lists, true) && isDone;
    else if (fresh) isDone = replace(part, fresh) && isDone;
  }
  const [messages, fresh] = [document, page].map((whole) => whole.getElementById("messages"));
  if (messages && fresh && !("still" in messages.dataset)) isDone = reconcile(messages, fresh, isExact) && isDone;
  return isDone;
}

// Reads the page again, not more often than a person can see.
let [isReading, isStale, hasGap] = [false, false, false];
async function refresh() {
  isStale = true;
  if (isReading) return;
  isReading = true;
  while (isStale && !document.hidden) {
    const isExact = hasGap;
    [isStale, hasGap] = [false, false];
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.ok && !take(await answer.text(), isExact)) setTimeout(refresh, AGAIN_MS);
    } catch {
      // The server is away: the stream says when it is back.
    }
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
  }
  isReading = false;
}
document.addEventListener("visibilitychange", () => isStale && refresh());

function show(isLive) {
  const live = document.getElementById("live");
  live.hidden = false;
  live.classList.toggle("on", isLive);
  const words = isLive ? "Live" : "Not connected, trying again";
  if (live.textContent !== words) live.textContent = words;
}

// The digits of the phone that this page is about.
const own = location.pathname.match(/^\/dev\/(?:\+|%2B|00)?(\d+)/i)?.[1];

function hear({ kind, isLive, number }) {
  if (kind === "state") return show(isLive);
  if (kind === "gap") hasGap = true;
  if (kind === "change" && own && number.replace("+", "") !== own) return;
  if (kind === "gap" || kind === "change") refresh();
}

// One page of the browser has the stream and tells the others. When it is closed, another one takes over.
const channel = "BroadcastChannel" in window ? new BroadcastChannel("smsfactory-phones") : null;
channel?.addEventListener("message", ({ data }) => hear(data));

function tell(news) {
  channel?.postMessage(news);
  hear(news);
}

function lead() {
  let isLive = false;
  const state = (now) => tell({ kind: "state", isLive: (isLive = now) });
  channel?.addEventListener("message", ({ data }) => data.kind === "who" && state(isLive));
  const open = () => {
    const stream = new EventSource("/dev/phones/events");
    stream.addEventListener("open", () => (state(true), tell({ kind: "gap" })));
    stream.addEventListener("gap", () => tell({ kind: "gap" }));
    stream.addEventListener("change", ({ data }) => tell({ kind: "change", number: JSON.parse(data).number }));
    stream.addEventListener("error", () => {
      state(false);
      // The browser tries again by itself, unless the server has refused.
      if (stream.readyState === EventSource.CLOSED) setTimeout(open, AGAIN_MS);
    });
  };
  open();
  // The lock is kept for as long as the page is there.
  return new Promise(() => {});
}

for (const part of document.querySelectorAll("[data-part], [data-list] > *")) sent.set(part, part.outerHTML);
localize(document);
show(false);
channel?.postMessage({ kind: "who" });
if (channel && navigator.locks) navigator.locks.request("smsfactory-phones", lead);
else lead();

// Sends a form without leaving the page, so that what is open stays open. Where it is refused, the page says why.
function problem(words) {
  const box = document.createElement("div");
  box.id = box.className = "problem";
  box.setAttribute("role", "alert");
  box.textContent = words;
  return box;
}

async function send(form, submitter) {
  let refused;
  try {
    const fields = new URLSearchParams(new FormData(form, submitter));
    const answer = await fetch(form.action, { method: "POST", body: fields });
    const html = await answer.text();
    if (answer.ok) {
      if (form.id === "reply") form.elements.text.value = "";
      if (!own || !document.querySelector("[data-still]")) take(html, false);
    } else {
      const page = new DOMParser().parseFromString(html, "text/html");
      refused = page.getElementById("problem") ?? problem(`The server answers ${answer.status}.`);
    }
  } catch {
    refused = problem("The server does not answer. Nothing is lost: send it again.");
  }
  document.getElementById("problem")?.remove();
  if (refused) document.getElementById("content").querySelector(".hand").prepend(refused);
}

document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  event.preventDefault();
  send(event.target, event.submitter);
});

const text = document.getElementById("text");
if (text) {
  document.getElementById("keys").hidden = false;
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    text.form.requestSubmit();
  });
}
