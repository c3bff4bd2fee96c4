"use strict";
// Somebody waits: a sound, the number in the title, and a notification without any name.

const QUIET_BELL_MS = 3000;
const SEEN = "bell:seen";
const SILENT = "bell:silent";

const bellButton = document.getElementById("bell");
const plainTitle = document.title.replace(/^\(\d+\) /, "");
let sounds = null;
let urgentBefore = null;

const isSilent = () => localStorage.getItem(SILENT) === "1";
const canAsk = () => "Notification" in window && Notification.permission === "default";

function showBell() {
  const words = isSilent() ? bellButton.dataset.off : bellButton.dataset.on;
  bellButton.setAttribute("aria-pressed", String(!isSilent()));
  bellButton.title = words;
}

function beep(times) {
  sounds = sounds || new AudioContext();
  sounds.resume().catch(() => {});
  for (let number = 0; number < times; number += 1) {
    const tone = sounds.createOscillator();
    const volume = sounds.createGain();
    const start = sounds.currentTime + number * 0.28;
    tone.frequency.value = number % 2 ? 660 : 880;
    volume.gain.setValueAtTime(0.0001, start);
    volume.gain.exponentialRampToValueAtTime(0.25, start + 0.03);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.24);
    tone.connect(volume).connect(sounds.destination);
    tone.start(start);
    tone.stop(start + 0.25);
  }
}

function notify(urgent) {
  if (!document.hidden || !("Notification" in window) || Notification.permission !== "granted") return;
  const words = urgent ? document.body.dataset.urgent : document.body.dataset.new;
  const shown = new Notification("Sandhi", { body: words, tag: "sandhi-queue", renotify: true });
  shown.onclick = () => { window.focus(); shown.close(); };
}

function ring(bell) {
  document.title = (bell.open ? `(${bell.open}) ` : "") + plainTitle;
  const seen = localStorage.getItem(SEEN);
  const isNew = seen !== null && bell.newest > Number(seen);
  const isUrgent = urgentBefore !== null && bell.urgent > urgentBefore;
  urgentBefore = bell.urgent;
  // the first page of a browser does not ring for what was there before it
  if (seen === null || bell.newest > Number(seen)) localStorage.setItem(SEEN, String(bell.newest));
  if (!isNew && !isUrgent) return;
  document.body.dataset.rang = isUrgent ? "urgent" : "new";
  if (!isSilent()) beep(isUrgent ? 4 : 2);
  notify(isUrgent);
}

if (bellButton) {
  showBell();
  bellButton.addEventListener("click", () => {
    if (!isSilent() && canAsk()) {
      Notification.requestPermission();
      beep(1);
      return;
    }
    localStorage.setItem(SILENT, isSilent() ? "0" : "1");
    showBell();
    if (!isSilent()) beep(1);
    if (!isSilent() && canAsk()) Notification.requestPermission();
  });
}
