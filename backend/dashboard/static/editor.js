// The editor of a table's document. Without this script its buttons do the same; with it, faults show while one types, examples
// are inserted, and what was typed is kept in the tab until it is saved.

const VALIDATE_AFTER_MS = 400, AGAIN_AFTER_MS = 2000, LONGEST_MS = 60000;
const form = document.getElementById("editor"), text = document.getElementById("document");
const gutter = document.getElementById("gutter"), faults = document.getElementById("faults"), state = document.getElementById("state");
const draftName = `draft\n${form.getAttribute("action")}\n${form.dataset.person}`;
const stored = "posted" in form.dataset ? null : text.defaultValue;
let timer = null, isRunning = false, isWanted = false, isStuck = false;

// Line numbers, with a mark where a fault stands.
function number() {
  const lines = text.value.split("\n").length;
  const bad = new Set([...faults.querySelectorAll("[data-line]")].map((each) => Number(each.dataset.line)));
  const parts = [];
  for (let line = 1; line <= lines; line++) {
    if (bad.has(line)) {
      const mark = document.createElement("b");
      mark.textContent = `✕ ${line}`;
      parts.push(mark, "\n");
    } else {
      parts.push(`${line}\n`);
    }
  }
  gutter.replaceChildren(...parts);
  text.rows = Math.max(20, lines + 1);
}

function say(words) { if (state.textContent !== words) state.textContent = words; }

// One validation at a time: the server does not learn that nobody waits for one any more.
async function validate() {
  isWanted = isRunning;
  if (isRunning) return;
  isRunning = isStuck = true;
  try {
    say(await validated());
  } catch {
    say("The service cannot be reached; your text stays here.");
  }
  isRunning = false;
  if (isWanted) validate();
}

