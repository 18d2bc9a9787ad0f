// The outside world: what the other systems hold, what went over the wire, and what is on record.

import { announce, h, keyed, roving } from "./dom.js";
import { clockTime, counted, shortMoment } from "./words.js";

export const PANELS = [["m365", "Microsoft 365"], ["servicenow", "ServiceNow"], ["devices", "Devices"], ["traffic", "Traffic"], ["record", "Record"]];
const SYSTEMS = [["", "All systems"], ["slack", "Slack"], ["graph", "Microsoft 365"], ["servicenow", "ServiceNow"], ["mail", "Mail"], ["devices", "Devices"]];
const NAMES = { slack: "Slack", graph: "Microsoft 365", servicenow: "ServiceNow", mail: "Mail", devices: "Devices", seatkeeper: "Seatkeeper" };

export class Outside {
  // `acts`: {resolve(number, outcome), title(device, title, on), scan(device), body(number), chain(), choose(panel), stopped()}
  constructor(tabs, panel, acts) {
    this.tabs = tabs;
    this.panel = panel;
    this.acts = acts;
    this.data = { m365: null, servicenow: null, devices: null, traffic: [], record: null, chain: null };
    this.baseline = null;
    this.query = "";
    this.sought = "";
    this.opened = new Set();
    this.typed = new Map();
    this.system = "";
    this.note = "";
  }

  // What stands now is what later changes are measured against.
  remember() {
    this.baseline = { rows: new Map([...this.rows("m365"), ...this.rows("servicenow")]), record: this.lastEvent() };
  }

  lastEvent() { return Math.max(0, ...(this.data.record?.events || []).map((one) => one.id), ...(this.data.record?.unsealed || []).map((one) => one.id)); }

  entries() { return [...(this.data.record?.events || []), ...(this.data.record?.unsealed || [])]; }

  rows(panel) {
    if (panel === "m365") {
      return [...(this.data.m365?.skus || []).map((one) => [`sku/${one.skuId}`, `${one.enabled}/${one.consumed}`]),
        ...(this.data.m365?.users || []).map((one) => [`user/${one.id}`, JSON.stringify(one.seats)])];
    }
    return (this.data.servicenow?.records || []).map((one) => [`sn/${one.number}`, JSON.stringify([one.state, one.stage, one.approval, one.journal.length])]);
  }

  changed(key, value) {
    if (!this.baseline) return "";
    if (!this.baseline.rows.has(key)) return "new, just now";
    return this.baseline.rows.get(key) === value ? "" : "changed just now";
  }

  changes(panel) {
    if (panel === "record") return this.baseline ? this.entries().filter((one) => one.id > this.baseline.record).length : 0;
    return ["m365", "servicenow"].includes(panel) ? this.rows(panel).filter(([key, value]) => this.changed(key, value)).length : 0;
  }

  draw(current, context) {
    this.context = context;
    this.current = current;
    if (!this.tabs.firstElementChild) {
      this.tabs.append(h("div", { role: "tablist", class: "tablist", "aria-label": "Outside world" }));
      roving(this.tabs.firstElementChild, "[role=tab]");
    }
    keyed(this.tabs.firstElementChild, PANELS.map(([id, label]) => {
      const count = this.changes(id);
      return { key: id, mark: JSON.stringify([count, id === current]), make: () => h("button", {
        type: "button", role: "tab", id: `panel-${id}`, "data-focus": `panel-${id}`, "aria-selected": String(id === current), "aria-controls": "panel", tabindex: id === current ? 0 : -1,
        class: "tab", onclick: () => this.acts.choose(id),
      }, label, count ? h("span", { class: "badge" }, String(count), h("span", { class: "sr" }, " changed just now")) : null) };
    }));
    this.panel.setAttribute("aria-labelledby", `panel-${current}`);
    this.panel.setAttribute("role", "tabpanel");
    if (this.panel.dataset.current !== current) { this.panel.replaceChildren(); this.panel.scrollTop = 0; }
    this.panel.dataset.current = current;
    keyed(this.panel, this[current]());
  }

  // -- Microsoft 365 -------------------------------------------------------------------------------------------

