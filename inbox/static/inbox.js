"use strict";
// Keeps the open page up to date, and an unsent draft where it is. The pages work without it.

const EVERY_MS = 2000;
const SLOW_MS = 10000;

const trouble = document.getElementById("trouble");

function say(words) {
  if (trouble.textContent !== words) trouble.textContent = words;
  trouble.hidden = !words;
}

async function follow(element, apply) {
  let wait = EVERY_MS;
  if (!document.hidden) {
    try {
      const address = new URL(element.dataset.live, location.href);
      address.searchParams.set("version", element.dataset.version);
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      const news = await answer.json();
      if (answer.status === 401) {
        say(news.error.message);
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      say("");
      if (news.version !== element.dataset.version) {
        apply(news);
        element.dataset.version = news.version;
      }
    } catch (_away) {
      say("The connection to the clinic's server is lost. Trying again.");
      wait = SLOW_MS;
    }
  }
  setTimeout(follow, wait, element, apply);
}

function replaceKeepingFocus(element, html) {
  const focused = element.contains(document.activeElement) ? document.activeElement.id : "";
  element.innerHTML = html;
  const again = focused && document.getElementById(focused);
  if (again) again.focus();
}

// Adds and replaces bubbles by id; what is already shown and older stays.
function mergeTranscript(list, html) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  let before = null;
  for (const item of [...fresh.content.children]) {
    let shown = document.getElementById(item.id);
    if (!shown) {
      if (before) before.after(item);
      else list.prepend(item);
      shown = item;
    } else if (shown.outerHTML !== item.outerHTML) {
      shown.replaceWith(item);
      shown = item;
    }
    before = shown;
  }
  if (list.children.length > 1) document.getElementById("nothing")?.remove();
}

function startQueue(queue) {
  follow(queue, (news) => {
    replaceKeepingFocus(queue, news.html);
    document.title = (news.counts.unclaimed ? `(${news.counts.unclaimed}) ` : "") + "Queue · Sandhi";
  });
}

function startConversation(conversation) {
  const scroll = document.getElementById("scroll");
  const toEnd = () => { scroll.scrollTop = scroll.scrollHeight; };
  toEnd();
  if (!conversation.dataset.live) return;
  follow(conversation, (news) => {
    const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
    mergeTranscript(document.getElementById("transcript"), news.transcript);
    updateSide(document.getElementById("side"), news.side);
    document.getElementById("window").innerHTML = news.window;
    allowReply(news.can_reply);
    if (atEnd) toEnd();
  });
}

function updateSide(side, html) {
  const chosen = side.querySelector("select")?.value;
  const opened = side.querySelector("details")?.open;
  replaceKeepingFocus(side, html);
  const select = side.querySelector("select");
  if (chosen && select) select.value = chosen;
  const details = side.querySelector("details");
  if (opened && details) details.open = true;
}

function allowReply(can) {
  const box = document.getElementById("text");
  box.readOnly = !can;
  // words that were written stay readable and can be copied
  box.disabled = !can && !box.value;
  document.getElementById("send").disabled = !can;
}

function startComposer(form) {
  const box = document.getElementById("text");
  const left = document.getElementById("left");
  const longest = Number(box.dataset.longest);
  const place = `draft:${form.dataset.contact}`;
  if ("justSent" in form.dataset) sessionStorage.removeItem(place);
  else if (!box.value) box.value = sessionStorage.getItem(place) || "";
  if (box.value && box.disabled) {
    box.disabled = false;
    box.readOnly = true;
  }
  const grow = () => {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight + 2, 240)}px`;
    const over = [...box.value].length - longest;
    left.textContent = over > 0 ? `${over} characters too many` : over > -300 ? `${-over} characters left` : "";
  };
  grow();
  box.addEventListener("input", () => {
    sessionStorage.setItem(place, box.value);
    grow();
  });
  box.addEventListener("keydown", (press) => {
    if (press.key === "Enter" && (press.ctrlKey || press.metaKey)) form.requestSubmit();
  });
  form.addEventListener("submit", () => { document.getElementById("send").disabled = true; });
  // coming back with the browser's own button must not leave a dead box
  addEventListener("pageshow", (shown) => { if (shown.persisted) location.reload(); });
}

const queue = document.getElementById("queue");
const conversation = document.getElementById("conversation");
const composer = document.getElementById("composer");
if (composer) startComposer(composer);
if (queue) startQueue(queue);
if (conversation) startConversation(conversation);
