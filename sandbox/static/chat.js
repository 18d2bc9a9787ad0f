// The conversation: tabs, messages with their threads, Home, and the line one types commands into.

import { announce, byId, h, keyed, roving } from "./dom.js";
import { blocks } from "./blocks.js";
import { mrkdwn } from "./mrkdwn.js";
import { clockTime, counted, prettyDay, shortMoment } from "./words.js";

// Conversations in the order of the page: the app's own first, then channels, then Home.
export function placesOf(screen) {
  const rooms = screen.conversations.filter((one) => one.kind !== "im").sort((a, b) => order(a.name) - order(b.name) || a.name.localeCompare(b.name));
  const direct = screen.conversations.filter((one) => one.kind === "im");
  return [
    ...direct.map((one) => ({ id: "app", label: one.name, conversation: one })),
    ...rooms.map((one) => ({ id: one.name, label: `#${one.name}`, conversation: one })),
    { id: "home", label: "Home", conversation: null },
  ];
}
const order = (name) => { const at = ["licences", "it-alerts", "renewals"].indexOf(name); return at < 0 ? 9 : at; };

export function drawTabs(parent, places, current, extra, go) {
  const list = [...places.map((one) => ({ id: one.id, label: one.label, unread: one.id === current ? 0 : one.conversation?.unread || 0 })), extra];
  if (!parent.firstElementChild) {
    parent.append(h("div", { role: "tablist", "aria-label": "Conversations", class: "tablist" }));
    roving(parent.firstElementChild, "[role=tab]");
  }
  const anySelected = list.some((one) => one.id === current);
  keyed(parent.firstElementChild, list.map((one, index) => ({
    key: one.id, mark: JSON.stringify([one.label, one.unread, one.id === current]),
    make: () => h("button", {
      type: "button", role: "tab", id: `tab-${one.id}`, "data-focus": `tab-${one.id}`, "aria-selected": String(one.id === current), "aria-controls": one.id === "outside" ? "outside" : "log",
      tabindex: one.id === current || (!anySelected && !index) ? 0 : -1, class: `tab${one.id === "outside" ? " only-medium" : ""}`, onclick: () => go(one.id),
    }, one.label, one.unread ? h("span", { class: "badge" }, String(one.unread), h("span", { class: "sr" }, " unread")) : null),
  })));
}

export function drawLog(log, place, screen, context) {
  const kept = log.dataset.place;
  const here = `${screen.user.id}/${place.id}`;
  const scroller = log.parentElement;
  const atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
  const before = log.lastElementChild?.dataset.key;
  if (kept !== here) { log.setAttribute("aria-live", "off"); log.replaceChildren(); }
  log.dataset.place = here;
  log.classList.toggle("is-home", place.id === "home");
  if (place.id === "home") drawHome(log, screen, context);
  else drawMessages(log, place.conversation, context);
  if (kept !== here) setTimeout(() => log.setAttribute("aria-live", "polite"), 300);
  if (place.id === "home" ? kept !== here : kept !== here || (atEnd && log.lastElementChild?.dataset.key !== before)) {
    scroller.scrollTop = place.id === "home" ? 0 : scroller.scrollHeight;
  } else if (atEnd && place.id !== "home") scroller.scrollTop = scroller.scrollHeight;
}

function drawHome(log, screen, context) {
  const home = screen.home;
  if (!home) {
    return keyed(log, [{ key: "empty", mark: "", make: () => empty("Home is being prepared.", "It appears as soon as Seatkeeper has drawn it.") }]);
  }
  keyed(log, [{ key: home.id, mark: home.hash + context.day, make: () => h("article", { class: "home" },
    blocks(home.blocks, { ...context.base, fields: [], values: home.state.values, ...context.acts({ home: true }) })) }]);
}

const EMPTY = {
  app: ["Nothing here yet.", "Seatkeeper writes here when something of yours changes. Ask for a licence with “/licence request”."],
  "it-alerts": ["Nothing here yet.", "Red alerts appear when a device reports unlicensed software: try Devices."],
  renewals: ["Nothing here yet.", "Contracts appear before the day by which somebody must decide."],
  licences: ["Nothing here yet.", "The weekly summary and lists to look at appear here: move the clock."],
};

function empty(title, more) {
  return h("div", { class: "empty" }, h("p", { class: "empty-title" }, title), h("p", {}, more));
}

function drawMessages(log, conversation, context) {
  const rows = [];
  let day = "";
  for (const message of conversation.messages) {
    const at = new Date(message.at);
    const today = prettyDay(at, context.base.now, context.base.tz);
    if (today !== day) {
      const words = today.charAt(0).toUpperCase() + today.slice(1);
      rows.push({ key: `day-${today}`, mark: "", make: () => h("div", { class: "day" }, h("span", {}, words)) });
      day = today;
    }
    const fresh = context.fresh(message);
    rows.push({ key: message.ts, mark: JSON.stringify([message.blocks, message.text, message.updates, message.replies, fresh, context.day, context.said(message), (message.replies || []).map(context.said)]), make: () => draw(message, context, fresh) });
  }
  if (!rows.length) {
    const [title, more] = EMPTY[conversation.kind === "im" ? "app" : conversation.name] || ["Nothing here yet.", ""];
    rows.push({ key: "empty", mark: "", make: () => empty(title, more) });
  }
  keyed(log, rows);
}

