// Everything a person can fill in or choose, from an element of Block Kit to a control and back to Slack's value.
//
// field(block, element, context) -> {node, focus, read(), drawn()}; read() gives what the person API takes, such as
// {selected_option: {value}}; drawn() the same with all that is needed to draw it again. context.change(field, final) is called after each change; final means: done choosing.

import { freshId, h } from "./dom.js";
import { filtered, picker } from "./picker.js";

const PROPERTY = {
  plain_text_input: "value", email_text_input: "value", url_text_input: "value", number_input: "value",
  static_select: "selected_option", external_select: "selected_option", radio_buttons: "selected_option",
  users_select: "selected_user", conversations_select: "selected_conversation", channels_select: "selected_channel",
  multi_static_select: "selected_options", multi_external_select: "selected_options", checkboxes: "selected_options",
  multi_users_select: "selected_users", multi_conversations_select: "selected_conversations", multi_channels_select: "selected_channels",
  file_input: "files",
  datepicker: "selected_date", timepicker: "selected_time", datetimepicker: "selected_date_time",
};
export const isField = (element) => element.type in PROPERTY;
export const property = (element) => PROPERTY[element.type];

const optionOf = (option) => ({ value: option.value, text: option.text.text, description: option.description?.text, whole: option });
const groupsOf = (element) => [
  ...(element.options ? [{ label: "", options: element.options.map(optionOf) }] : []),
  ...(element.option_groups || []).map((group) => ({ label: group.label?.text || "", options: group.options.map(optionOf) })),
];

export function field(block, element, context) {
  const name = `${block.block_id}/${element.action_id}`;
  const current = context.value(block, element);
  const attributes = { id: context.id, "data-focus": name, "aria-describedby": context.describedBy, "aria-invalid": context.invalid ? "true" : null,
    "aria-required": context.required ? "true" : null, "aria-label": context.id ? null : labelOf(element) };
  const made = { block, element, name, dirty: false };
  const changed = (final) => { made.dirty = true; context.change?.(made, final); };
  if (/^(plain|email|url)_/.test(element.type)) text(made, current, attributes, changed);
  else if (element.type === "number_input") number(made, current, attributes, changed);
  else if (element.type === "file_input") files(made, current, attributes, changed, context);
  else if (/picker$/.test(element.type)) moment(made, current, attributes, changed);
  else if (element.type === "radio_buttons" || element.type === "checkboxes") choices(made, current, attributes, changed, context);
  else list(made, current, attributes, changed, context);
  made.drawn ||= made.read;
  return made;
}

const labelOf = (element) => element.placeholder?.text || element.action_id.replaceAll("_", " ");

function text(made, current, attributes, changed) {
  const { element } = made;
  const tag = element.multiline ? "textarea" : "input";
  const kind = { email_text_input: "email", url_text_input: "url" }[element.type] || "text";
  made.focus = made.node = h(tag, {
    class: "text", ...attributes, type: element.multiline ? null : kind, rows: element.multiline ? 4 : null, dir: "auto",
    placeholder: element.placeholder?.text, oninput: () => changed(false), onchange: () => changed(true),
    onkeydown: (event) => { if (event.key === "Enter" && !element.multiline) { event.preventDefault(); changed("enter"); } },
  });
  made.node.value = current ?? "";
  made.read = () => ({ value: made.node.value === "" ? null : made.node.value });
}

function number(made, current, attributes, changed) {
  const { element } = made;
  made.focus = made.node = h("input", {
    class: "text number", ...attributes, type: "text", inputmode: element.is_decimal_allowed ? "decimal" : "numeric",
    placeholder: element.placeholder?.text, oninput: () => changed(false), onchange: () => changed(true),
    onkeydown: (event) => { if (event.key === "Enter") { event.preventDefault(); changed("enter"); } },
  });
  made.node.value = current ?? "";
  made.read = () => ({ value: made.node.value.trim() === "" ? null : made.node.value.trim() });
}

function moment(made, current, attributes, changed) {
  const { element } = made;
  const kind = { datepicker: "date", timepicker: "time", datetimepicker: "datetime-local" }[element.type];
  made.focus = made.node = h("input", { class: "text moment", ...attributes, type: kind, onchange: () => changed(true) });
  if (kind === "datetime-local") made.node.value = current ? new Date(current * 1000).toISOString().slice(0, 16) : "";
  else made.node.value = current ?? "";
  const value = () => (made.node.value === "" ? null : kind === "datetime-local" ? Date.parse(`${made.node.value}Z`) / 1000 : made.node.value);
  made.read = () => ({ [property(element)]: value() });
}

