// One list to choose from, for every select of Block Kit: a combobox with a listbox, for one or several values.
//
// picker({label, multi, placeholder, hint, load, chosen, most, change, attributes}) -> element
//   load(query) -> promise of groups [{label, options: [{value, text, description}]}], or a string to say instead
//   change(chosen) is called with the list of chosen options after each choice of the person

import { announce, freshId, h } from "./dom.js";

export function picker({ label, multi = false, placeholder = "", load, chosen = [], most = Infinity, change, attributes = {}, clearable = true }) {
  const listId = freshId("list");
  let current = [...chosen];
  let open = false;
  let rows = [];
  let active = -1;
  let asked = 0;

  const chips = h("span", { class: "chips" });
  const input = h("input", {
    type: "text", role: "combobox", "aria-expanded": "false", "aria-controls": listId, "aria-autocomplete": "list",
    autocomplete: "off", spellcheck: "false", placeholder, ...attributes,
  });
  const clear = h("button", { type: "button", class: "clear", "aria-label": `Clear ${label}`, onclick: () => { set([]); input.focus(); } }, "✕");
  const list = h("ul", { id: listId, role: "listbox", class: "options", "aria-label": label, "aria-multiselectable": multi ? "true" : null });
  list.hidden = true;
  const field = h("span", { class: "picker-field" }, chips, input, clear, h("span", { class: "arrow", "aria-hidden": "true" }));
  const root = h("span", { class: `picker${multi ? " multi" : ""}` }, field, list);

  function draw() {
    chips.replaceChildren(...(multi ? current.map((one) => h("span", { class: "chip" }, h("bdi", {}, one.text),
      h("button", { type: "button", "aria-label": `Remove ${one.text}`, onclick: () => { set(current.filter((other) => other.value !== one.value)); input.focus(); } }, "✕"))) : []));
    input.value = multi ? "" : current[0]?.text || "";
    input.placeholder = multi && current.length ? "" : placeholder;
    clear.hidden = multi || !current.length || !clearable;
  }

  function set(next) {
    current = next;
    draw();
    change?.(current);
  }

  function place() {
    const box = field.getBoundingClientRect();
    const below = window.innerHeight - box.bottom;
    const up = below < 220 && box.top > below;
    list.style.left = `${box.left}px`;
    list.style.width = `${box.width}px`;
    list.style.maxHeight = `${Math.max(120, Math.min(320, (up ? box.top : below) - 12))}px`;
    list.style.top = up ? "auto" : `${box.bottom + 4}px`;
    list.style.bottom = up ? `${window.innerHeight - box.top + 4}px` : "auto";
  }

  function show(groups) {
    rows = [];
    active = -1;
    const items = [];
    if (typeof groups === "string") items.push(h("li", { class: "say", role: "presentation" }, groups));
    else {
      for (const group of groups) {
        if (group.label) items.push(h("li", { class: "group", role: "presentation" }, group.label));
        for (const option of group.options) items.push(row(option));
      }
      if (!rows.length) items.push(h("li", { class: "say", role: "presentation" }, "Nothing matches."));
    }
    list.replaceChildren(...items);
    place();
    const at = rows.findIndex(({ option }) => current.some((one) => one.value === option.value));
    if (rows.length) move(Math.max(at, 0));
    else input.removeAttribute("aria-activedescendant");
  }

  function row(option) {
    const selected = current.some((one) => one.value === option.value);
    const element = h("li", {
      role: "option", id: freshId("option"), "aria-selected": String(selected), class: "option",
      onpointerdown: (event) => event.preventDefault(), onclick: () => choose(option),
    }, h("span", { class: "option-text" }, h("bdi", {}, option.text)), option.description ? h("span", { class: "option-more" }, option.description) : null);
    rows.push({ option, element });
    return element;
  }

  function move(to) {
    rows[active]?.element.classList.remove("active");
    active = (to + rows.length) % rows.length;
    const { element } = rows[active];
    element.classList.add("active");
    element.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", element.id);
  }

  function choose(option) {
    if (multi) {
      const known = current.some((one) => one.value === option.value);
      if (!known && current.length >= most) return announce(`At most ${most} can be chosen.`);
      set(known ? current.filter((one) => one.value !== option.value) : [...current, option]);
      input.value = "";
      ask();
    } else {
      close();
      set([option]);
    }
  }

  async function ask() {
    const number = ++asked;
    const query = multi ? input.value : current[0]?.text === input.value ? "" : input.value;
    const answer = load(query.trim());
    if (answer instanceof Promise) { if (!rows.length) show("Looking…"); }
    const groups = await answer;
    if (number === asked && open) show(groups);
  }

  function reveal() {
    if (open) return;
    open = true;
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    window.addEventListener("scroll", place, true);
    window.addEventListener("resize", place);
    ask();
  }

  function close() {
    if (open) setTimeout(() => document.dispatchEvent(new Event("settled")), 0);
    open = false;
    asked++;
    list.hidden = true;
    rows = [];
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    window.removeEventListener("scroll", place, true);
    window.removeEventListener("resize", place);
  }

  let pause = 0;
  input.addEventListener("input", () => {
    clear.hidden = true;
    if (!open) reveal();
    else { clearTimeout(pause); pause = setTimeout(ask, 120); }
  });
  input.addEventListener("click", reveal);
  field.addEventListener("click", (event) => { if (event.target === field || event.target.className === "arrow") { input.focus(); reveal(); } });
  input.addEventListener("focus", () => { if (!multi) input.select(); });
  input.addEventListener("blur", () => { close(); draw(); });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!open) reveal();
      else if (rows.length) move(active + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (open && rows[active]) choose(rows[active].option);
      else reveal();
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      event.stopPropagation();
      close();
      draw();
    } else if (event.key === "Backspace" && multi && !input.value && current.length) set(current.slice(0, -1));
  });

  draw();
  root.chosen = () => current;
  return root;
}

// Groups filtered by what was typed, for lists that are known beforehand.
export function filtered(groups) {
  return (query) => {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (option) => words.every((word) => `${option.text} ${option.description || ""}`.toLowerCase().includes(word));
    return groups.map((group) => ({ label: group.label, options: group.options.filter(fits) })).filter((group) => group.options.length);
  };
}
