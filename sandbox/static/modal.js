// The modal on top of the stack: a dialog over the conversation only, so that the outside world stays in reach.
//
// What is typed is kept here until the stand-in knows it, and drawn again wherever block and field are still the same.

import { freshId, h } from "./dom.js";
import { blocks } from "./blocks.js";
import { inWords } from "./api.js";
import { property } from "./fields.js";

const INSIDE = "button:not([disabled]):not([tabindex='-1']), a[href], input:not([disabled]), select, textarea, summary, [tabindex='0']";

export class Modals {
  // `acts`: {press(where, block, element, given, state), submit(id, values, settled), close(id), save(id, block, element, given), load(id, field, query)}
  constructor(place, stage, acts) {
    this.place = place;
    this.stage = stage;
    this.acts = acts;
    this.drafts = new Map();
    this.shown = null;
    this.opener = null;
    this.notice = "";
    this.busy = false;
  }

  draw(views, base) {
    const view = views.at(-1);
    for (const id of this.drafts.keys()) if (!views.some((one) => one.id === id)) this.drafts.delete(id);
    if (!view) return this.gone();
    const mark = `${view.id}/${view.hash}/${JSON.stringify(view.errors || {})}/${this.notice}/${views.length}`;
    if (this.shown?.mark === mark && this.shown.user === base.user) return;
    this.base = base;
    const fresh = this.shown?.id !== view.id;
    if (!this.shown) this.opener = document.activeElement;
    const place = this.placeOfFocus();
    const scrolled = this.shown && !fresh ? this.place.querySelector(".modal-body")?.scrollTop : 0;
    const element = this.build(view, base, views.length);
    this.place.replaceChildren(element);
    for (const other of this.stage.children) if (other !== this.place) other.inert = true;
    element.show();
    element.querySelector(".modal-body").scrollTop = scrolled || 0;
    const first = this.shown;
    this.shown = { id: view.id, mark, user: base.user, errors: JSON.stringify(view.errors || {}) };
    const wrong = Object.keys(view.errors || {}).length && first?.errors !== this.shown.errors;
    this.aim(element, view, { fresh, place, wrong });
  }

  // The focus goes to the first field of a new form, to the first field with an error, and otherwise stays.
  aim(element, view, { fresh, place, wrong }) {
    const away = !fresh && !place && !wrong;
    if (away) return;
    const byBlock = (id) => element.querySelector(`[data-block="${CSS.escape(id)}"] :is(input, textarea, select)`);
    const target = (wrong && this.fields.find((one) => view.errors[one.block.block_id]) && byBlock(this.fields.find((one) => view.errors[one.block.block_id]).block.block_id))
      || (place && !fresh && element.querySelector(`[data-focus="${CSS.escape(place.focus)}"]`))
      || element.querySelector(".modal-body :is(input, textarea, select)") || element.querySelector(".modal-foot .primary") || element.querySelector(".modal-foot button");
    if (!target) return;
    target.focus();
    if (place && target.dataset.focus === place.focus && place.start !== null && target.setSelectionRange) {
      try { target.setSelectionRange(place.start, place.end); } catch { /* has no caret */ }
    }
    if (wrong) target.closest(".block")?.scrollIntoView({ block: "nearest" });
  }

  placeOfFocus() {
    const active = document.activeElement;
    if (!this.place.contains(active)) return null;
    let start = null; let end = null;
    try { start = active.selectionStart; end = active.selectionEnd; } catch { /* has no caret */ }
    return { focus: active.dataset.focus || "", start, end };
  }

  gone() {
    if (!this.shown) return;
    const had = this.place.contains(document.activeElement) || document.activeElement === document.body;
    this.place.replaceChildren();
    for (const other of this.stage.children) other.inert = false;
    this.shown = null;
    this.notice = "";
    if (!had) return;
    const back = this.opener?.isConnected && this.opener !== document.body ? this.opener
      : this.opener?.dataset?.focus && document.querySelector(`[data-focus="${CSS.escape(this.opener.dataset.focus)}"]`);
    (back || document.getElementById("command"))?.focus({ preventScroll: true });
  }

