// The page: asks its server what stands, draws it, and asks again as soon as something changed.

import { get, inWords, post, remove } from "./api.js";
import { announce, byId, h, keyed } from "./dom.js";
import { composer, drawLog, drawTabs, drawTries, placesOf } from "./chat.js";
import { Modals } from "./modal.js";
import { eventOf, Outside, PANELS } from "./outside.js";
import { drawPeople } from "./people.js";
import { drawBars, drawClock, drawControls, failDialog, nextDialog, startOverDialog, whatToDoDialog } from "./top.js";

const PANES = [["you", "You"], ["chat", "Messages"], ["outside", "Outside"]];
const address = new URLSearchParams(location.search);
const view = { user: address.get("as") || "", place: address.get("in") || "app", panel: address.get("panel") || "m365", pane: address.get("pane") || "chat" };
const local = { dismissed: new Set(), said: "", lost: "", passing: false, pressedAt: "", user: "" };
const tour = { open: sessionStorage.getItem("tour") !== "closed", skipped: new Set(JSON.parse(sessionStorage.getItem("skipped") || "[]")), steps: [], current: null, busy: false, said: "" };
let state = null;
let screen = null;
let firstTraffic = null;
let homeFor = "";

// -- what is asked of the server ---------------------------------------------------------------------------------

const person = (path, body) => post(`/_sandbox${path}`, { user: view.user, ...body });

// Whatever a person does: what stands now is kept, to say afterwards what changed.
async function act(doing, settled) {
  outside.remember();
  local.pressedAt = state.now;
  local.said = "";
  const answer = await doing();
  settled?.();
  await refresh();
  return answer;
}

const acts = {
  press: (where, block, one, given, typed) => act(() => person("/press", { where, block_id: block.block_id, action_id: one.action_id, ...given, state: typed || {} })),
  submit: (id, values, settled) => act(() => person("/submit", { view_id: id, values }), settled),
  attach: (name, content) => person("/attach", { name, content }),
  close: (id) => act(() => person("/close", { view_id: id })),
  save: (id, block, one, given) => person("/press", { where: { view_id: id }, block_id: block.block_id, action_id: one.action_id, ...given }),
  load: (id, made, query) => person("/options", { where: { view_id: id }, block_id: made.block.block_id, action_id: made.element.action_id, query }),
};

const outside = new Outside(byId("panel-tabs"), byId("panel"), {
  resolve: async (number, outcome, opener) => {
    opener.classList.add("busy");
    const answer = await act(() => post("/api/resolve", { number, outcome }));
    opener.classList.remove("busy");
    if (!answer.ok) tell(answer.error);
  },
  title: async (device, title, on) => {
    const answer = await act(() => (on ? post : remove)("/api/devices/title", { device, title }));
    if (!answer.ok) tell(answer.error);
    else { await loadDevices(); announce(on ? `${title} is on ${device}. Send a scan to let Seatkeeper know.` : `${title} is off ${device}. Send a scan to let Seatkeeper know.`); draw(); }
    return answer.ok;
  },
  scan: async (device, opener) => {
    opener.classList.add("busy");
    const answer = await act(() => post("/api/devices/scan", { device }));
    opener.classList.remove("busy");
    if (!answer.ok) tell(answer.error);
    else { await loadDevices(); announce(answer.text); draw(); }
  },
  body: (number) => get(`/api/traffic/${number}`),
  chain: async () => { await chain(); draw(); },
  choose: (panel) => go({ panel }),
});
const modals = new Modals(byId("modals"), byId("stage"), acts);

async function chain() {
  const found = await get("/api/chain");
  outside.data.chain = found.ok && found.known ? found.chain : null;
}

async function loadDevices() {
  const found = await get("/api/devices");
  if (found.ok) { outside.data.devices = found.devices; outside.data.suggested = found.suggested; }
}

async function loadOutside() {
  const after = outside.data.traffic.at(-1)?.number || 0;
  const [m365, servicenow, traffic] = await Promise.all([get("/api/m365"), get("/api/servicenow"), get("/api/traffic", { after }), loadRecord()]);
  if (m365.ok) outside.data.m365 = m365;
  if (servicenow.ok) outside.data.servicenow = servicenow;
  if (traffic.ok) outside.data.traffic = [...outside.data.traffic, ...traffic.traffic].slice(-2000);
  await loadDevices();
  if (firstTraffic === null) firstTraffic = outside.data.traffic.at(-1)?.number || 0;
  if (outside.baseline === null && m365.ok && servicenow.ok && outside.data.record) outside.remember();
}

