// Draws one message as a bubble. Text only ever enters the page as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") element.className = value;
    else if (name === "onclick") element.addEventListener("click", value);
    else if (value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

// WhatsApp's own marks: *bold*, _italic_, ~struck~, ```code```; and web addresses.
const MARKS = /```([^`]+)```|\*(\S(?:[^*\n]*\S)?)\*|(?<!\w)_(\S(?:[^_\n]*\S)?)_(?!\w)|~(\S(?:[^~\n]*\S)?)~|(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)])/gu;
const MARK_TAGS = ["code", "b", "i", "s"];

function formatted(text) {
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(MARKS)) {
    parts.push(text.slice(from, match.index));
    const kind = match.slice(1).findIndex((group) => group !== undefined);
    if (kind === 4) {
      const link = { href: match[5], target: "_blank", rel: "noopener noreferrer" };
      parts.push(make("a", link, match[5]));
    } else {
      const inner = kind === 0 ? [match[1]] : formatted(match[kind + 1]);
      parts.push(make(MARK_TAGS[kind], {}, ...inner));
    }
    from = match.index + match[0].length;
  }
  parts.push(text.slice(from));
  return parts;
}

export function words(text, className = "words") {
  return make("div", { class: className, dir: "auto" }, ...formatted(String(text ?? "")));
}

const hostOf = (link) => { try { return new URL(link).hostname; } catch { return "the web"; } };

function card(symbol, title, under, href) {
  const lines = make("div", {}, make("b", {}, title), make("span", {}, under));
  const inside = [icon(symbol), lines];
  return href
    ? make("a", { class: "card", href, target: "_blank", rel: "noopener" }, ...inside)
    : make("div", { class: "card" }, ...inside);
}

function voiceNote(source) {
  const audio = new Audio(source);
  audio.preload = "none";
  const button = make("button", { type: "button", "aria-label": "Play" }, icon("play"));
  const showing = (playing) => {
    button.replaceChildren(icon(playing ? "pause" : "play"));
    button.setAttribute("aria-label", playing ? "Pause" : "Play");
  };
  button.addEventListener("click", () => (audio.paused ? audio.play() : audio.pause()));
  audio.addEventListener("play", () => showing(true));
  for (const end of ["pause", "ended"]) audio.addEventListener(end, () => showing(false));
  const wave = make("div", { class: "wave", "aria-hidden": "true" });
  for (let bar = 0; bar < 34; bar += 1) wave.append(make("i"));
  return make("div", { class: "voice" }, button, wave);
}

function media(kind, part) {
  const source = part.id ? `/phone/media/${encodeURIComponent(part.id)}` : null;
  const words_ = part.caption ? [words(part.caption)] : [];
  // A file by link stays where it is: this page loads nothing from elsewhere.
  if (!source && kind !== "document") {
    return [card("photo", kind === "audio" ? "Sound" : kind === "video" ? "Video" : "Photo", `on ${hostOf(part.link)}`, part.link), ...words_];
  }
  if (kind === "image" || kind === "sticker") {
    const alt = part.caption || (kind === "sticker" ? "Sticker" : "Photo");
    return [make("img", { class: "picture", src: source, alt }), ...words_];
  }
  if (kind === "audio") return [voiceNote(source)];
  if (kind === "video") {
    const attributes = { class: "picture", src: source, controls: "", preload: "metadata", "aria-label": "Video" };
    return [make("video", attributes), ...words_];
  }
  const name = part.filename || "Document";
  const form = (name.includes(".") ? name.split(".").pop() : "file").toUpperCase();
  return [card("file", name, source ? form : `${form} on ${hostOf(part.link)}`, source || part.link), ...words_];
}

function location_(place) {
  const parts = [make("div", { class: "map", role: "img", "aria-label": "Map with a pin" }, icon("pin"))];
  const name = place.name || "Location";
  const under = place.address || `${Number(place.latitude).toFixed(4)}, ${Number(place.longitude).toFixed(4)}`;
  parts.push(make("div", { class: "place", dir: "auto" }, make("b", {}, name), make("span", {}, under)));
  return parts;
}

function people(cards) {
  return (cards || []).map((one) => {
    const name = one.name?.formatted_name || "Contact";
    const avatar = make("span", { class: "avatar", "aria-hidden": "true" }, icon("person"));
    const lines = make("div", {}, make("b", {}, name), make("span", {}, one.phones?.[0]?.phone || "no number"));
    return make("div", { class: "card" }, avatar, lines);
  });
}

function header(part) {
  if (!part) return [];
  if (part.text) return [make("div", { class: "head", dir: "auto" }, part.text)];
  for (const kind of ["image", "video", "document"]) if (part[kind]) return media(kind, part[kind]);
  return part.location ? location_(part.location) : [];
}

function tap(label, symbol, onclick) {
  return make("button", { type: "button", class: "tap", onclick }, icon(symbol), make("span", { dir: "auto" }, label));
}

function linkTap(label, url, symbol = "open") {
  const attributes = { class: "tap", href: url, target: "_blank", rel: "noopener noreferrer" };
  return make("a", attributes, icon(symbol), make("span", { dir: "auto" }, label));
}

// [what is in the bubble, what can be tapped below it]
function interactive(part, wamid, acts) {
  const inside = [...header(part.header), words(part.body?.text)];
  if (part.footer?.text) inside.push(words(part.footer.text, "foot"));
  const taps = [];
  if (part.type === "button") {
    for (const { reply } of part.action.buttons) {
      taps.push(tap(reply.title, "reply", () => acts.say({ tap: reply, reply_to: wamid })));
    }
  } else if (part.type === "list") {
    taps.push(tap(part.action.button, "list", () => acts.openList(part.action, wamid)));
  } else if (part.type === "cta_url") {
    taps.push(linkTap(part.action.parameters.display_text, part.action.parameters.url));
  } else if (part.type === "location_request_message") {
    taps.push(tap("Send location", "pin", () => acts.location()));
  }
  return [inside, taps];
}

function template(shown, wamid, acts) {
  const inside = [...header(shown.header), words(shown.body)];
  if (shown.footer) inside.push(words(shown.footer, "foot"));
  const taps = shown.buttons.map((button) => {
    if (button.type === "QUICK_REPLY") {
      const reply = { payload: button.payload, text: button.text };
      return tap(button.text, "reply", () => acts.say({ template_tap: reply, reply_to: wamid }));
    }
    if (button.type === "URL") return linkTap(button.text, button.url);
    if (button.type === "PHONE_NUMBER") return linkTap(button.text, `tel:${button.phone}`, "call");
    return tap(button.text, "open", () => acts.say({ text: button.text }));
  });
  return [inside, taps];
}

// What a message says in one line, for quotes and the list of patients.
export function summary(message) {
  const content = message.content;
  const kind = content.type || "text";
  if (message.shown) return message.shown.body;
  if (kind === "text") return content.text?.body ?? "";
  if (kind === "interactive") {
    const part = content.interactive;
    return part.body?.text ?? part.button_reply?.title ?? part.list_reply?.title ?? "Form";
  }
  if (kind === "button") return content.button.text;
  const names = { image: "Photo", video: "Video", audio: "Voice note", document: "Document", sticker: "Sticker", location: "Location", contacts: "Contact" };
  return content[kind]?.caption || names[kind] || kind;
}

function contentOf(message, acts) {
  const { content, shown, wamid } = message;
  const kind = content.type || "text";
  if (shown) return template(shown, wamid, acts);
  if (kind === "text") return [[words(content.text?.body)], []];
  if (kind === "interactive" && content.interactive.action) return interactive(content.interactive, wamid, acts);
  if (kind === "location") return [location_(content.location), []];
  if (kind === "contacts") return [people(content.contacts), []];
  if (["image", "video", "audio", "document", "sticker"].includes(kind)) return [media(kind, content[kind]), []];
  return [[words(summary(message))], []];
}

const TICKS = {
  pending: ["wait", "Waiting"], accepted: ["wait", "Accepted"], sent: ["one", "Sent"],
  delivered: ["two", "Delivered"], read: ["two", "Read"], played: ["two", "Played"], failed: ["fail", "Not delivered"],
};

function meta(message) {
  const time = new Date(message.at * 1000).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
  const [symbol, label] = TICKS[message.status] || TICKS.pending;
  const tick = make("span", { class: `tick-${message.status}`, role: "img", "aria-label": label, title: label }, icon(symbol));
  return make("div", { class: "meta" }, make("time", {}, time), tick);
}

const EMOJI = ["👍", "❤️", "🙏", "😊", "😮"];

function reactButton(message, acts) {
  const button = make("button", { type: "button", class: "react", "aria-label": "React", "aria-expanded": "false" }, icon("smile"));
  button.addEventListener("click", () => {
    const row = button.parentElement;
    const open = row.querySelector(".emoji-bar");
    button.setAttribute("aria-expanded", String(!open));
    if (open) return open.remove();
    const bar = make("div", { class: "emoji-bar" });
    const remove = row.querySelector(".reaction")?.dataset.mine;
    for (const emoji of EMOJI) {
      const send = () => {
        bar.remove();
        acts.say({ reaction: { message_id: message.wamid, emoji: emoji === remove ? "" : emoji } });
      };
      bar.append(make("button", { type: "button", "aria-label": `React with ${emoji}`, onclick: send }, emoji));
    }
    return row.append(bar);
  });
  return button;
}

// `find` gives an earlier message by its wamid; `acts` is what the patient can do with this one.
export function draw(message, turn, find, acts) {
  const [inside, taps] = contentOf(message, acts);
  const quoted = find(message.content.context?.id || message.content.context?.message_id);
  const kind = message.content.type || "text";
  const mine = message.direction === "in";
  const reactions = Object.values(message.reactions).filter(Boolean);
  const classes = ["row", message.direction, turn ? "turn" : "", kind === "sticker" ? "sticker" : "", reactions.length ? "reacted" : ""];
  const bubble = make("div", { class: "bubble" },
    make("span", { class: "visually-hidden" }, mine ? "You: " : "Clinic: "),
    quoted ? make("div", { class: "quote", dir: "auto" }, summary(quoted)) : null,
    ...inside, meta(message));
  if (reactions.length) bubble.append(make("span", { class: "reaction", "data-mine": message.reactions.in }, reactions.join(" ")));
  const row = make("div", { class: classes.filter(Boolean).join(" "), "data-wamid": message.wamid }, bubble);
  if (taps.length) row.append(make("div", { class: "taps" }, ...taps));
  if (!mine) row.append(reactButton(message, acts));
  return row;
}
