"use strict";
// Without this script every page works; with it, times are shown in the viewer's zone and pages renew themselves.

const SHORTEST_MS = 2000, LONGEST_MS = 30000;  // between two renewals; none takes longer than the second
const UNITS = [[31536000, "y"], [2592000, "mo"], [86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
let pause = SHORTEST_MS, etag = null, timer = 0, renewing = false;

function ago(seconds) {
  if (Math.abs(seconds) < 1) return "now";
  const [length, unit] = UNITS.find(([each]) => Math.abs(seconds) >= each);
  const words = `${Math.floor(Math.abs(seconds) / length)}\u202f${unit}`;
  return seconds > 0 ? `${words} ago` : `in ${words}`;
}

// As in formats.py, but in the viewer's zone.
function day(at) {
  const year = at.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" };
  return at.toLocaleDateString("en-US", { month: "short", day: "numeric", ...year });
}

function words(at) {
  const seconds = (Date.now() - at) / 1000;
  return seconds < 86400 ? ago(seconds) : `${ago(seconds)}, ${day(at)}`;
}

function clock(at) {
  const time = at.toLocaleTimeString("en-GB");
  return at.toDateString() === new Date().toDateString() ? time : `${day(at)}, ${time}`;
}

function showTimes(root) {
  for (const each of root.querySelectorAll("time")) {
    const at = new Date(each.dateTime);
    each.textContent = each.hasAttribute("data-clock") ? clock(at) : words(at);
    each.title = at.toLocaleString();
  }
}

// A button beside each command that is there to be copied.
function addCopying(root) {
  for (const command of root.querySelectorAll("pre[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet copy";
    button.textContent = "Copy";
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(command.textContent);
        button.textContent = "Copied";
      } catch {  // browsers give the clipboard to pages of HTTPS or this machine alone
        getSelection().selectAllChildren(command);
        button.textContent = "Selected: press Ctrl+C";
      }
    });
    command.before(button);
  }
}

const keyOf = (node) => (node.dataset ? node.dataset.key : undefined);

// Makes a node like another one. What is the same stays where it is, with its focus, what was typed or selected, and what is open.
function become(node, other) {
  if (node.nodeName !== other.nodeName) { node.replaceWith(other); return; }
  if (node.nodeType !== Node.ELEMENT_NODE) {
    if (node.data !== other.data) node.data = other.data;
    return;
  }
  if (node.isEqualNode(other) || node.hasAttribute("data-own")) return;  // its user's own: a form
  for (const { name } of [...node.attributes]) if (!other.hasAttribute(name) && name !== "open") node.removeAttribute(name);
  for (const { name, value } of [...other.attributes]) if (name !== "open" && node.getAttribute(name) !== value) node.setAttribute(name, value);
  const known = new Map([...node.children].filter(keyOf).map((each) => [keyOf(each), each]));
  let at = node.firstChild;
  for (const next of [...other.childNodes]) {
    const key = keyOf(next), same = key ? known.get(key) : at && !keyOf(at) && at.nodeName === next.nodeName ? at : null;
    if (!same) { node.insertBefore(next, at); continue; }
    if (same === at) at = at.nextSibling; else node.insertBefore(same, at);
    become(same, next);
  }
  while (at) { const rest = at; at = at.nextSibling; rest.remove(); }
}

// Rows that somebody reads keep their place in the window: most of them, if they move differently. At the top of a list nothing is corrected.
function keepingPlace(change) {
  const places = new Map();
  for (const row of document.querySelectorAll("[data-live] [data-key]")) {
    const { top, bottom } = row.getBoundingClientRect(), list = row.closest("[data-live]").getBoundingClientRect().top;
    if (bottom > 0 && top < innerHeight && list < 0) places.set(row, top);
  }
  change();
  const moves = [...places].filter(([row]) => row.isConnected).map(([row, top]) => row.getBoundingClientRect().top - top);
  if (moves.length) scrollBy(0, moves.sort((a, b) => a - b)[moves.length >> 1]);
}

const partsOf = (root) => [...root.querySelectorAll("[data-live]")];

// Takes over each part that is marked; the whole page if there are other parts now.
function takeOver(text) {
  const renewed = new DOMParser().parseFromString(text, "text/html"), focused = document.activeElement;
  showTimes(renewed);
  addCopying(renewed);
  let pairs = partsOf(document).map((part) => [part, renewed.getElementById(part.id)]);
  if (pairs.length !== partsOf(renewed).length || pairs.some(([, other]) => !other)) {
    pairs = [[document.getElementById("main"), renewed.getElementById("main")]];
  }
  pairs = pairs.filter(([part, other]) => !part.isEqualNode(other));
  keepingPlace(() => { for (const [part, other] of pairs) become(part, other); });
  if (focused.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
  document.title = renewed.title;
  return pairs.length > 0;
}

function show(id, is) { document.getElementById(id).hidden = !is; }

// Whether somebody has typed something that is not sent yet.
const isTyped = () => [...document.querySelectorAll("main input, main textarea")].some((each) => each.value !== each.defaultValue);

// What a part asks for (a board, a running check); else sooner after a change, and later while nothing changes.
function nextPause() {
  const wanted = partsOf(document).map((part) => Number(part.dataset.every)).filter(Boolean);
  return Math.min(pause, ...wanted);
}

// The pause until the next one; null if another page is opened.
async function renewal() {
  const address = document.getElementById("main").dataset.address || location.href;
  const headers = { "X-Renewal": "1", ...(etag && { "If-None-Match": etag }) };
  try {
    const answer = await fetch(address, { headers, redirect: "manual", signal: AbortSignal.timeout(LONGEST_MS) });
    const isOver = answer.type === "opaqueredirect";
    show("signed-out", isOver);
    if (isOver && !isTyped()) { location.replace(address); return null; }
    if (isOver) return LONGEST_MS;  // the login would lose what was typed; one can sign in in another tab
    const changed = answer.status === 200 && takeOver(await answer.text());
    if (answer.status === 200) etag = answer.headers.get("ETag");
    pause = changed ? SHORTEST_MS : Math.min(pause * 1.5, LONGEST_MS);
    show("offline", ![200, 304].includes(answer.status));
  } catch {
    pause = LONGEST_MS;
    show("offline", true);
  }
  return nextPause();
}

async function renew() {
  if (renewing || document.hidden) return;
  renewing = true;
  try {
    const next = await renewal();
    if (next !== null && partsOf(document).length) timer = setTimeout(renew, next);
  } finally {
    renewing = false;
  }
  showTimes(document);
}

showTimes(document);
addCopying(document);
document.querySelector(".logout")?.addEventListener("submit", () => sessionStorage.clear());  // drafts of the editor
if (partsOf(document).length) {
  document.addEventListener("visibilitychange", () => { pause = SHORTEST_MS; clearTimeout(timer); renew(); });
  timer = setTimeout(renew, nextPause());
}