// Shows the faults of the text; returns what the line beside the buttons says.
async function validated() {
  const options = { method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual" };
  const answer = await fetch(form.dataset.validate, { ...options, signal: AbortSignal.timeout(LONGEST_MS) });
  if (answer.type === "opaqueredirect") return "Your session is over. Sign in in another tab; your text stays here.";
  const found = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (answer.status === 403) return refused(found);
  if (answer.status === 429) {
    clearTimeout(timer);
    timer = setTimeout(validate, AGAIN_AFTER_MS);
    return "Other texts are being checked; this one follows.";
  }
  if (!answer.ok) return "The text could not be checked.";
  isStuck = false;
  faults.replaceChildren(...found.body.childNodes);
  number();
  const first = faults.querySelector("[data-line]");
  return first ? `${faults.querySelector("h2").textContent}, the first in line ${first.dataset.line}` : "No faults";
}

// After signing in again in another tab, the page has the token of a session that is over: the same person goes on with the new one.
function refused(found) {
  const person = found.querySelector(".who")?.textContent, token = found.querySelector("input[name=csrf]")?.value;
  if (!person || !token) return "The text could not be checked.";
  if (person !== form.dataset.person) return `You are signed in as ${person} now. Sign in as ${form.dataset.person}; your text stays here.`;
  if (token === form.elements.csrf.value) return "Your key may not change rules: it needs the scope configure. Your text stays here.";
  for (const each of document.querySelectorAll("input[name=csrf]")) each.value = token;
  isWanted = true;
  return "Your session has begun anew.";
}

function readDraft() {
  const kept = JSON.parse(sessionStorage.getItem(draftName) ?? "null");
  return kept && { text: kept.text, opened: Number(kept.opened) };
}

function keepDraft() {
  try {
    if (text.value === stored) sessionStorage.removeItem(draftName);
    else sessionStorage.setItem(draftName, JSON.stringify({ text: text.value, opened: form.elements.opened.value }));
  } catch { /* the tab keeps no more: the text is still on the page */ }
}

function changed() {
  number();
  keepDraft();
  clearTimeout(timer);
  timer = setTimeout(validate, VALIDATE_AFTER_MS);
}

function goTo(line) {
  const lines = text.value.split("\n");
  const begin = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  text.focus();
  text.setSelectionRange(begin, begin + (lines[line - 1] ?? "").length);
  const height = text.clientHeight / text.rows;
  window.scrollTo({ top: window.scrollY + text.getBoundingClientRect().top + (line - 1) * height - window.innerHeight / 3 });
}

// Replaces a part of the text such that the browser can undo it.
function replace(begin, end, words) {
  text.focus();
  text.setSelectionRange(begin, end);
  if (!document.execCommand("insertText", false, words)) {
    text.setRangeText(words, begin, end, "end");
    text.dispatchEvent(new Event("input"));
  }
}

// An example comes behind the rule of the cursor, or behind the last one, indented as the rules that stand there already.
function insert(example) {
  const lines = text.value.split("\n"), rules = lines.findIndex((line) => /^rules:/.test(line));
  const begin = (line) => lines.slice(0, line).reduce((sum, each) => sum + each.length + 1, 0);
  const item = lines.slice(rules + 1).find((line) => /^ *- /.test(line));
  const indent = item ? item.match(/^ */)[0] : "  ";
  const words = `${example.trimEnd().replace(/^ {2}/gm, indent)}\n`;
  if (rules < 0) {
    const end = text.value.length;
    replace(end, end, `${text.value.endsWith("\n") || end === 0 ? "" : "\n"}rules:\n${words}`);
  } else if (/^rules: *(\[\]|null)? *$/.test(lines[rules]) && !item) {
    replace(begin(rules), begin(rules) + lines[rules].length, `rules:\n${words.trimEnd()}`);
  } else {
    const cursor = text.value.slice(0, text.selectionEnd).split("\n").length - 1;
    let at = cursor > rules ? cursor + 1 : lines.length;
    while (at < lines.length && !lines[at].startsWith(`${indent}- `) && !/^[a-zA-Z]/.test(lines[at])) at++;
    while (lines[at - 1].trim() === "") at--;
    const place = Math.min(begin(at), text.value.length);
    replace(place, place, text.value[place - 1] === "\n" ? words : `\n${words}`);
  }
}

// Only saving ends a draft. The address says so once: what is typed after it is a draft of the saved version.
function forgetSaved() {
  const here = new URL(location.href), saved = Number(here.searchParams.get("saved"));
  if (!saved) return;
  if (readDraft()?.opened < saved) sessionStorage.removeItem(draftName);
  here.searchParams.delete("saved");
  history.replaceState(history.state, "", here);
}

function showDraft() {
  const draft = readDraft();
  if (stored === null) {  // the answer to a form: it has the newest text, and the version that saving it replaces
    keepDraft();
  } else if (draft?.text === stored) {
    sessionStorage.removeItem(draftName);
  } else if (draft) {
    text.value = draft.text;
    form.elements.opened.value = draft.opened;
    document.getElementById("draft").hidden = false;
    changed();
  } else if (text.value !== stored) {  // typed before this script was there
    changed();
  }
}

text.addEventListener("input", changed);
window.addEventListener("focus", () => { if (isStuck) validate(); });  // come back from signing in, say
faults.addEventListener("click", (event) => {
  const link = event.target.closest("[data-line]");
  if (!link) return;
  event.preventDefault();
  goTo(Number(link.dataset.line));
});
document.getElementById("forget").addEventListener("click", () => { sessionStorage.removeItem(draftName); location.assign(location.pathname + location.search); });
for (const button of document.querySelectorAll(".insert")) {
  button.hidden = false;
  button.addEventListener("click", () => insert(button.previousElementSibling.textContent));
}
const find = document.getElementById("find");
find.closest(".find").hidden = false;
find.addEventListener("input", () => {
  for (const entry of document.querySelectorAll(".entry")) entry.hidden = !entry.dataset.words.includes(find.value.trim().toLowerCase());
});
if (window.matchMedia("(max-width: 62rem)").matches) document.querySelector(".catalogue").open = false;
forgetSaved();
showDraft();
number();
