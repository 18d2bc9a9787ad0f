// The people one can be: a listbox with the cast by name, and everybody else behind a search.

import { byId, freshId, h, keyed } from "./dom.js";
import { initials } from "./words.js";

let query = "";
let others = false;
let drawn = null; // what was drawn last: a button that outlives a drawing draws that, not what it was made with

export function drawPeople(state, current, choose) {
  drawn = [state, current, choose];
  const root = byId("people");
  const cast = state.people.filter((one) => one.in_cast);
  const rest = state.people.filter((one) => !one.in_cast);
  const words = query.toLowerCase();
  const inRest = rest.some((one) => one.id === current);
  const shownRest = others ? rest.filter((one) => `${one.name} ${one.title}`.toLowerCase().includes(words)) : rest.filter((one) => one.id === current);
  const again = () => drawPeople(...drawn);
  keyed(root, [
    { key: "cast", mark: JSON.stringify([cast, current, inRest]), make: () => listbox("People of the story", cast, current, choose) },
    ...(rest.length ? [{ key: "more", mark: JSON.stringify([others, rest.length]), make: () => h("button", { type: "button", class: "btn quiet wide", "aria-expanded": String(others), "data-focus": "someone-else", onclick: () => { others = !others; query = ""; again(); } }, others ? "Fewer people" : `Someone else (${rest.length})`) }] : []),
    ...(others ? [{ key: "find", mark: "", make: () => h("label", { class: "search" }, h("span", { class: "sr" }, "Find somebody else"), h("input", { type: "search", class: "text", placeholder: "Find somebody", "data-focus": "find-other", oninput: (event) => { query = event.target.value; again(); } })) }] : []),
    ...(shownRest.length ? [{ key: "rest", mark: JSON.stringify([shownRest, current]), make: () => listbox("Other people", shownRest, current, choose) }] : []),
  ]);
}

function listbox(label, people, current, choose) {
  const at = Math.max(0, people.findIndex((one) => one.id === current));
  const rows = people.map((one, index) => row(one, one.id === current, index === at));
  const list = h("ul", { role: "listbox", "aria-label": label, class: "people", "data-focus": label, tabindex: "0", "aria-activedescendant": rows[at]?.id }, rows);
  let active = at;
  const move = (to) => {
    rows[active].classList.remove("active");
    active = (to + rows.length) % rows.length;
    rows[active].classList.add("active");
    rows[active].scrollIntoView({ block: "nearest" });
    list.setAttribute("aria-activedescendant", rows[active].id);
  };
  list.addEventListener("focus", () => rows[active]?.classList.add("active"));
  list.addEventListener("blur", () => rows[active]?.classList.remove("active"));
  list.addEventListener("keydown", (event) => {
    const to = { ArrowDown: active + 1, ArrowUp: active - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to !== undefined) { event.preventDefault(); move(to); }
    else if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(people[active].id); }
  });
  rows.forEach((element, index) => element.addEventListener("click", () => { move(index); choose(people[index].id); }));
  return list;
}

function row(one, selected) {
  const role = [one.role || one.title, one.left ? "left the company" : ""].filter(Boolean).join(", ");
  const counts = [one.waiting && `${one.waiting} to answer`, one.unread && `${one.unread} unread`].filter(Boolean).join(", ");
  return h("li", { role: "option", id: freshId("person"), "aria-selected": String(selected), class: "person" },
    h("span", { class: "face letters", "aria-hidden": "true" }, initials(one.name)),
    h("span", { class: "person-words" }, h("bdi", { class: "person-name" }, one.name), h("span", { class: "person-role" }, role)),
    counts ? h("span", { class: `badge${one.waiting ? "" : " quiet"}`, title: counts }, String(one.waiting || one.unread), h("span", { class: "sr" }, ` (${counts})`)) : null);
}