  m365() {
    const { m365 } = this.data;
    if (!m365) return [say("Looking…")];
    const label = (key, value) => now(this.changed(key, value));
    const skus = m365.skus.map((one) => {
      const note = this.changed(`sku/${one.skuId}`, `${one.enabled}/${one.consumed}`);
      return h("tr", { class: note ? "fresh" : "" }, h("th", { scope: "row" }, one.name || one.skuPartNumber, label(`sku/${one.skuId}`, `${one.enabled}/${one.consumed}`)),
        h("td", {}, one.enabled.toLocaleString("en-GB")), h("td", {}, one.consumed.toLocaleString("en-GB")), h("td", { class: one.free < 0 ? "short" : "" }, one.free < 0 ? `${-one.free} short` : one.free.toLocaleString("en-GB")));
    });
    const table = h("div", { class: "table-wrap" }, h("table", {}, h("caption", {}, `Products · ${counted(m365.people, "person", "people")}`),
      h("thead", {}, h("tr", {}, ["Product", "Bought", "In use", "Free"].map((one) => h("th", { scope: "col" }, one)))), h("tbody", {}, skus)));
    const search = () => h("label", { class: "search" }, h("span", { class: "sr" }, "Find a person"),
      h("input", { class: "text", type: "search", placeholder: "Find a person", "data-focus": "find-person", value: this.query, oninput: (event) => { this.query = event.target.value; this.draw(this.current, this.context); } }));
    const me = (one) => one.userPrincipalName.toLowerCase() === (this.context.user?.email || "").toLowerCase() || one.name === this.context.user?.real_name;
    const fits = (one) => one.name.toLowerCase().includes(this.query.toLowerCase());
    const rank = (one) => (this.changed(`user/${one.id}`, JSON.stringify(one.seats)) ? 0 : me(one) ? 1 : 2);
    const people = m365.users.filter(fits).sort((a, b) => rank(a) - rank(b)).slice(0, 25);
    const more = m365.users.filter(fits).length - people.length;
    return [
      { key: "skus", mark: JSON.stringify([m365.skus, this.changes("m365")]), make: () => table },
      { key: "search", mark: "", make: search },
      ...people.map((one) => ({ key: one.id, mark: JSON.stringify([one, rank(one), this.changed(`user/${one.id}`, JSON.stringify(one.seats))]), make: () => this.person(one) })),
      ...(more > 0 ? [say(`And ${more} more. Type a name to find one.`, "more")] : []),
      ...(people.length ? [] : [say("Nobody over there has that name.", "none")]),
    ];
  }

  person(one) {
    const note = this.changed(`user/${one.id}`, JSON.stringify(one.seats));
    const before = JSON.parse(this.baseline?.rows.get(`user/${one.id}`) || "null");
    return h("div", { class: `entry${note ? " fresh" : ""}` }, h("p", { class: "entry-title" }, h("bdi", {}, one.name), one.accountEnabled ? null : h("span", { class: "state" }, "account is off"), now(note)),
      h("ul", { class: "seats" }, one.seats.length ? one.seats.map((seat) => {
        const added = before && !before.some((old) => old.skuId === seat.skuId && old.path === seat.path);
        return h("li", { class: added ? "fresh" : "" }, seat.name, h("span", { class: "muted" }, seat.path === "direct" ? " · direct" : ` · through ${seat.group}`), seat.error && seat.error !== "None" ? h("span", { class: "short" }, ` · ${seat.error}`) : null, added ? now("new") : null);
      }) : h("li", { class: "muted" }, "no seats")));
  }

  // -- ServiceNow ----------------------------------------------------------------------------------------------

  servicenow() {
    const records = this.data.servicenow?.records;
    if (!records) return [say("Looking…")];
    if (!records.length) return [say("Nothing here yet. A record appears when a seat is ordered or something needs a hand.")];
    return records.slice(0, 60).map((one) => {
      const note = this.changed(`sn/${one.number}`, JSON.stringify([one.state, one.stage, one.approval, one.journal.length]));
      return { key: one.sys_id, mark: JSON.stringify([one, note]), make: () => this.ticket(one, note) };
    });
  }

  ticket(one, note) {
    const last = one.journal.at(-1);
    const act = (outcome, words) => h("button", { type: "button", class: "btn small", "data-focus": `${one.number}/${outcome}`, "aria-label": `${words}: ${one.number}`, onclick: (event) => this.acts.resolve(one.number, outcome, event.currentTarget) }, words);
    const open = one.active && !["Resolved", "Closed"].includes(one.state_word);
    const waits = one.approvals.some((ask) => ask.state === "requested");
    return h("div", { class: `entry${note ? " fresh" : ""}` },
      h("p", { class: "entry-title" }, h("span", { class: "number" }, one.number), h("span", { class: `state ${open ? "open" : "done"}` }, one.state_word || one.stage_word), now(note)),
      h("p", {}, one.short_description || "(no description)"),
      h("p", { class: "muted" }, [one.person && `for ${one.person}`, one.stage_word && one.stage_word !== one.state_word && one.stage_word, one.assignment_group].filter(Boolean).join(" · ")),
      last ? h("p", { class: "note" }, `“${last.text}”`, h("span", { class: "muted" }, ` ${last.by}`)) : null,
      open ? h("div", { class: "entry-acts" }, waits ? [act("approve", "Approve as an agent"), act("reject_approval", "Reject")] : [act("complete", "Resolve as an agent"), act("incomplete", "Close as not done")]) : null);
  }

