// Clock, faults, tour and the lines that say what is going on: everything above the three columns.

import { byId, h, keyed } from "./dom.js";
import { dialog } from "./dialogs.js";
import { counted, listed, longMoment, shortMoment } from "./words.js";

const STEPS = [["+1 hour", 3600, "1 hour"], ["+1 day", 86400, "1 day"], ["+7 days", 604800, "7 days"]];
const bar = (kind, ...children) => h("div", { class: `bar ${kind}`, role: kind === "wrong" ? "alert" : null }, children);
const button = (label, act, focus, style = "small") => h("button", { type: "button", class: `btn ${style}`, "data-focus": focus, onclick: act }, label);

export function drawClock(state, tz, acts) {
  const now = new Date(state.now);
  keyed(byId("clock"), [
    { key: "now", mark: longMoment(now, tz), make: () => h("time", { datetime: state.now, class: "moment-now" }, longMoment(now, tz)) },
    ...STEPS.map(([label, seconds, words]) => ({ key: label, mark: "", make: () => h("button", { type: "button", class: "btn small", "aria-label": `${label}: move the clock forward`, "data-focus": label, onclick: () => acts.move({ seconds, label: words }) }, label) })),
    { key: "next", mark: "", make: () => button("To next event", acts.next, "next") },
  ]);
}

export function drawControls(state, tour, acts) {
  const at = tour.steps.findIndex((one) => one === tour.current);
  const label = tour.current ? `Tour ${at + 1} of ${tour.steps.length}` : "Tour";
  keyed(byId("controls"), [
    { key: "tour", mark: `${label}${tour.open}`, make: () => h("button", { type: "button", class: "btn small", "aria-expanded": String(tour.open), "data-focus": "tour", onclick: acts.toggleTour }, label) },
    { key: "fail", mark: "", make: () => button("Make something fail", acts.fail, "fail") },
    { key: "over", mark: "", make: () => button("Start over", acts.startOver, "over") },
  ]);
}

export function drawBars(state, tour, local, acts) {
  const rows = [];
  if (local.lost) rows.push({ key: "lost", mark: local.lost, make: () => bar("wrong", h("p", {}, local.lost)) });
  else if (!state.running) {
    rows.push({ key: "stopped", mark: "", make: () => bar("wrong", h("p", {}, h("strong", {}, "Seatkeeper is not running."), " This page tries again every 2 s."), button("What to do", acts.whatToDo, "what")) });
  }
  for (const fault of state.faults.filter((one) => one.on)) {
    rows.push({ key: fault.name, mark: fault.says, make: () => bar("fault", h("p", {}, h("strong", {}, "On: "), fault.says), h("button", { type: "button", class: "btn small", "aria-label": `Switch off: ${fault.system} ${fault.label}`, "data-focus": fault.name, onclick: () => acts.switchOff(fault.name) }, "Switch off")) });
  }
  for (const one of state.refusals.filter((other) => !local.dismissed.has(`r${other.number}`))) {
    rows.push({ key: `r${one.number}`, mark: one.text, make: () => bar("wrong", h("details", {}, h("summary", {}, one.text), h("pre", {}, one.json)), button("Dismiss", () => acts.dismiss(`r${one.number}`), `r${one.number}`)) });
  }
  if (local.said) rows.push({ key: "said", mark: local.said, make: () => bar("note", h("p", {}, local.said), button("Dismiss", () => acts.dismiss("said"), "said")) });
  if (tour.open) rows.push({ key: "tour", mark: JSON.stringify([tour.steps, tour.current, tour.busy, tour.said, local.user]), make: () => tourStrip(tour, local, acts) });
  if (local.passing) rows.push({ key: "passing", mark: "", make: () => bar("note", h("p", {}, "Time passes. What falls due is done in order.")) });
  else if (state.moved && !local.dismissed.has(state.moved.to)) {
    rows.push({ key: "moved", mark: JSON.stringify(state.moved), make: () => moved(state.moved, acts) });
  }
  keyed(byId("bars"), rows);
}

function moved(move, acts) {
  const links = move.arrived.slice(0, 6).map((one) => h("button", { type: "button", class: "link", onclick: () => acts.visit(one) },
    one.channel_name ? `${one.count} in #${one.channel_name}` : `${counted(one.count, "message")} to ${one.name}`));
  const rest = move.arrived.length - 6;
  return bar("note", h("p", {}, `${move.label || "Time"} passed: `, links.length ? links.flatMap((one, index) => (index ? [", ", one] : [one])) : "nothing new in the chat so far", rest > 0 ? ` and ${rest} more` : "", "."),
    button("Dismiss", () => acts.dismiss(move.to), "moved"));
}

