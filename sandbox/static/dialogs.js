// Native dialogs for questions, and the small menu behind “⋯”.

import { freshId, h } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";

// Shows a dialog; resolves with what a button was worth, or null. Focus starts on the first button named `start`.
export function dialog({ title, body = [], buttons, start = null, wide = false, opener = document.activeElement }) {
  return new Promise((resolve) => {
    const titleId = freshId("dialog");
    let worth = null;
    const made = buttons.map((one) => h("button", { type: "button", class: `btn ${one.style || ""}`, onclick: () => { worth = one.worth; element.close(); } }, one.label));
    const element = h("dialog", { class: `question${wide ? " wide" : ""}`, "aria-labelledby": titleId },
      h("h2", { id: titleId }, title), h("div", { class: "question-body" }, body), h("div", { class: "question-buttons" }, made));
    element.addEventListener("close", () => {
      element.remove();
      if (opener?.isConnected) opener.focus({ preventScroll: true });
      resolve(worth);
    });
    element.done = (value) => { worth = value; element.close(); };
    document.body.append(element);
    element.showModal();
    (made[buttons.findIndex((one) => one.label === start)] || element.querySelector("input, .question-body button") || made[0])?.focus();
  });
}

// A confirm object of Block Kit; true at once when there is none. Starts on cancel.
export async function confirmed(confirm, opener, context) {
  if (!confirm) return true;
  const words = confirm.text.type === "mrkdwn" ? mrkdwn(confirm.text.text, context) : [h("span", { class: "lines" }, confirm.text.text)];
  const deny = confirm.deny?.text || "Cancel";
  return (await dialog({
    title: confirm.title?.text || "Are you sure?", body: [h("p", {}, words)], start: deny, opener,
    buttons: [{ label: deny, worth: false }, { label: confirm.confirm?.text || "Yes", worth: true, style: confirm.style || "primary" }],
  })) === true;
}

// A button with a list of acts: [{label, more, act(opener)}].
export function menu(label, items, focus) {
  const id = freshId("menu");
  const list = h("ul", { id, role: "menu", class: "menu", "aria-label": label });
  list.hidden = true;
  const opener = h("button", { type: "button", class: "btn more", "aria-label": label, "aria-haspopup": "menu", "aria-expanded": "false", "aria-controls": id, "data-focus": focus,
    onclick: () => (list.hidden ? open() : close()) }, "⋯");
  const rows = items.map((item) => h("li", { role: "none" }, h("button", { type: "button", role: "menuitem", tabindex: "-1", onclick: () => { close(); opener.focus(); item.act(opener); } },
    item.label, item.more ? h("small", {}, item.more) : null)));
  list.append(...rows);
  const buttons = () => [...list.querySelectorAll("button")];
  function open() {
    list.hidden = false;
    opener.setAttribute("aria-expanded", "true");
    const box = opener.getBoundingClientRect();
    list.style.left = `${Math.max(8, Math.min(box.left, window.innerWidth - list.offsetWidth - 8))}px`;
    list.style.top = box.bottom + list.offsetHeight + 8 > window.innerHeight ? `${box.top - list.offsetHeight - 4}px` : `${box.bottom + 4}px`;
    buttons()[0]?.focus();
    document.addEventListener("pointerdown", away, true);
    window.addEventListener("scroll", close, true);
  }
  function close() {
    if (!list.hidden) setTimeout(() => document.dispatchEvent(new Event("settled")), 0);
    list.hidden = true;
    opener.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", away, true);
    window.removeEventListener("scroll", close, true);
  }
  const away = (event) => { if (!root.contains(event.target)) close(); };
  list.addEventListener("keydown", (event) => {
    const all = buttons();
    const at = all.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) { event.preventDefault(); all[(to + all.length) % all.length].focus(); }
    else if (event.key === "Escape" || event.key === "Tab") {
      event.stopPropagation();
      if (event.key === "Escape") event.preventDefault();
      close();
      opener.focus();
    }
  });
  const root = h("span", { class: "menu-root" }, opener, list);
  return root;
}
