// Everything here is comfort: each page works without it.

const liveColumns = ["At", "Status", "From", "To", "Carrier", "Type", "Segments", "Account"];

const typing = (target) => target.closest?.("input, textarea, select, [contenteditable]");

// Parts that follow what happens: fetched again and put in place, unless the page is hidden or in use.
function follow(part) {
  const every = Number(part.dataset.refresh) * 1000;
  const timer = setInterval(async () => {
    const current = document.getElementById(part.id);
    if (!current?.dataset.refresh) return clearInterval(timer);
    if (document.hidden || document.querySelector("dialog[open]") || current.contains(document.activeElement)) return;
    if (!getSelection().isCollapsed || current.querySelector("details[open]")) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.redirected) return location.reload();
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(part.id);
      if (fresh) current.replaceWith(fresh);
    } catch {
      // The server is away for a moment: the next round tries again.
    }
  }, every);
}
document.querySelectorAll("[data-refresh][id]").forEach(follow);

// Messages as they happen. One tab of the browser holds the connection and gives the others what comes.
const live = document.querySelector("#live[data-events]");
if (live && navigator.locks && window.BroadcastChannel) watch(live);

function watch(live) {
  const rowsMax = 200;
  // More in a second than a person reads, a few at a time: each draw is short, and a key does not wait for it.
  const rowsAtOnce = 10;
  const drawEveryMs = 250;
  // The server tells the first lines of each second at once. They are drawn over the second.
  const waitingMax = 40;
  const wanted = new URLSearchParams(location.search);
  const channel = new BroadcastChannel("smsfactory-live");
  const [state, counts] = ["[data-state]", "[data-counts]"].map((name) => live.querySelector(name));
  const pause = live.querySelector("[data-pause]");
  const body = tableOf(live.querySelector("[data-lines]"));
  const waiting = [];
  let drawing = null;
  let isPaused = false;
  let leftOut = 0;
  let passed = 0;
  let notice = "Waiting for the connection.";

  const matches = (line) =>
    [["accountId", line.accountId], ["carrier", line.carrier], ["status", line.status]].every(
      ([name, value]) => !wanted.get(name) || wanted.get(name).trim() === value,
    ) &&
    (!wanted.get("number") || [line.from, line.to].includes(wanted.get("number").trim()));

  const take = ({ lines, missed, node, isOpen }) => {
    if (!isOpen) notice = "The connection is gone; it comes back by itself.";
    else notice = `Live from node ${node}.`;
    const found = lines.filter(matches);
    if (isPaused) {
      passed += found.length + missed;
      return tell();
    }
    waiting.push(...found);
    leftOut += missed + waiting.splice(0, Math.max(0, waiting.length - waitingMax)).length;
    if (drawing === null) draw();
    tell();
  };
  const draw = () => {
    waiting.splice(0, rowsAtOnce).forEach((line) => body.prepend(rowOf(line)));
    while (body.rows.length > rowsMax) body.lastElementChild.remove();
    drawing = waiting.length > 0 ? setTimeout(draw, drawEveryMs) : null;
  };
  const tell = () => {
    const said = isPaused ? `${notice} Paused.` : notice;
    // Screen readers say what changes here, and the counts, which are beside it, change all the time.
    if (state.textContent !== said) state.textContent = said;
    const unseen = passed > 0 ? `Lines that passed in pauses: ${passed}. ` : "";
    const missed = leftOut > 0 ? `${leftOut} lines are left out, because they come faster than they can be read.` : "";
    counts.textContent = unseen + missed;
  };
  pause.hidden = false;
  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    passed += waiting.splice(0).length;
    pause.setAttribute("aria-pressed", String(isPaused));
    pause.textContent = isPaused ? "Go on" : "Pause";
    tell();
  });
  channel.addEventListener("message", (event) => take(event.data));
  navigator.locks.request("smsfactory-live", () => hold(live.dataset.events, (batch) => {
    channel.postMessage(batch);
    take(batch);
  }));
  tell();
}

// Holds the connection until the tab is closed, and gives out what came four times a second.
function hold(address, give) {
  const linesMax = 400;
  let source;
  let batch = { lines: [], missed: 0 };
  let node = "";
  const open = () => {
    source = new EventSource(address);
    source.addEventListener("node", (event) => (node = JSON.parse(event.data).name));
    source.addEventListener("gap", (event) => (batch.missed += JSON.parse(event.data).leftOut));
    source.addEventListener("message", (event) => {
      batch.lines.push(JSON.parse(event.data));
      if (batch.lines.length > linesMax) {
        batch.lines.shift();
        batch.missed += 1;
      }
    });
    // The browser tries again by itself, unless the server has refused.
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) setTimeout(open, 2000);
    });
  };
  open();
  let wasOpen = null;
  setInterval(() => {
    const isOpen = source.readyState === EventSource.OPEN;
    if (batch.lines.length === 0 && batch.missed === 0 && isOpen === wasOpen) return;
    wasOpen = isOpen;
    give({ ...batch, node, isOpen });
    batch = { lines: [], missed: 0 };
  }, 250);
  return new Promise(() => {});
}

