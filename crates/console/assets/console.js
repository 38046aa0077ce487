// Everything here is comfort: each page works without it.

const typing = (target) => target.closest?.("input, textarea, select, [contenteditable]");

// Parts that follow what happens: fetched again and put in place, unless the page is hidden or in use.
function follow(part) {
  const every = Number(part.dataset.refresh) * 1000;
  const timer = setInterval(async () => {
    const current = document.getElementById(part.id);
    if (!current?.dataset.refresh) return clearInterval(timer);
    if (document.hidden || document.querySelector("dialog[open]") || current.contains(document.activeElement)) return;
    if (!getSelection().isCollapsed) return;
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

// A secret to the clipboard, where the browser has one.
for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = "Copied";
  });
}