function tourStrip(tour, local, acts) {
  const { current, steps } = tour;
  if (!current) return h("div", { class: "bar tour" }, h("p", {}, "The tour is over. Try the other people, fill the queue of a product, move the clock, make something fail."), button("Close", acts.toggleTour, "tour-close"));
  const number = steps.indexOf(current) + 1;
  const last = number === steps.length;
  const title = h("p", { class: "tour-title" }, h("span", { class: "step" }, `Tour ${number} of ${steps.length}`), " ", h("strong", {}, current.title));
  const body = current.checks
    ? h("ul", { class: "checks" }, current.checks.map((one) => h("li", { class: one.done ? "done" : "" }, h("span", { class: "sign" }, one.done ? "Done" : "Not yet"),
      h("button", { type: "button", class: "link", "data-focus": `check-${one.panel}`, onclick: () => acts.look(one.panel) }, one.text))))
    : h("p", { class: "muted" }, current.hint);
  const other = current.as && current.as !== local.user && !current.done;
  return h("div", { class: "bar tour" }, h("div", {}, title, body, tour.said ? h("p", { class: "press-said", role: "alert" }, tour.said) : null),
    h("div", { class: "bar-acts" },
      other ? button(`Be ${acts.firstName(current.as)}`, () => acts.be(current.as), "tour-be") : null,
      current.done ? button(last ? "Finish the tour" : "Next", acts.skip, "tour-do", "small primary")
        : h("button", { type: "button", class: `btn small${other ? "" : " primary"}${tour.busy ? " busy" : ""}`, "data-focus": "tour-do", "aria-disabled": tour.busy ? "true" : null, onclick: () => tour.busy || acts.doStep(number) }, current.checks ? "Show me" : "Do it for me"),
      current.done ? null : button("Skip", acts.skip, "tour-skip")));
}

// -- dialogs -----------------------------------------------------------------------------------------------------

export async function failDialog(state, stop) {
  const systems = [...new Set(state.faults.map((one) => one.system))];
  const boxes = new Map();
  const body = [h("p", {}, "Choose what goes wrong outside. Watch Traffic, and what people are told."), systems.map((system) => h("fieldset", {}, h("legend", {}, system),
    state.faults.filter((one) => one.system === system).map((one) => {
      const box = h("input", { type: "checkbox", checked: one.on, value: one.name });
      boxes.set(one.name, box);
      return h("label", { class: "choice" }, box, h("span", {}, one.label));
    }))), h("fieldset", {}, h("legend", {}, "Seatkeeper itself"), h("p", { class: "muted" }, "As when the power goes: work that was begun is finished after the start, once."),
    h("button", { type: "button", class: "btn danger small", onclick: (event) => { const top = event.currentTarget.closest("dialog"); stop(); top.done(null); } }, "Stop the worker now"))];
  const yes = await dialog({ title: "Make something fail", body, wide: true, buttons: [{ label: "Cancel", worth: false }, { label: "Apply", worth: true, style: "primary" }] });
  if (!yes) return [];
  return state.faults.filter((one) => boxes.get(one.name).checked !== one.on).map((one) => ({ name: one.name, on: boxes.get(one.name).checked }));
}

export const startOverDialog = (requests, entries) => dialog({
  title: "Start the company afresh?", start: "Keep this company",
  body: [h("p", {}, entries === null ? "Everything that was asked and decided here is deleted." : `${listed([counted(requests, "request"), counted(entries, "entry", "entries")])} are deleted.`)],
  buttons: [{ label: "Keep this company", worth: false }, { label: "Start over", worth: true, style: "danger" }],
});

export const whatToDoDialog = (url) => dialog({
  title: "Seatkeeper is not running", body: [h("p", {}, "The other systems here still stand, and nothing is lost."),
    h("ol", {}, h("li", {}, "Look at the terminal in which “make demo” runs: it says why."), h("li", {}, "Stop it with Ctrl-C and start “make demo” again. It resumes where it was."), h("li", {}, `This page looks for Seatkeeper at ${url}.`))],
  buttons: [{ label: "Close", worth: true }],
});

export const nextDialog = (next, now, tz) => dialog({
  title: next ? "Move to the next event?" : "Nothing is due", start: next ? "Move the clock" : "Close",
  body: [h("p", {}, next ? `${next.what || "The next thing"}: ${shortMoment(new Date(next.at), now, tz)}.` : "Seatkeeper has nothing planned that waits for the clock, or it cannot say at the moment.")],
  buttons: next ? [{ label: "Stay here", worth: false }, { label: "Move the clock", worth: true, style: "primary" }] : [{ label: "Close", worth: false }],
});