// A table whose rows are grids: browsers neither lay out nor paint those that are out of sight. With another layout
// they forget the roles of a table, so that these are said again.
function tableOf(place) {
  const table = document.createElement("table");
  table.className = "live";
  table.setAttribute("role", "table");
  table.setAttribute("aria-label", "Messages as they happen");
  const head = table.createTHead();
  head.setAttribute("role", "rowgroup");
  const names = head.insertRow();
  names.setAttribute("role", "row");
  for (const name of liveColumns) {
    const cell = document.createElement("th");
    cell.setAttribute("role", "columnheader");
    cell.scope = "col";
    cell.textContent = name;
    names.append(cell);
  }
  place.prepend(table);
  const body = table.createTBody();
  body.setAttribute("role", "rowgroup");
  return body;
}

function rowOf(line) {
  const row = document.createElement("tr");
  row.setAttribute("role", "row");
  const link = (path, id, text) => {
    const shown = document.createElement("a");
    shown.href = `${path}/${encodeURIComponent(id)}`;
    shown.textContent = text;
    if (id === text) shown.className = "id";
    return shown;
  };
  const isolated = (text) => {
    const shown = document.createElement("bdi");
    shown.className = "short";
    shown.textContent = text ?? "";
    return shown;
  };
  const tones = { delivered: "good", failed: "bad", undelivered: "bad" };
  const chip = document.createElement("span");
  chip.className = `chip ${tones[line.status] ?? "busy"}`;
  chip.textContent = line.status;
  const cells = [
    link("/console/messages", line.messageId, new Date(line.at).toLocaleTimeString()),
    chip,
    isolated(line.from),
    isolated(line.to),
    isolated(line.carrier),
    line.type,
    String(line.segments),
    link("/console/accounts", line.accountId, line.accountId),
  ];
  cells.forEach((content, index) => {
    const cell = row.insertCell();
    cell.setAttribute("role", "cell");
    cell.dataset.label = liveColumns[index];
    cell.append(content);
  });
  return row;
}

// The page of an act, in a dialog.
function dialog(title) {
  const box = document.createElement("dialog");
  const heading = document.createElement("h2");
  heading.textContent = title;
  heading.id = "dialog-title";
  box.setAttribute("aria-labelledby", heading.id);
  box.append(heading);
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  return box;
}

document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (link && event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    try {
      const answer = await fetch(link.href);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const asked = page.querySelector(".ask");
      if (!answer.ok || !asked) throw new Error("no form");
      // The second half of a double click.
      if (document.querySelector("dialog[open]")) return;
      const box = dialog(link.textContent);
      box.append(asked);
      box.showModal();
    } catch {
      location.assign(link.href);
    }
    return;
  }
  const cancel = event.target.closest("dialog a[data-cancel]");
  if (cancel) {
    event.preventDefault();
    cancel.closest("dialog").close();
  }
});

// A form is sent once: a second click does nothing while the answer is on its way. If none comes, as after a click on
// the browser's button to stop, the form can be sent again.
const answerWithinMs = 10_000;

function setSent(form, isSent) {
  form.toggleAttribute("data-sent", isSent);
  for (const button of form.querySelectorAll("button[type=submit]")) {
    if (isSent) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.getAttribute("method") !== "post") return;
  if (form.hasAttribute("data-sent")) return event.preventDefault();
  setSent(form, true);
  setTimeout(() => setSent(form, false), answerWithinMs);
});

// The page comes back as the browser has kept it.
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => setSent(form, false)));

// Keys: `g` and a letter goes to a part, `/` to the search, `?` shows them.
let isGoing = false;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  if (isGoing) {
    isGoing = false;
    const link = document.querySelector(`a[data-key="${CSS.escape(event.key)}"]`);
    if (link) location.assign(link.href);
    return;
  }
  if (event.key === "g") {
    isGoing = true;
    setTimeout(() => (isGoing = false), 1500);
  } else if (event.key === "/") {
    const field = document.querySelector("[data-search]") ?? document.querySelector(".filters input");
    if (field) {
      event.preventDefault();
      field.focus();
    }
  } else if (event.key === "?") {
    showKeys();
  }
});

function showKeys() {
  const box = dialog("Keyboard shortcuts");
  const list = document.createElement("dl");
  list.className = "keys";
  const rows = [...document.querySelectorAll("a[data-key]")].map((link) => [["g", link.dataset.key], link.textContent]);
  rows.push([["/"], "Search"], [["?"], "These shortcuts"], [["Esc"], "Close"]);
  for (const [keys, meaning] of rows) {
    const [term, description] = [document.createElement("dt"), document.createElement("dd")];
    for (const key of keys) {
      const shown = document.createElement("kbd");
      shown.textContent = key;
      term.append(shown, " ");
    }
    description.textContent = meaning;
    list.append(term, description);
  }
  const close = document.createElement("button");
  close.textContent = "Close";
  close.addEventListener("click", () => box.close());
  box.append(list, close);
  box.showModal();
}
