"use strict";
// Without this script every page works; with it, times are shown in the viewer's zone and pages renew themselves.

const SHORTEST_MS = 2000, LONGEST_MS = 30000;
const UNITS = [[31536000, "y"], [2592000, "mo"], [86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
let pause = SHORTEST_MS, etag = null;

function ago(seconds) {
  if (Math.abs(seconds) < 1) return "now";
  const [length, unit] = UNITS.find(([each]) => Math.abs(seconds) >= each);
  const words = `${Math.floor(Math.abs(seconds) / length)}\u202f${unit}`;
  return seconds > 0 ? `${words} ago` : `in ${words}`;
}

function showTimes(root) {
  for (const each of root.querySelectorAll("time")) {
    const at = new Date(each.dateTime);
    each.textContent = ago((Date.now() - at) / 1000);
    each.title = at.toLocaleString();
  }
}

// Takes over what has changed: each part that is marked, as a whole, and only if it differs. Focus and scrolling stay.
function takeOver(text) {
  const renewed = new DOMParser().parseFromString(text, "text/html");
  let changed = false, skipped = false;
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = renewed.getElementById(part.id);
    if (!other) continue;
    showTimes(other);
    if (other.innerHTML === part.innerHTML) continue;
    if (part.contains(document.activeElement)) { skipped = true; continue; }
    part.className = other.className;
    part.replaceChildren(...other.childNodes);
    changed = true;
  }
  document.title = renewed.title;
  return { changed, skipped };
}

function offline(is) { document.getElementById("offline").hidden = !is; }

async function renew() {
  if (!document.hidden) {
    try {
      const answer = await fetch(location.href, { headers: etag ? { "If-None-Match": etag } : {}, redirect: "manual" });
      if (answer.type === "opaqueredirect") { location.reload(); return; }  // the session is over: to the login
      if (answer.status === 200) {
        const { changed, skipped } = takeOver(await answer.text());
        etag = skipped ? null : answer.headers.get("ETag");  // what has the focus is taken over later
        pause = changed ? SHORTEST_MS : Math.min(pause * 1.5, LONGEST_MS);
      } else {
        pause = Math.min(pause * 1.5, LONGEST_MS);
      }
      offline(![200, 304].includes(answer.status));
    } catch {
      pause = LONGEST_MS;
      offline(true);
    }
    showTimes(document);
  }
  setTimeout(renew, pause);
}

document.addEventListener("visibilitychange", () => { pause = SHORTEST_MS; });
showTimes(document);
if (document.querySelector("[data-live]")) setTimeout(renew, pause);