  build(view, base, depth) {
    const titleId = freshId("modal");
    this.fields = [];
    const drafts = this.drafts.get(view.id) || {};
    const context = {
      ...base, fields: this.fields, values: view.state.values, drafts, errors: view.errors || {},
      press: (block, one, given) => this.press(view, block, one, given),
      change: (made, final, dispatch) => this.changed(view, made, final, dispatch),
      load: (made, query) => this.acts.load(view.id, made, query),
      attach: (name, content) => this.acts.attach(name, content),
    };
    const body = h("div", { class: "modal-body" }, blocks(view.blocks, context));
    const foot = h("div", { class: "modal-foot" },
      h("p", { class: "press-said", role: "alert" }, this.notice),
      h("button", { type: "button", class: "btn", "data-focus": "modal-close", onclick: () => this.close(view) }, view.close?.text || (view.submit ? "Cancel" : "Close")),
      view.submit ? h("button", { type: "submit", class: "btn primary", "data-focus": "modal-submit" }, view.submit.text) : null);
    const form = h("form", { novalidate: true, onsubmit: (event) => { event.preventDefault(); this.submit(view, event.submitter); } },
      h("header", { class: "modal-head" }, h("h2", { id: titleId }, view.title.text), depth > 1 ? h("span", { class: "muted" }, `window ${depth}`) : null,
        h("button", { type: "button", class: "btn quiet", "aria-label": "Close this window", "data-focus": "modal-x", onclick: () => this.close(view) }, "✕")),
      body, foot);
    const element = h("dialog", { class: `modal${depth > 1 ? " stacked" : ""}`, "aria-labelledby": titleId }, form);
    element.addEventListener("keydown", (event) => this.key(event, element, view));
    return element;
  }

  key(event, element, view) {
    if (event.key === "Escape" && !event.defaultPrevented) {
      event.preventDefault();
      this.close(view);
    } else if (event.key === "Tab") {
      const stops = [...element.querySelectorAll(INSIDE)].filter((one) => one.offsetParent !== null && (one.type !== "radio" || one.checked || !element.querySelector(`input[name="${one.name}"]:checked`)));
      const at = stops.indexOf(document.activeElement);
      const edge = event.shiftKey ? at <= 0 : at === stops.length - 1;
      if (edge) { event.preventDefault(); (event.shiftKey ? stops.at(-1) : stops[0])?.focus(); }
    }
  }

  // Values of this form that the stand-in does not know yet.
  typed(view) {
    const values = {};
    for (const made of this.fields) {
      if (!made.dirty && !this.drafts.get(view.id)?.[made.name]) continue;
      if (/external_select$/.test(made.element.type)) continue;  // known at once: see `changed`
      (values[made.block.block_id] ||= {})[made.element.action_id] = made.read();
    }
    return values;
  }

  keep(view, made) {
    const drafts = this.drafts.get(view.id) || {};
    drafts[made.name] = { type: made.element.type, given: made.drawn() };
    this.drafts.set(view.id, drafts);
  }

  async changed(view, made, final, dispatch) {
    this.keep(view, made);
    const typedText = ["plain_text_input", "number_input", "email_text_input", "url_text_input"].includes(made.element.type);
    if (dispatch && (typedText ? final === "enter" : final)) return this.press(view, made.block, made.element, made.read());
    if (final === "enter") return this.submit(view);
    if (final && made.block.type === "input" && made.element.type !== "file_input" && !dispatch) {
      const answer = await this.acts.save(view.id, made.block, made.element, made.read());
      if (answer.ok && JSON.stringify(this.drafts.get(view.id)?.[made.name]?.given) === JSON.stringify(made.drawn())) this.forget(view, made);
    }
  }

  forget(view, made) {
    made.dirty = false;
    const drafts = this.drafts.get(view.id);
    if (drafts) delete drafts[made.name];
  }

  async press(view, block, one, given) {
    const state = this.typed(view);
    this.tell("");
    const answer = await this.acts.press({ view_id: view.id }, block, one, given, state);
    if (answer.ok) for (const made of this.fields) if (state[made.block.block_id]?.[made.element.action_id] || made.element === one) this.forget(view, made);
    this.tell(inWords(answer));
    return answer;
  }

  async submit(view, button) {
    if (this.busy) return;
    this.busy = true;
    button?.classList.add("busy");
    this.tell("");
    if (this.shown) this.shown.errors = "sent";  // an error that stays the same is pointed at again
    const answer = await this.acts.submit(view.id, this.typed(view), () => {
      this.busy = false;
      button?.classList.remove("busy");
    });
    this.tell(inWords(answer));
  }

  async close(view) {
    if (this.busy) return;
    this.drafts.delete(view.id);
    const answer = await this.acts.close(view.id);
    this.tell(inWords(answer));
  }

  tell(words) {
    this.notice = "";
    const place = this.place.querySelector(".modal-foot .press-said");
    if (place && place.textContent !== words) place.textContent = words;
  }
}

export const given = (element, value) => ({ [property(element)]: value });