// Sealed events are kept and only later ones asked for; what waits for its seal is asked for anew each time.
async function loadRecord() {
  const before = outside.data.record;
  const events = before?.known ? [...before.events] : [];
  for (;;) {
    const answer = await get("/api/record", { after: events.at(-1)?.seq || 0 });
    if (!answer.ok) return false;
    const fresh = (answer.record.events || []).map(eventOf);
    events.push(...fresh);
    if (answer.known && fresh.length && answer.record.more) continue;
    const record = { running: answer.running, known: answer.known, events: answer.known ? events : [], unsealed: (answer.record.unsealed || []).map(eventOf) };
    outside.data.record = record;
    return JSON.stringify([record.running, record.known, events.length, record.unsealed]) !== JSON.stringify([before?.running, before?.known, before?.events.length, before?.unsealed]);
  }
}

// The record grows without a sign to this page, so it is looked at while somebody looks at it.
setInterval(async () => {
  if (document.hidden || !state || refreshing || (view.panel !== "record" && tour.current?.checks === undefined)) return;
  const changed = await loadRecord();
  if ((changed || tour.current?.checks?.some((one) => !one.done)) && !refreshing) await refresh();
}, 2000);

let refreshing = null;
let again = false;
function refresh() {
  if (refreshing) { again = true; return refreshing; }
  refreshing = (async () => {
    do { again = false; await load(); } while (again);
  })().finally(() => { refreshing = null; });
  return refreshing;
}

async function load() {
  const [found] = await Promise.all([get("/api/state", { after: firstTraffic ?? 1e12 }), loadOutside()]);
  local.lost = found.ok ? "" : found.error;
  if (found.ok) {
    const before = state;
    state = found;
    if (!state.people.some((one) => one.id === view.user)) view.user = state.people[0]?.id || "";
    if (before && !before.running && state.running) announce("Seatkeeper is running again.");
  }
  if (view.user) {
    const seen = await get("/_sandbox/screen", { user: view.user });
    if (seen.ok && seen.user.id === view.user) screen = seen;
  }
  steps();
  draw();
  await attend();
}

// Reading what is on screen, and telling the app that Home was opened.
async function attend() {
  if (!screen || document.hidden) return;
  const place = placeNow();
  if (place?.conversation?.unread && paneShows("chat")) await person("/read", { channel: place.conversation.id });
  if (place?.id === "home" && homeFor !== view.user) {
    homeFor = view.user;
    await person("/home", {});
  }
  if (place?.id !== "home") homeFor = "";
}

async function follow() {
  for (;;) {
    const known = state?.stamp || "";
    const answer = await get("/api/wait", { known, seconds: 20 });
    if (!answer.ok) {
      local.lost = answer.error;
      if (state) draw();
      await new Promise((done) => setTimeout(done, 2000));
    }
    if (!answer.ok || answer.stamp !== state?.stamp) await refresh();
  }
}

// -- where one is ------------------------------------------------------------------------------------------------

const placeNow = () => { const places = placesOf(screen); return places.find((one) => one.id === view.place) || places[0]; };
const wide = matchMedia("(min-width: 1200px)");
const medium = matchMedia("(min-width: 800px)");
const paneShows = (pane) => wide.matches || (medium.matches ? pane === "you" || (pane === "outside") === (view.pane === "outside") : view.pane === pane);

function go(change, { push = true } = {}) {
  Object.assign(view, change);
  if (push) history.pushState({}, "", `?${new URLSearchParams({ as: view.user, in: view.place, panel: view.panel, pane: view.pane })}`);
  draw();
  if (change.user) return refresh();
  return attend();
}

addEventListener("popstate", () => {
  const back = new URLSearchParams(location.search);
  go({ user: back.get("as") || view.user, place: back.get("in") || "app", panel: back.get("panel") || "m365", pane: back.get("pane") || "chat" }, { push: false });
});

// -- drawing -----------------------------------------------------------------------------------------------------

