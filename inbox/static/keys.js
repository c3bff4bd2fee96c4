"use strict";
// The keyboard: single letters, never while something is being written.

const keysDialog = document.getElementById("keys");
let afterG = false;

function rows() {
  return [...document.querySelectorAll(".queue a.open")];
}

function step(by) {
  const links = rows();
  if (links.length) {
    const here = links.findIndex((link) => link === document.activeElement);
    const next = here < 0 ? (by > 0 ? 0 : links.length - 1) : here + by;
    links[Math.max(0, Math.min(links.length - 1, next))].focus();
    return;
  }
  if (!document.getElementById("conversation")) return;
  const order = JSON.parse(sessionStorage.getItem("queue:order") || "[]");
  const next = order[order.indexOf(location.pathname) + by];
  if (next && order.includes(location.pathname)) location.assign(next);
}

function openPart(id, focus) {
  const part = document.getElementById(id);
  if (!part) return;
  part.open = true;
  (document.getElementById(focus) || part.querySelector("select, input, button"))?.focus();
}

function claimHere() {
  const row = document.activeElement?.closest(".waiting");
  (row ? row.querySelector("[data-claim]") : document.getElementById("claim"))?.click();
}

function toSearch() {
  const box = document.getElementById("quick") || document.getElementById("q");
  if (box) box.focus();
  else document.getElementById("place-search")?.click();
}

const ACTS = {
  j: () => step(1),
  k: () => step(-1),
  c: claimHere,
  r: () => { if (composerForm) chooseMode("reply", true); },
  n: () => { if (composerForm) chooseMode("note", true); },
  e: () => openPart("handing-back", "outcome"),
  s: () => openPart("snoozing"),
  a: () => { if (composerForm) { chooseMode("reply", false); openPart("canned", "canned-find"); } },
  "/": toSearch,
  "?": () => keysDialog.showModal(),
};
const PLACES = { q: "place-queue", d: "place-day", a: "place-answers" };

document.addEventListener("keydown", (press) => {
  if (press.ctrlKey || press.metaKey || press.altKey || press.defaultPrevented) return;
  if (press.key === "Escape") {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
    if (press.target.matches("textarea, input")) press.target.blur();
    return;
  }
  if (!keysDialog || keysDialog.open || press.target.matches("input, textarea, select, [contenteditable]")) return;
  if (afterG && PLACES[press.key]) {
    afterG = false;
    document.getElementById(PLACES[press.key])?.click();
    return;
  }
  afterG = press.key === "g";
  const act = ACTS[press.key];
  if (!act) return;
  press.preventDefault();
  act();
});
document.getElementById("show-keys")?.addEventListener("click", () => keysDialog?.showModal());
