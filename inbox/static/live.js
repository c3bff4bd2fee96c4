"use strict";
// Asks the server again and again whether anything changed. Pages work without it.

const EVERY_MS = 800;
const HIDDEN_MS = 4000;
const SLOW_MS = 8000;

const trouble = document.getElementById("trouble");

function say(words) {
  if (trouble.textContent !== words) trouble.textContent = words;
  trouble.hidden = !words;
}

function saidAs(sentence, value) {
  return sentence.replace("{n}", value);
}

async function follow(element, apply, every = EVERY_MS) {
  let wait = document.hidden ? HIDDEN_MS : every;
  try {
    const address = new URL(element.dataset.live, location.href);
    address.searchParams.set("version", element.dataset.version || "");
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    const news = await answer.json();
    if (answer.status === 401) {
      say(news.error.message);
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    say("");
    if (news.bell) ring(news.bell);
    if (news.version !== element.dataset.version) {
      apply(news);
      element.dataset.version = news.version;
    }
  } catch (_away) {
    say(document.body.dataset.lost);
    wait = SLOW_MS;
  }
  setTimeout(follow, wait, element, apply, every);
}

function replaceKeepingFocus(element, html) {
  const focused = element.contains(document.activeElement) ? document.activeElement.id : "";
  element.innerHTML = html;
  const again = focused && document.getElementById(focused);
  if (again) again.focus();
}