function steps() {
  tour.steps = state?.tour || [];
  const last = tour.steps.length - 1;
  // What is there to look at stays until somebody goes on; so does the end of the tour.
  tour.current = tour.steps.find((one, index) => !tour.skipped.has(index) && (!one.done || one.checks || index === last)) || null;
  local.user = view.user;
}

function base() {
  const user = screen.user;
  const now = new Date(state.now);
  return {
    user: user.id, tz: user.tz, now, names: Object.fromEntries(screen.people.map((one) => [one.id, one.real_name])),
    channels: Object.fromEntries(screen.conversations.map((one) => [one.id, one.name])),
    peopleOptions: () => [{ label: "", options: screen.people.filter((one) => !one.deleted).map((one) => ({ value: one.id, text: one.real_name, description: one.title })) }],
    channelOptions: () => [{ label: "", options: screen.conversations.map((one) => ({ value: one.id, text: one.name })) }],
  };
}

function draw() {
  if (!state) return drawBars({ running: true, faults: [], refusals: [], moved: null }, { ...tour, open: false }, local, topActs);
  document.body.dataset.pane = view.pane;
  const tz = screen?.user.tz || "UTC";
  drawClock(state, tz, topActs);
  drawControls(state, tour, topActs);
  drawBars(state, tour, local, topActs);
  drawPeople(state, view.user, (id) => go({ user: id, pane: medium.matches ? "chat" : view.pane === "you" ? "chat" : view.pane }));
  drawTries(state.people.find((one) => one.id === view.user)?.role, state.product);
  drawBottom();
  if (!screen || screen.user?.id !== view.user) return;
  const place = placeNow();
  const common = base();
  const pane = view.pane === "outside" && !wide.matches ? "outside" : place.id;
  drawTabs(byId("tabs"), placesOf(screen), pane, { id: "outside", label: "Outside" }, (id) => go(id === "outside" ? { pane: "outside" } : { place: id, pane: "chat" }));
  byId("log").setAttribute("aria-label", place.label);
  const known = view.user;
  drawLog(byId("log"), place, screen, {
    base: common, day: state.now.slice(0, 13),
    fresh: (message) => freshness(message),
    said: (message) => said.get(message.ts) || "",
    acts: (where) => ({
      keep: true, drafts: chosenIn(where),
      press: async (block, one, given) => {
        said.delete(where.ts);
        const answer = await acts.press(where, block, one, given);
        const wrong = inWords(answer);
        if (wrong && where.ts) said.set(where.ts, wrong);
        else if (wrong) tell(wrong);
        if (wrong) draw();
        return answer;
      },
      load: (made, query) => person("/options", { where, block_id: made.block.block_id, action_id: made.element.action_id, query }),
    }),
  });
  if (known === view.user) modals.draw(screen.modals, common);
  outside.draw(PANELS.some(([id]) => id === view.panel) ? view.panel : "m365", { ...common, user: screen.user });
  document.title = `${place.label} · ${screen.user.real_name} · Seatkeeper demo`;
}

const said = new Map();  // message -> why the last press on it did not arrive

// What was chosen on a message or on Home; it is not part of them, and stays until the page is left.
const chosen = new Map();
function chosenIn(where) {
  const key = JSON.stringify([view.user, where, where.home ? screen.home?.hash : ""]);
  if (!chosen.has(key)) chosen.set(key, {});
  return chosen.get(key);
}

function freshness(message) {
  if (!local.pressedAt) return "";
  if (message.updated_at && message.updated_at > local.pressedAt) return "changed just now";
  return message.at > local.pressedAt ? "just now" : "";
}

function drawBottom() {
  keyed(byId("bottom"), PANES.map(([id, label]) => ({ key: id, mark: String(view.pane === id), make: () => h("button", { type: "button", class: "bottom-tab", "aria-current": view.pane === id ? "page" : null, "data-focus": `bottom-${id}`, onclick: () => go({ pane: id }) }, label) })));
}

function tell(words) {
  local.said = words;
  draw();
  announce(words);
}

// -- the bar above -----------------------------------------------------------------------------------------------