function draw(message, context, fresh) {
  const replies = message.replies || [];
  return h("article", { class: `message${message.ephemeral ? " ephemeral" : ""}${fresh ? " fresh" : ""}`, "aria-label": `${message.from}, ${shortMoment(new Date(message.at), context.base.now, context.base.tz)}` },
    h("img", { class: "face", src: "/static/icon.svg", alt: "", width: 36, height: 36 }),
    h("div", { class: "message-body" },
      h("p", { class: "byline" }, h("strong", {}, message.from), h("span", { class: "tag" }, "app"),
        h("time", { datetime: message.at }, clockTime(new Date(message.at), context.base.tz)),
        message.edited ? h("span", { class: "muted" }, "(edited)") : null,
        fresh ? h("span", { class: "now" }, fresh) : null),
      message.ephemeral ? h("p", { class: "only-you" }, "Only visible to you") : null,
      body(message, context),
      said(message, context),
      replies.length ? thread(message, replies, context) : null));
}

// What came of the last press here, when it did not arrive.
const said = (message, context) => h("p", { class: "press-said", role: "alert" }, context.said(message));

function body(message, context) {
  if (!message.blocks.length) return h("div", { class: "text-block" }, mrkdwn(message.text, context.base));
  return h("div", { class: "blocks" }, blocks(message.blocks, { ...context.base, fields: [], ...context.acts({ channel: message.channel, ts: message.ts }) }));
}

const opened = new Map();
function thread(message, replies, context) {
  const open = opened.get(message.ts) ?? true;
  return h("details", { class: "thread", open, ontoggle: (event) => opened.set(message.ts, event.currentTarget.open) },
    h("summary", { "data-focus": `thread-${message.ts}` }, counted(replies.length, "reply", "replies")),
    replies.map((reply) => h("div", { class: "reply" }, h("p", { class: "byline" }, h("strong", {}, reply.from), h("time", { datetime: reply.at }, shortMoment(new Date(reply.at), context.base.now, context.base.tz)),
        context.fresh(reply) ? h("span", { class: "now" }, context.fresh(reply)) : null), body(reply, context), said(reply, context))));
}

// -- the line for commands ---------------------------------------------------------------------------------------

// What is worth typing for the person one is, by their part in the story.
const FIGURES = ["/licence position", "/licence short", "/licence waste", "/licence help"];
const TRIES = { "her manager": ["/licence approvals", "/licence mine", "/licence help"], "licence manager": ["/licence reclaim", ...FIGURES], IT: ["/licence reclaim {product}", ...FIGURES], finance: FIGURES, procurement: FIGURES, "product owner": FIGURES };
export function drawTries(role, product) {
  const place = byId("try");
  if (!place) return;  // the line for commands comes once the first answer is here
  const tries = (TRIES[role] || ["/licence request {product}", "/licence mine", "/licence help"]).map((one) => one.replace("{product}", product));
  const type = (one) => { const input = byId("command"); input.value = one; input.focus(); };
  keyed(place, [{ key: "try", mark: "", make: () => h("span", {}, "Try: ") }, ...tries.map((one) => ({ key: one, mark: one, make: () => h("button", { type: "button", class: "link", onclick: () => type(one) }, `“${one}”`) }))]);
}

export function composer(form, { send }) {
  const input = h("input", { id: "command", class: "text", type: "text", placeholder: "/licence request …", "aria-label": "Command", "aria-describedby": "try", spellcheck: "false", dir: "auto" });
  const said = h("p", { id: "command-said", class: "press-said", role: "alert" });
  const button = h("button", { type: "submit", class: "btn primary" }, "Send");
  form.replaceChildren(h("div", { class: "command-row" }, input, button), said, h("p", { id: "try", class: "try" }));
  const past = [];
  let at = 0;
  input.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    at = Math.max(0, Math.min(past.length, at + (event.key === "ArrowUp" ? -1 : 1)));
    input.value = past[at] || "";
    event.preventDefault();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const line = input.value.trim();
    if (!line || button.disabled) return;
    said.textContent = "";
    if (!line.startsWith("/")) {
      said.textContent = "Here you act through commands: start with “/licence”. People talk to each other elsewhere.";
      return;
    }
    button.disabled = true;
    const wrong = await send(line);
    button.disabled = false;
    said.textContent = wrong;
    if (!wrong) {
      past.push(line);
      at = past.length;
      input.value = "";
      announce("Sent.");
    }
  });
}