// Files go to the stand-in when they are picked; the value names them.
function files(made, current, attributes, changed, context) {
  const { element } = made;
  let picked = current || [];
  const said = h("span", { class: "muted", role: "status" });
  const names = () => { said.textContent = picked.map((one) => `${one.name}, ${one.size.toLocaleString("en-GB")} bytes`).join("; "); };
  made.focus = h("input", {
    class: "text file", ...attributes, type: "file", multiple: (element.max_files ?? 10) > 1,
    accept: (element.filetypes || []).map((one) => `.${one}`).join(",") || null,
    onchange: async () => {
      picked = [];
      for (const file of made.focus.files) {
        const bytes = new Uint8Array(await file.arrayBuffer());
        let text = "";
        for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
        const answer = await context.attach(file.name, btoa(text));
        if (answer.ok) picked.push(answer.file);
        else said.textContent = answer.error;
      }
      if (picked.length) names();
      changed(true);
    },
  });
  made.node = h("div", {}, made.focus, said);
  names();
  made.read = () => ({ files: picked.map((one) => ({ id: one.id })) });
  made.drawn = () => ({ files: picked });
}

function choices(made, current, attributes, changed, context) {
  const { element } = made;
  const several = element.type === "checkboxes";
  const known = new Set((several ? current || [] : current ? [current] : []).map((one) => one.value ?? one));
  const group = freshId("choice");
  const inputs = element.options.map((option, index) => h("input", {
    type: several ? "checkbox" : "radio", name: group, value: option.value, checked: known.has(option.value), id: index ? freshId("one") : attributes.id || freshId("one"),
    "data-focus": `${made.name}/${option.value}`, onchange: () => changed(true),
  }));
  made.node = h("div", { class: "choices", role: several ? "group" : "radiogroup", "aria-labelledby": context.labelId, "aria-label": context.labelId ? null : labelOf(element),
    "aria-describedby": attributes["aria-describedby"], "aria-invalid": attributes["aria-invalid"], "aria-required": several ? null : attributes["aria-required"] },
  element.options.map((option, index) => h("label", { class: "choice" }, inputs[index], h("span", {}, h("span", {}, context.text(option.text)),
    option.description ? h("small", {}, context.text(option.description)) : null))));
  made.focus = inputs.find((one) => one.checked) || inputs[0];
  const chosen = () => inputs.filter((one) => one.checked).map((one) => ({ value: one.value }));
  made.read = () => (several ? { selected_options: chosen() } : { selected_option: chosen()[0] || null });
}

function list(made, current, attributes, changed, context) {
  const { element } = made;
  const multi = element.type.startsWith("multi_");
  const kind = element.type.replace("multi_", "");
  const options = { static_select: () => groupsOf(element), users_select: () => context.peopleOptions(),
    conversations_select: () => context.channelOptions(), channels_select: () => context.channelOptions() }[kind];
  const load = options ? filtered(options()) : external(made, context);
  const all = options ? options().flatMap((group) => group.options) : [];
  const givens = multi ? current || [] : current ? [current] : [];
  const chosen = givens.map((one) => (typeof one === "string" ? all.find((other) => other.value === one) || { value: one, text: one } : optionOf(one)));
  made.node = picker({
    label: context.label || labelOf(element), multi, placeholder: element.placeholder?.text || (kind === "external_select" ? "Type to search" : "Choose"),
    load, chosen, most: element.max_selected_items, change: () => changed(true), attributes, clearable: context.clearable ?? true,
  });
  made.focus = made.node.querySelector("input");
  const ids = kind !== "static_select" && kind !== "external_select";
  const read = () => made.node.chosen().map((one) => (ids ? one.value : { value: one.value }));
  made.read = () => ({ [property(element)]: multi ? read() : read()[0] ?? null });
  const whole = () => made.node.chosen().map((one) => (ids ? one.value : one.whole || { value: one.value, text: { text: one.text } }));
  made.drawn = () => ({ [property(element)]: multi ? whole() : whole()[0] ?? null });
}

function external(made, context) {
  const least = made.element.min_query_length ?? 3;
  return async (query) => {
    if (query.length < least) return `Type ${least === 1 ? "a letter" : `${least} letters`} or more.`;
    const answer = await context.load(made, query);
    if (!answer.ok) return answer.error || "The list could not be loaded.";
    return groupsOf(answer);
  };
}
