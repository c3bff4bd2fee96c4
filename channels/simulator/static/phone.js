// The phone: who holds it, what was said, what the patient does next.
import { draw, make, summary } from "./bubbles.js";

const HINTS = ["book", "kal shaam slot milega?", "where do I park?", "ghutne mein dard hai", "अपॉइंटमेंट बदलना है"];
const $ = (id) => document.getElementById(id);
const chat = $("chat"), text = $("text"), sheet = $("sheet"), menu = $("attach-menu");

let patients = [];
let current = null;
let messages = new Map();
let revision = 0;
let typing = false;
let polling = null;

async function ask(path, options) {
  const answer = await fetch(path, options);
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.error || `The simulator answered ${answer.status}.`);
  return body;
}

const post = (path, body) => ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

function toast(words) {
  $("toast").textContent = words;
  $("toast").hidden = false;
  setTimeout(() => { $("toast").hidden = true; }, 4500);
}

// --- patients ---

const identity = () => ({ from: current.phone || undefined, bsuid: current.bsuid || undefined });
const tone = (key) => [...key].reduce((sum, char) => sum + char.charCodeAt(0), 0) % 6;
const initials = (name) => name.split(/\s+/).slice(0, 2).map((word) => [...word][0] || "").join("");

function showPatients() {
  const rows = patients.map((patient) => {
    const under = patient.last ? summary(patient.last) : patient.phone || "username, no number";
    const button = make("button", { type: "button", class: "patient", onclick: () => pick(patient) },
      make("span", { class: `avatar tone-${tone(patient.key)}`, "aria-hidden": "true" }, initials(patient.name)),
      make("span", { class: "patient-names" }, make("b", {}, patient.name), make("span", { dir: "auto" }, under)));
    button.setAttribute("aria-current", String(patient.key === current?.key));
    return make("li", {}, button);
  });
  $("patient-list").replaceChildren(...rows);
}

async function loadPatients() {
  const found = (await ask("/phone/contacts")).items;
  // Known rows keep their place; new ones come on top.
  const order = new Map(patients.map((patient, index) => [patient.key, index]));
  patients = found.sort((a, b) => (order.get(a.key) ?? -1) - (order.get(b.key) ?? -1));
  if (!$("patients").contains(document.activeElement)) showPatients();
}

function pick(patient) {
  current = patient;
  messages = new Map();
  revision = 0;
  typing = false;
  history.replaceState(null, "", `#${encodeURIComponent(patient.key)}`);
  $("whose").textContent = patient.name;
  $("whose").parentElement.title = `You hold the phone of ${patient.name}`;
  $("patients").classList.remove("open");
  showPatients();
  render();
  polling?.abort();
  poll(patient);
}

$("add-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target, error = form.querySelector(".form-error");
  error.hidden = true;
  try {
    const added = await post("/phone/contacts", { name: form.elements.name.value, phone: form.elements.phone.value });
    form.reset();
    form.parentElement.open = false;
    await loadPatients();
    pick(added);
  } catch (problem) {
    error.textContent = problem.message;
    error.hidden = false;
  }
});
$("open-patients").addEventListener("click", () => { $("patients").classList.add("open"); $("close-patients").focus(); });
$("close-patients").addEventListener("click", () => { $("patients").classList.remove("open"); $("open-patients").focus(); });

// --- the conversation ---

function dayOf(seconds) {
  const day = new Date(seconds * 1000), today = new Date();
  return day.toDateString() === today.toDateString() ? "Today" : day.toLocaleDateString([], { day: "numeric", month: "long", year: "numeric" });
}

function rows() {
  const drawn = [];
  let day = "", before = "";
  for (const message of messages.values()) {
    if (message.content.type === "reaction") continue;
    if (dayOf(message.at) !== day) {
      day = dayOf(message.at);
      drawn.push(make("div", { class: "day" }, day));
      before = "";
    }
    drawn.push(draw(message, message.direction !== before, (wamid) => messages.get(wamid), acts));
    before = message.direction;
  }
  if (!drawn.length) drawn.push(make("div", { class: "empty" }, `Say hello to ${document.body.dataset.business}. Write in English, हिन्दी or Hinglish.`));
  if (typing) {
    const dots = make("div", { class: "bubble", role: "img", "aria-label": "The clinic is typing" }, make("i"), make("i"), make("i"));
    drawn.push(make("div", { class: "row out turn typing" }, dots));
  }
  return drawn;
}

// Whether the reader is at the end, and so wants to stay there when something grows.
let atEnd = true;
chat.addEventListener("scroll", () => { atEnd = chat.scrollHeight - chat.scrollTop - chat.clientHeight < 140; });
chat.addEventListener("load", () => { if (atEnd) chat.scrollTop = chat.scrollHeight; }, true);

function render() {
  const stay = atEnd;
  chat.replaceChildren(...rows());
  $("presence").textContent = typing ? "typing…" : "Business account";
  if (stay) chat.scrollTop = chat.scrollHeight;
}

// A message's words never change, only its ticks and reactions: redrawing no more than those
// lets a voice note play on and keeps the focus where it is.
function patch(fresh) {
  const simple = fresh.every((message) => {
    const row = chat.querySelector(`[data-wamid="${CSS.escape(message.wamid)}"]`);
    if (!row) return false;
    const turn = row.classList.contains("turn");
    const redrawn = draw(message, turn, (wamid) => messages.get(wamid), acts);
    row.className = redrawn.className;
    row.querySelector(".meta").replaceWith(redrawn.querySelector(".meta"));
    row.querySelector(".reaction")?.remove();
    const reaction = redrawn.querySelector(".reaction");
    if (reaction) row.querySelector(".bubble").append(reaction);
    return true;
  });
  if (!simple) render();
}

