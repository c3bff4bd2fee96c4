"use strict";
// The queue and the conversation: what is live in them, and small helps of other pages.

const HREFS = "queue:order";

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
    } else if (shown.dataset.html !== item.outerHTML) {
      // a file that plays or was fetched is left alone unless its words changed
      const html = item.outerHTML;
      if (shown.outerHTML !== html) {
        shown.replaceWith(item);
        shown = item;
      }
      shown.dataset.html = html;
    }
    before = shown;
  }
  if (list.children.length > 1) document.getElementById("nothing")?.remove();
}

function rememberOrder(queue) {
  const order = [...queue.querySelectorAll("a.open")].map((link) => link.getAttribute("href"));
  sessionStorage.setItem(HREFS, JSON.stringify(order));
}

function startQueue(queue) {
  rememberOrder(queue);
  const current = queue.querySelector(".tabs [aria-current]");
  if (current) current.parentElement.scrollLeft = current.offsetLeft - 60;
  follow(queue, (news) => {
    const scrolled = queue.querySelector(".tabs").scrollLeft;
    replaceKeepingFocus(queue, news.html);
    queue.querySelector(".tabs").scrollLeft = scrolled;
    rememberOrder(queue);
  });
}

async function showEarlier(press) {
  const link = press.target.closest("#earlier");
  if (!link) return;
  press.preventDefault();
  link.setAttribute("aria-busy", "true");
  const answer = await fetch(link.href);
  if (!answer.ok) {
    location.assign(link.href);
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const list = document.getElementById("transcript");
  const scroll = document.getElementById("scroll");
  const fromEnd = scroll.scrollHeight - scroll.scrollTop;
  const earlier = [...page.getElementById("transcript").children];
  // a day that both parts have is said once, above the earlier
  for (const item of earlier) if (item.id.startsWith("day-")) document.getElementById(item.id)?.remove();
  list.prepend(...earlier);
  const more = page.getElementById("earlier");
  if (more) link.replaceWith(more);
  else document.getElementById("earlier-line").remove();
  scroll.scrollTop = scroll.scrollHeight - fromEnd;
}

function startConversation(conversation) {
  const scroll = document.getElementById("scroll");
  const toEnd = () => { scroll.scrollTop = scroll.scrollHeight; };
  const wanted = location.hash && document.getElementById(location.hash.slice(1));
  if (wanted && scroll.contains(wanted)) wanted.scrollIntoView({ block: "center" });
  else toEnd();
  let low = true;
  scroll.addEventListener("scroll", () => {
    low = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
  });
  // a picture takes its room only once it is there
  scroll.addEventListener("load", () => { if (low && !wanted) toEnd(); }, true);
  scroll.addEventListener("click", showEarlier);
  const card = document.getElementById("patient-card");
  if (card && matchMedia("(max-width: 900px)").matches) card.open = false;
  startOutcome();
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
  const chosen = [...side.querySelectorAll("select")].map((select) => [select.id, select.value]);
  const opened = [...side.querySelectorAll("details[open]")].map((details) => details.id);
  replaceKeepingFocus(side, html);
  for (const [id, value] of chosen) {
    const select = document.getElementById(id);
    if (select && value) select.value = value;
  }
  for (const id of opened) {
    const details = document.getElementById(id);
    if (details) details.open = true;
  }
  startOutcome();
}

// What the assistant should have understood is asked only where it should have.
function startOutcome() {
  const outcome = document.getElementById("outcome");
  const which = document.getElementById("which-intent");
  if (!outcome) return;
  const show = () => { which.hidden = outcome.value !== "bot_should_have_answered"; };
  show();
  outcome.addEventListener("change", show);
}

function startSearch(form) {
  const words = document.getElementById("q");
  const hits = document.getElementById("hits");
  form.addEventListener("submit", async (press) => {
    press.preventDefault();
    sessionStorage.setItem("search", words.value);
    const answer = await fetch(form.action, {
      method: "POST",
      body: new FormData(form),
      headers: { "X-Part": "hits" },
    });
    if (answer.ok && !answer.redirected) hits.innerHTML = await answer.text();
    else HTMLFormElement.prototype.submit.call(form);
  });
  const before = sessionStorage.getItem("search");
  if (before && !words.value && !hits.children.length) {
    words.value = before;
    form.requestSubmit();
  }
}

const queue = document.getElementById("queue");
const conversation = document.getElementById("conversation");
const search = document.getElementById("search");
if (queue) startQueue(queue);
if (conversation) startConversation(conversation);
if (search) startSearch(search);
if (document.body.dataset.bell && !queue && !conversation?.dataset.live) {
  const waiting = document.createElement("div");
  waiting.dataset.live = document.body.dataset.bell;
  waiting.dataset.version = "";
  follow(waiting, () => {}, QUIET_BELL_MS);
}
document.getElementById("print")?.addEventListener("click", () => window.print());
document.getElementById("date")?.addEventListener("change", (change) => change.target.form.requestSubmit());
for (const button of document.querySelectorAll("[data-ask]")) {
  button.addEventListener("click", (press) => { if (!confirm(button.dataset.ask)) press.preventDefault(); });
}
const present = document.querySelector(".sheet tr.now");
if (present) present.closest(".sheet-frame").scrollTop = present.offsetTop - 120;
const cancelling = document.getElementById("cancelling");
if (cancelling && location.hash === "#cancelling") cancelling.open = true;
// a menu closes when one goes elsewhere
document.addEventListener("click", (press) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(press.target)) menu.open = false;
  }
});
document.getElementById("sign-out")?.addEventListener("submit", () => sessionStorage.clear());
