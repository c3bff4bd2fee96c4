"use strict";
// Writing: drafts that outlive a reload, ready answers, files, sending later, private notes.

const composerForm = document.getElementById("composer");

function allowReply(can) {
  const box = document.getElementById("text");
  box.readOnly = !can;
  // words that were written stay readable and can be copied
  box.disabled = !can && !box.value;
  document.getElementById("send").disabled = !can;
  document.getElementById("file").disabled = !can;
}

// Drafts belong to whoever wrote them: another person in the same tab never sees one.
function keepDraft(box, name, gone) {
  const place = `draft:${document.body.dataset.me}:${name}`;
  if (gone) sessionStorage.removeItem(place);
  else if (!box.value) box.value = sessionStorage.getItem(place) || "";
  box.addEventListener("input", () => {
    if (box.value) sessionStorage.setItem(place, box.value);
    else sessionStorage.removeItem(place);
  });
}

function startReply(form) {
  const box = document.getElementById("text");
  const left = document.getElementById("left");
  const longest = Number(box.dataset.longest);
  keepDraft(box, `reply:${form.dataset.contact}`, "justSent" in form.dataset);
  if (box.value && box.disabled) {
    box.disabled = false;
    box.readOnly = true;
  }
  const grow = () => {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight + 2, 240)}px`;
    const over = [...box.value].length - longest;
    const gap = box.value.match(/\{[a-z_]+\}/);
    if (gap) left.textContent = `${form.dataset.gap} ${gap[0]}`;
    else if (over > 0) left.textContent = saidAs(form.dataset.over, over);
    else left.textContent = over > -300 ? saidAs(form.dataset.left, -over) : "";
  };
  grow();
  box.addEventListener("input", grow);
  form.addEventListener("submit", () => { document.getElementById("send").disabled = true; });
}

function sendOnCtrlEnter(box) {
  box.addEventListener("keydown", (press) => {
    if (press.key === "Enter" && (press.ctrlKey || press.metaKey)) {
      press.preventDefault();
      box.form.requestSubmit();
    }
  });
}

function startModes() {
  const modes = { reply: [composerForm, "text"], note: [document.getElementById("note-form"), "note"] };
  const templates = document.getElementById("templates");
  const choose = (wanted, focus) => {
    for (const [name, [form]] of Object.entries(modes)) {
      form.hidden = name !== wanted;
      document.getElementById(`mode-${name}`).setAttribute("aria-pressed", String(name === wanted));
    }
    if (templates) templates.hidden = wanted !== "reply";
    if (focus) document.getElementById(modes[wanted][1]).focus();
  };
  for (const name of Object.keys(modes)) {
    document.getElementById(`mode-${name}`).addEventListener("click", () => choose(name, true));
  }
  return choose;
}

function startFiles(form) {
  const file = document.getElementById("file");
  const canned = document.getElementById("canned-file");
  const chosen = document.getElementById("chosen");
  const show = (name) => {
    chosen.hidden = !name;
    document.getElementById("chosen-name").textContent = name;
  };
  file.addEventListener("change", () => {
    canned.disabled = true;
    const picked = file.files[0];
    if (picked && picked.size > Number(form.dataset.largest)) {
      file.value = "";
      show("");
      say(form.dataset.tooLarge);
      return;
    }
    show(picked ? picked.name : "");
  });
  document.getElementById("unchoose").addEventListener("click", () => {
    file.value = "";
    canned.disabled = true;
    show("");
    file.focus();
  });
  return (id, name) => {
    file.value = "";
    canned.value = id;
    canned.disabled = false;
    show(name);
  };
}

function insertWords(box, words) {
  const begins = box.value.trim() ? box.selectionStart : 0;
  box.setRangeText(words, begins, box.value.trim() ? box.selectionEnd : box.value.length, "end");
  const gap = box.value.match(/\{[a-z_]+\}/);
  if (gap) box.setSelectionRange(gap.index, gap.index + gap[0].length);
  box.dispatchEvent(new Event("input"));
  box.focus();
}

function startCanned(takeFile) {
  const menu = document.getElementById("canned");
  const find = document.getElementById("canned-find");
  const list = document.getElementById("canned-list");
  if (!list) return;
  menu.addEventListener("toggle", () => { if (menu.open) find.focus(); });
  find.addEventListener("input", () => {
    const wanted = find.value.trim().toLowerCase();
    for (const item of list.children) item.hidden = !item.textContent.toLowerCase().includes(wanted);
  });
  find.addEventListener("keydown", (press) => {
    if (press.key !== "Enter") return;
    press.preventDefault();
    list.querySelector("li:not([hidden]) button")?.click();
  });
  list.addEventListener("click", async (press) => {
    const button = press.target.closest("button");
    if (!button) return;
    const language = document.getElementById("canned-language").value;
    const answer = await fetch(`${button.dataset.canned}?language=${language}`);
    const news = await answer.json();
    if (!answer.ok) {
      say(news.error.message);
      return;
    }
    menu.open = false;
    insertWords(document.getElementById("text"), news.text);
    if (news.file) takeFile(news.file.id, news.file.name);
  });
}

function startLater(form) {
  const at = document.getElementById("at");
  const show = () => {
    document.getElementById("send").textContent = at.value ? `${form.dataset.later} ${at.value}` : form.dataset.send;
  };
  at.addEventListener("input", show);
  show();
  document.getElementById("at-once").addEventListener("click", () => {
    at.value = "";
    document.getElementById("later").open = false;
    show();
  });
}

let chooseMode = () => {};
if (composerForm) {
  const note = document.getElementById("note");
  startReply(composerForm);
  // gone only once it is kept: should keeping fail, the words are still here
  keepDraft(note, `note:${composerForm.dataset.contact}`, "justSent" in note.form.dataset);
  sendOnCtrlEnter(document.getElementById("text"));
  sendOnCtrlEnter(note);
  chooseMode = startModes();
  startCanned(startFiles(composerForm));
  startLater(composerForm);
  // coming back with the browser's own button must not leave a dead box
  addEventListener("pageshow", (shown) => { if (shown.persisted) location.reload(); });
}