const topActs = {
  move: async (by) => {
    if (local.passing) return;
    local.dismissed.clear();
    local.passing = true;
    draw();
    announce("Time passes.");
    const answer = await act(() => post("/api/clock", by));
    local.passing = false;
    draw();
    if (!answer.ok) tell(answer.error);
    else announce(`${by.label || "Time"} passed.`);
  },
  next: async () => {
    const { next } = await get("/api/due");
    if (await nextDialog(next, new Date(state.now), screen?.user.tz || "UTC")) topActs.move({ to: next.at, label: next.what ? `Time until “${next.what}”` : "Time" });
  },
  toggleTour: () => {
    tour.open = !tour.open;
    sessionStorage.setItem("tour", tour.open ? "open" : "closed");
    if (tour.open && !tour.current) { tour.skipped.clear(); steps(); }
    draw();
  },
  fail: async () => {
    const changes = await failDialog(state, async () => { const answer = await remove("/api/worker"); tell(answer.ok ? answer.text : answer.error); });
    for (const change of changes) await post("/api/faults", change);
    if (changes.length) await refresh();
  },
  switchOff: async (name) => { await post("/api/faults", { name, on: false }); await refresh(); byId("log").focus(); },
  startOver: async () => {
    await chain();
    const requests = new Set(outside.entries().filter((one) => one.subject.startsWith("request ")).map((one) => one.subject)).size;
    const entries = outside.data.record?.known ? outside.entries().length : null;
    if (!(await startOverDialog(requests, entries))) return;
    tell("Starting over. This takes a few seconds.");
    const answer = await post("/api/start-over");
    if (!answer.ok) return tell(answer.error);
    sessionStorage.clear();
    location.assign("/");
  },
  whatToDo: () => whatToDoDialog(state.service_url),
  dismiss: (key) => { if (key === "said") local.said = ""; else local.dismissed.add(key); draw(); },
  visit: (one) => go({ user: one.user || view.user, place: one.channel_name || "app", pane: "chat" }),
  look: (panel) => go({ panel, pane: wide.matches ? view.pane : "outside" }),
  be: (id) => go({ user: id, place: "app", pane: "chat" }),
  firstName: (id) => state.people.find((one) => one.id === id)?.name.split(" ")[0] || "them",
  skip: () => {
    tour.skipped.add(tour.steps.indexOf(tour.current));
    sessionStorage.setItem("skipped", JSON.stringify([...tour.skipped]));
    tour.said = "";
    steps();
    draw();
  },
  doStep: async (number) => {
    const step = tour.steps[number - 1];
    if (step.checks) return topActs.look((step.checks.find((one) => !one.done) || step.checks[0]).panel);
    tour.busy = true;
    tour.said = "";
    await go({ user: step.as || view.user, place: "app", pane: "chat" });
    const answer = await act(() => post(`/api/tour/${number}`));
    tour.busy = false;
    tour.said = answer.ok ? "" : answer.error;
    if (answer.ok) announce(`Done: ${step.title}`);
    draw();
  },
};

// -- keys --------------------------------------------------------------------------------------------------------

addEventListener("keydown", (event) => {
  if (event.key !== "F6" || document.querySelector("dialog.question")) return;
  event.preventDefault();
  const shown = PANES.map(([id]) => id).filter(paneShows);
  const at = shown.findIndex((id) => byId(id).contains(document.activeElement));
  const next = shown[(at + (event.shiftKey ? -1 : 1) + shown.length) % shown.length] || shown[0];
  const pane = byId(next);
  const inside = next === "chat" ? pane.querySelector("dialog.modal :is(input, textarea, button)") || byId("log")
    : next === "you" ? pane.querySelector("[role=listbox]") : pane.querySelector("[role=tab][aria-selected=true]");
  (inside || pane).focus();
});
byId("menu-toggle").addEventListener("click", (event) => {
  const open = byId("top").classList.toggle("open");
  event.currentTarget.setAttribute("aria-expanded", String(open));
});
document.addEventListener("settled", () => state && draw());
wide.addEventListener("change", () => state && draw());
medium.addEventListener("change", () => state && draw());
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });

await refresh();
composer(byId("composer"), {
  send: async (line) => {
    const [command, ...rest] = line.split(" ");
    const place = placeNow();
    const answer = await act(() => person("/command", { command, text: rest.join(" "), channel: place.conversation?.kind === "im" ? null : place.conversation?.id ?? null }));
    if (answer.ok && place.id === "home" && !screen.modals.length) go({ place: "app" });
    return inWords(answer);
  },
});
draw();
follow();