  // -- Devices -------------------------------------------------------------------------------------------------

  devices() {
    const { devices } = this.data;
    if (!devices) return [say("Looking…")];
    const search = () => h("label", { class: "search" }, h("span", { class: "sr" }, "Find a device, a person or a title"),
      h("input", { class: "text", type: "search", placeholder: "Find a device, a person or a title", "data-focus": "find-device", value: this.sought, oninput: (event) => { this.sought = event.target.value; this.draw(this.current, this.context); } }));
    const wanted = this.sought.trim().toLowerCase();
    const holds = (one) => one.titles.some(({ title }) => title.toLowerCase().includes(wanted));
    const named = (one) => [one.name, one.person, one.site].some((text) => text.toLowerCase().includes(wanted));
    const mine = (one) => (one.person && one.person === this.context.user?.real_name ? 0 : 1);
    const fits = devices.filter((one) => !wanted || named(one) || holds(one)).sort((a, b) => mine(a) - mine(b));
    return [
      { key: "count", mark: String(devices.length), make: () => h("p", { class: "muted" }, `${counted(devices.length, "device")} · what is on them now; Seatkeeper learns it when a scan is sent`) },
      { key: "search", mark: "", make: search },
      ...fits.slice(0, 25).map((one) => ({ key: one.name, mark: JSON.stringify([one, this.context.tz]), make: () => this.device(one) })),
      ...(fits.length > 25 ? [say(`And ${fits.length - 25} more. Type a name to find one.`, "more")] : []),
      ...(fits.length ? [] : [say("No device has that name, that person or that title.", "none")]),
    ];
  }

  device(one) {
    const body = h("div", {});
    const fill = () => { if (!body.firstChild) body.append(...this.deviceBody(one)); };
    const open = (event) => {
      this.opened[event.currentTarget.open ? "add" : "delete"](one.name);
      if (event.currentTarget.open) fill();
    };
    if (this.opened.has(one.name)) fill();
    const whose = one.person || (one.no_person ? `nobody (${one.no_person})` : "nobody");
    return h("details", { class: "exchange", open: this.opened.has(one.name), ontoggle: open },
      h("summary", { "data-focus": `device/${one.name}` }, h("span", { class: "when" }, one.name), h("span", { class: "sentence" }, h("bdi", {}, whose), one.state === "live" ? null : h("span", { class: "short" }, ` · ${one.state}`), now(one.waiting ? "changed, not sent yet" : "")),
        h("span", { class: "muted wire" }, [one.kind, one.site || "site not known", counted(one.titles.length, "title"), `seen ${shortMoment(new Date(one.last_seen), this.context.now, this.context.tz)}`].join(" · "))),
      body);
  }

  // What is on it, with what one can do: put a title on it, take one off, let its agent report.
  deviceBody(one) {
    const field = h("input", { class: "text", type: "text", list: "titles-suggested", maxlength: 200, placeholder: "For example AutoCAD LT 2024", "data-focus": `add/${one.name}`, value: this.typed.get(one.name) || "", oninput: (event) => this.typed.set(one.name, event.target.value) });
    const add = async (event) => {
      event.preventDefault();
      const title = field.value;
      this.typed.delete(one.name); // it is drawn anew before the answer is looked at here
      if (!(await this.acts.title(one.name, title, true))) this.typed.set(one.name, title);
    };
    const titles = one.titles.map(({ title, publisher, version }) => h("li", {},
      h("span", {}, title, h("span", { class: "muted" }, [version, publisher].filter(Boolean).map((text) => ` · ${text}`).join(""))),
      h("button", { type: "button", class: "btn small", "aria-label": `Remove ${title} from ${one.name}`, "data-focus": `remove/${one.name}/${title}/${version}`, onclick: () => this.acts.title(one.name, title, false) }, "Remove")));
    return [
      h("form", { class: "device-acts", onsubmit: add }, h("label", {}, h("span", { class: "sr" }, `Title to put on ${one.name}`), field),
        h("datalist", { id: "titles-suggested" }, (this.data.suggested || []).map((title) => h("option", { value: title }))),
        h("button", { type: "submit", class: "btn small", "data-focus": `put/${one.name}` }, "Add title"),
        h("button", { type: "button", class: "btn small", "data-focus": `scan/${one.name}`, "aria-label": `Send scan of ${one.name}`, onclick: (event) => this.acts.scan(one.name, event.currentTarget) }, "Send scan")),
      one.titles.length ? h("ul", { class: "seats titles" }, titles) : h("p", { class: "muted" }, "no titles on it"),
    ];
  }

  // -- Traffic -------------------------------------------------------------------------------------------------

