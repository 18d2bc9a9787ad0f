// Elements are made by code and text is always text: nothing on this page is ever parsed as HTML.

export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name === "value" || name === "checked" || name === "disabled") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

let counter = 0;
export const freshId = (prefix) => `${prefix}-${++counter}`;

// Says something to people who listen, without moving anything on screen.
export function announce(words) {
  const place = byId("status");
  place.textContent = "";
  setTimeout(() => { place.textContent = words; }, 50);
}

// A list somebody is choosing from is not drawn anew under their hand; "settled" is dispatched when it closes.
const IN_USE = ":is([role=combobox], [aria-haspopup=menu])[aria-expanded=true]";

// Replaces what `parent` shows by `wanted`, a list of {key, mark, make}; what has the same key and mark is left alone.
export function keyed(parent, wanted) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let before = parent.firstElementChild;
  for (const { key, mark, make } of wanted) {
    let child = known.get(key);
    if (child && (child.dataset.mark === mark || child.querySelector(IN_USE))) {
      known.delete(key);
      if (child === before) before = before.nextElementSibling;
      else parent.insertBefore(child, before);
      continue;
    }
    const fresh = make();
    fresh.dataset.key = key;
    fresh.dataset.mark = mark;
    if (child) {
      known.delete(key);
      const focus = focusMark(child);
      if (child === before) before = before.nextElementSibling;
      child.replaceWith(fresh);
      child = fresh;
      if (before && fresh.nextElementSibling !== before) parent.insertBefore(fresh, before);
      refocus(fresh, focus);
    } else parent.insertBefore(fresh, before);
  }
  for (const gone of known.values()) gone.remove();
}

// Where the focus is inside an element, in words that survive a new drawing of it.
export function focusMark(element) {
  const active = document.activeElement;
  if (!active || active === document.body || !element.contains(active)) return null;
  const mark = { focus: active.dataset.focus || "", start: null, end: null, inside: true };
  try { mark.start = active.selectionStart; mark.end = active.selectionEnd; } catch { /* has no caret */ }
  return mark;
}

export function refocus(element, mark) {
  if (!mark) return;
  const wanted = mark.focus && element.querySelector(`[data-focus="${CSS.escape(mark.focus)}"]`);
  const place = wanted || element.querySelector("button, a[href], input, select, textarea, [tabindex]") || element;
  if (place === element && !element.hasAttribute("tabindex")) element.tabIndex = -1;
  place.focus({ preventScroll: true });
  if (wanted && mark.start !== null && wanted.setSelectionRange) {
    try { wanted.setSelectionRange(mark.start, mark.end); } catch { /* has no caret */ }
  }
}

// Arrow keys, Home and End among the children that match; one of them is in the tab order.
export function roving(container, selector, { vertical = false, act = null } = {}) {
  container.addEventListener("keydown", (event) => {
    const all = [...container.querySelectorAll(selector)];
    const at = all.indexOf(document.activeElement);
    if (at < 0) return;
    const [next, previous] = vertical ? ["ArrowDown", "ArrowUp"] : ["ArrowRight", "ArrowLeft"];
    const to = { [next]: at + 1, [previous]: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined) {
      if (act && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); act(all[at]); }
      return;
    }
    event.preventDefault();
    const target = all[(to + all.length) % all.length];
    for (const one of all) one.tabIndex = one === target ? 0 : -1;
    target.focus();
  });
}
