// Block Kit as Slack lays it out: the same order of blocks and buttons, drawn in this page's own look.
//
// context: {names, channels, now, tz, values, errors, press(block, element, given), change(field, final), load(field, query),
//           peopleOptions(), channelOptions(), fields: []}; every field drawn is added to `fields`.

import { field, isField, property } from "./fields.js";
import { freshId, h } from "./dom.js";
import { mrkdwn, outward, safe } from "./mrkdwn.js";
import { confirmed, menu } from "./dialogs.js";

export function blocks(list, context) {
  return list.map((block) => draw(block, context));
}

function draw(block, context) {
  const make = { section, header, context: small, actions, divider, image, input, rich_text: rich, markdown, table, alert }[block.type];
  return make ? make(block, context) : h("p", { class: "block unknown" }, `A block of the kind “${block.type}” is not drawn here.`);
}

export function words(text, context) {
  if (!text) return [];
  if (text.type === "mrkdwn") return mrkdwn(text.text, context);
  return [h("span", { class: "lines", dir: "auto" }, text.text)];
}

function section(block, context) {
  return h("div", { class: `block section${block.accessory ? " with-accessory" : ""}` },
    h("div", { class: "section-main" },
      block.text ? h("div", { class: "text-block" }, words(block.text, context)) : null,
      block.fields ? h("div", { class: "field-grid" }, block.fields.map((one) => h("div", {}, words(one, context)))) : null),
    block.accessory ? h("div", { class: "accessory" }, element(block, block.accessory, context)) : null);
}

const header = (block) => h("h3", { class: "block head", dir: "auto" }, block.text.text);
const divider = () => h("hr", { class: "block" });

function small(block, context) {
  return h("div", { class: "block context" }, block.elements.map((one) => (one.type === "image" ? picture(one, "icon") : h("span", {}, words(one, context)))));
}

const actions = (block, context) => h("div", { class: "block actions" }, block.elements.map((one) => element(block, one, context)));

const address = (block) => (block.slack_file?.id ? `/api/files/${encodeURIComponent(block.slack_file.id)}` : safe(block.image_url || "") ? block.image_url : null);
const picture = (block, kind) => h("img", { class: kind, src: address(block), alt: block.alt_text || "", loading: "lazy" });

function image(block) {
  return h("figure", { class: "block" }, block.title ? h("figcaption", {}, block.title.text) : null, picture(block, "picture"));
}

const alert = (block, context) => h("div", { class: `block alert ${block.level || ""}` }, words(block.text, context));
const markdown = (block) => h("div", { class: "block lines" }, block.text);

function rich(block) {
  const leaf = (one) => {
    if (one.type === "text") {
      const style = one.style || {};
      return [["bold", "strong"], ["italic", "em"], ["strike", "s"], ["code", "code"]].reduce((inner, [name, tag]) => (style[name] ? h(tag, {}, inner) : inner), one.text);
    }
    if (one.type === "link" && safe(one.url)) return h("a", outward(one.url), one.text || one.url);
    if (one.type === "rich_text_list") return h(one.style === "ordered" ? "ol" : "ul", {}, one.elements.map((item) => h("li", {}, item.elements.map(leaf))));
    const tag = { rich_text_quote: "blockquote", rich_text_preformatted: "pre", rich_text_section: "span" }[one.type];
    return tag ? h(tag, { class: "lines" }, one.elements.map(leaf)) : h("span", {}, one.text || one.unicode || one.name || one.user_id || "");
  };
  return h("div", { class: "block" }, block.elements.map(leaf));
}

function table(block) {
  const cell = (one) => (one.type === "raw_text" ? one.text : rich({ elements: one.elements || [] }));
  const [first, ...rest] = block.rows;
  return h("div", { class: "block table-wrap", tabindex: "0", role: "region", "aria-label": "Table" }, h("table", {}, h("thead", {}, h("tr", {}, first.map((one) => h("th", { scope: "col" }, cell(one))))),
    h("tbody", {}, rest.map((row) => h("tr", {}, row.map((one) => h("td", {}, cell(one))))))));
}

// -- fields of forms ---------------------------------------------------------------------------------------------