  traffic() {
    const rows = this.data.traffic.filter((one) => !this.system || one.system === this.system).slice(-200).reverse();
    const filter = { key: "filter", mark: this.system, make: () => h("label", { class: "search" }, "Show ", h("select", { "data-focus": "traffic-filter", onchange: (event) => { this.system = event.target.value; this.draw(this.current, this.context); } },
      SYSTEMS.map(([value, label]) => h("option", { value, selected: value === this.system }, label)))) };
    if (!rows.length) return [filter, say("Nothing has gone over the wire yet. Send a command and look here.", "none")];
    return [filter, ...rows.map((one) => ({ key: `x${one.number}`, mark: this.context.tz, make: () => this.exchange(one) }))];
  }

  exchange(one) {
    const bad = !one.status || one.status >= 400;
    const body = h("div", { class: "bodies" });
    const open = async (event) => {
      if (!event.currentTarget.open || body.firstChild) return;
      body.append(h("p", { class: "muted" }, "Looking…"));
      const found = await this.acts.body(one.number);
      body.replaceChildren(...(found.ok ? [["Asked", found.request_body], ["Answered", found.response_body]].map(([title, text]) => h("div", {}, h("p", { class: "muted" }, title), h("pre", {}, pretty(text) || "(nothing)"))) : [h("p", {}, found.error)]));
    };
    return h("details", { class: `exchange${bad ? " bad" : ""}`, ontoggle: open },
      h("summary", { "data-focus": `x${one.number}` }, h("span", { class: "when" }, clockTime(new Date(one.at), this.context.tz)),
        h("span", { class: "sentence" }, one.sentence || `${one.method} ${one.path}`),
        h("span", { class: "muted wire" }, `${NAMES[one.sender] || one.sender} → ${NAMES[one.receiver] || one.receiver} · ${one.status || "no answer"} · ${Math.round(one.milliseconds)} ms`, one.fault ? h("span", { class: "short" }, ` · made to fail: ${one.fault.replaceAll("_", " ")}`) : null)),
      h("p", { class: "path" }, h("code", {}, `${one.method} ${one.path}`)), body);
  }

  // -- Record --------------------------------------------------------------------------------------------------

  record() {
    const { record, chain } = this.data;
    const head = { key: "chain", mark: JSON.stringify([chain, this.note]), make: () => h("div", { class: "chain" },
      h("p", {}, chain ? chainWords(chain) : "The record of everything that was done, and by whom."),
      h("button", { type: "button", class: "btn small", "data-focus": "check-chain", onclick: async () => { this.note = `${Date.now()}`; await this.acts.chain(); announce(this.data.chain ? chainWords(this.data.chain) : "The record cannot be read."); } }, "Check the chain")) };
    if (!record) return [head, say("Looking…")];
    if (!record.running) return [head, say("Seatkeeper is not running, so its record cannot be read. This page tries again every 2 s.", "off")];
    if (!record.known) return [head, say("Seatkeeper does not show its record here.", "off")];
    const all = this.entries();
    if (!all.length) return [head, say("Nothing on record yet. Ask for a licence and look here.", "none")];
    return [head, ...all.sort((a, b) => b.id - a.id).slice(0, 200).map((one) => {
      const fresh = this.baseline && one.id > this.baseline.record;
      return { key: `e${one.id}`, mark: JSON.stringify([fresh, one.hash, this.context.tz]), make: () => h("div", { class: `entry event${fresh ? " fresh" : ""}` },
        h("p", {}, h("span", { class: "when" }, one.at ? shortMoment(new Date(one.at), this.context.now, this.context.tz) : ""), one.words, now(fresh ? "just now" : "")),
        h("p", { class: "muted" }, [one.who, one.subject].filter(Boolean).join(" · "), one.hash ? h("code", { class: "hash", title: `Seal ${one.seq}: ${one.hash}` }, one.hash.slice(0, 12)) : h("span", {}, "being sealed"))) };
    })];
  }
}

const say = (words, key = "say") => ({ key, mark: words, make: () => h("p", { class: "say" }, words) });
const now = (words) => (words ? h("span", { class: "now" }, words) : null);

function pretty(text) {
  let shown = text || "";
  if (/^[\w.%+-]+=/.test(shown)) shown = [...new URLSearchParams(shown)].map(([name, value]) => `${name}: ${pretty(value)}`).join("\n");
  try { return JSON.stringify(JSON.parse(shown), null, 2); } catch { return shown; }
}

function chainWords(chain) {
  const waiting = chain.unsealed ? `, ${chain.unsealed} more being sealed` : "";
  return `Record: ${counted(chain.links, "entry", "entries")}, ${chain.ok ? "chain intact" : `chain broken at entry ${chain.first_bad}`}${waiting}`;
}

// An event as the service gives it, in this page's words.
export function eventOf(raw) {
  return { id: raw.id, seq: raw.seq, at: raw.at, hash: raw.hash || "", words: raw.tag.replace(/[:_]/g, " "), who: raw.actor, subject: raw.subject.replace(":", " ") };
}