async function poll(patient) {
  polling = new AbortController();
  const { signal } = polling;
  while (!signal.aborted && current === patient) {
    try {
      const query = new URLSearchParams({ contact: patient.key, after: revision, wait: revision ? 20 : 0, typing: typing ? 1 : 0 });
      const news = await ask(`/phone/updates?${query}`, { signal });
      if (signal.aborted) return;
      if (news.reset) messages = new Map();
      const first = revision === 0 || news.reset;
      revision = news.revision;
      for (const message of news.bubbles) messages.set(message.wamid, message);
      $("trouble").hidden = news.webhook.ok;
      if (typing !== news.typing || first) { typing = news.typing; render(); }
      else if (news.bubbles.length) patch(news.bubbles);
      if (first) { chat.scrollTop = chat.scrollHeight; atEnd = true; }
      if (news.bubbles.length) loadPatients().catch(() => {});
    } catch (problem) {
      if (signal.aborted) return;
      $("trouble").hidden = false;
      await new Promise((resolve) => setTimeout(resolve, 1500));
    }
  }
}

// --- what the patient does ---

async function say(order) {
  try {
    atEnd = true;
    await post("/phone/say", { ...identity(), ...order });
  } catch (problem) {
    toast(problem.message);
  }
}

let openedFrom = null;

function openList(action, wamid) {
  $("sheet-title").textContent = action.button;
  const parts = [];
  for (const section of action.sections) {
    if (section.title) parts.push(make("h4", { dir: "auto" }, section.title));
    for (const row of section.rows) {
      const choose = () => { sheet.close(); say({ list_tap: row, reply_to: wamid }); };
      const lines = make("span", { dir: "auto" }, make("b", {}, row.title), row.description ? make("small", {}, row.description) : null);
      parts.push(make("button", { type: "button", class: "choice", onclick: choose }, lines));
    }
  }
  $("sheet-rows").replaceChildren(...parts);
  // Not showModal(): the sheet belongs inside the phone, not at the bottom of the window.
  openedFrom = document.activeElement;
  sheet.show();
  $("scrim").hidden = false;
  for (const behind of BEHIND) behind.inert = true;
  sheet.querySelector(".choice").focus();
}

const BEHIND = [...document.querySelectorAll(".device > .bar, .device > .chat, .device > .chips, .device > .composer")];

sheet.addEventListener("close", () => {
  $("scrim").hidden = true;
  for (const behind of BEHIND) behind.inert = false;
  if (openedFrom?.isConnected) openedFrom.focus();
});
for (const id of ["sheet-close", "scrim"]) $(id).addEventListener("click", () => sheet.close());

const location_ = () => say({ location: { latitude: 18.5314, longitude: 73.8446, name: "Shivajinagar", address: "Shivajinagar, Pune 411005" } });
const acts = { say, openList, location: location_ };

const attachments = {
  photo: () => say({ media: { kind: "image", caption: text.value.trim() || undefined } }),
  voice: () => say({ media: { kind: "voice" } }),
  document: () => say({ media: { kind: "document" } }),
  sticker: () => say({ sticker: {} }),
  location: location_,
  contact: () => say({ contacts: [{ name: { formatted_name: "Sunita Verma", first_name: "Sunita" }, phones: [{ phone: "+91 90000 00190", type: "CELL" }] }] }),
  file: () => $("file").click(),
};

function showMenu(open) {
  menu.hidden = !open;
  $("attach").setAttribute("aria-expanded", String(open));
  if (open) menu.querySelector("button").focus();
}
$("attach").addEventListener("click", () => showMenu(menu.hidden));
menu.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  showMenu(false);
  attachments[button.dataset.act]();
});
document.addEventListener("click", (event) => { if (!event.target.closest("#attach, #attach-menu")) showMenu(false); });
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (!menu.hidden) { showMenu(false); $("attach").focus(); }
  if (sheet.open) sheet.close();
  $("patients").classList.remove("open");
});

$("file").addEventListener("change", async () => {
  const file = $("file").files[0];
  if (!file) return;
  const form = new FormData();
  for (const [name, value] of Object.entries(identity())) if (value) form.append(name, value);
  form.append("file", file);
  $("file").value = "";
  try { await ask("/phone/upload", { method: "POST", body: form }); } catch (problem) { toast(problem.message); }
});

function fit() {
  text.style.height = "auto";
  text.style.height = `${Math.min(text.scrollHeight, 118)}px`;
  const typed = text.value.trim() !== "";
  $("send-icon").setAttribute("href", typed ? "#i-send" : "#i-mic");
  $("send").setAttribute("aria-label", typed ? "Send" : "Send voice note");
}
text.addEventListener("input", fit);
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    if (text.value.trim()) $("composer").requestSubmit();
  }
});
$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const typed = text.value.trim();
  text.value = "";
  fit();
  if (typed) say({ text: typed });
  else attachments.voice();
});

for (const place of ["hints", "chips"]) {
  for (const hint of HINTS) {
    const write = () => { text.value = hint; fit(); text.focus(); };
    $(place).append(make("button", { type: "button", class: "hint", dir: "auto", onclick: write }, hint));
  }
}

await loadPatients();
const wanted = decodeURIComponent(location.hash.slice(1));
pick(patients.find((patient) => patient.key === wanted) || patients[0]);
setInterval(() => loadPatients().catch(() => {}), 5000);