function input(block, context) {
  const id = freshId("field");
  const labelId = `${id}-label`;
  const error = context.errors?.[block.block_id];
  const describedBy = [error && `${id}-error`, block.hint && `${id}-hint`].filter(Boolean).join(" ") || null;
  const made = field(block, block.element, {
    ...context, id, labelId, label: block.label.text, describedBy, invalid: Boolean(error), required: !block.optional,
    value: (b, e) => valueOf(b, e, context), text: (text) => words(text, context),
    change: (one, final) => context.change?.(one, final, block.dispatch_action),
  });
  context.fields.push(made);
  const grouped = ["radio_buttons", "checkboxes"].includes(block.element.type);
  return h("div", { class: `block input${error ? " wrong" : ""}`, "data-block": block.block_id },
    h(grouped ? "span" : "label", { class: "label", id: labelId, for: grouped ? null : id }, block.label.text, block.optional ? h("span", { class: "optional" }, " (optional)") : null),
    made.node,
    error ? h("p", { class: "field-error", id: `${id}-error` }, error) : null,
    block.hint ? h("p", { class: "hint", id: `${id}-hint` }, block.hint.text) : null);
}

function valueOf(block, one, context) {
  const drafted = context.drafts?.[`${block.block_id}/${one.action_id}`];
  if (drafted && drafted.type === one.type) return drafted.given[property(one)];
  const known = context.values?.[block.block_id]?.[one.action_id];
  if (known) return known[property(one)];
  const initial = Object.entries(one).find(([name]) => name.startsWith("initial_"));
  return initial ? initial[1] : null;
}

// -- what is pressed ---------------------------------------------------------------------------------------------

function element(block, one, context) {
  if (one.type === "image") return picture(one, "thumb");
  if (one.type === "button" || one.type === "workflow_button") return button(block, one, context);
  if (one.type === "overflow") return overflow(block, one, context);
  if (!isField(one)) return h("span", {}, `(${one.type})`);
  const id = freshId("field");
  const made = field(block, one, {
    ...context, label: one.placeholder?.text || "Choose", clearable: false,
    value: (b, e) => valueOf(b, e, context), text: (text) => words(text, context),
    change: async (chosen, final) => {
      if (context.keep) context.drafts[chosen.name] = { type: one.type, given: chosen.drawn() };
      if (!final || (final !== "enter" && ["plain_text_input", "number_input"].includes(one.type))) return context.change?.(chosen, false, false);
      if (await confirmed(one.confirm, made.focus, context)) context.press(block, one, chosen.read(), made.focus);
    },
  });
  made.id = id;
  context.fields.push(made);
  return made.node;
}

function button(block, one, context) {
  const name = one.accessibility_label && one.accessibility_label !== one.text.text ? one.accessibility_label : null;
  const attributes = { class: `btn ${one.style || ""}`, "data-focus": `${block.block_id}/${one.action_id}`, "aria-label": name };
  const act = async (event) => {
    const { currentTarget } = event;
    if (currentTarget.getAttribute("aria-disabled") === "true") return event.preventDefault();
    if (one.confirm) event.preventDefault();
    if (!(await confirmed(one.confirm, currentTarget, context))) return;
    currentTarget.setAttribute("aria-disabled", "true");
    currentTarget.classList.add("busy");
    try { await context.press(block, one, {}, currentTarget); }
    finally { currentTarget.removeAttribute("aria-disabled"); currentTarget.classList.remove("busy"); }
    if (one.url && one.confirm && safe(one.url)) window.open(one.url, "_blank", "noopener");
  };
  if (one.url && safe(one.url)) return h("a", { ...attributes, ...outward(one.url), onclick: act }, one.text.text);
  return h("button", { ...attributes, type: "button", onclick: act }, one.text.text);
}

function overflow(block, one, context) {
  const items = one.options.map((option) => ({ label: option.text.text, more: option.description?.text, act: async (opener) => {
    if (!(await confirmed(one.confirm, opener, context))) return;
    if (option.url && safe(option.url)) window.open(option.url, "_blank", "noopener");
    await context.press(block, one, { selected_option: { value: option.value } }, opener);
  } }));
  return menu("More", items, `${block.block_id}/${one.action_id}`);
}
