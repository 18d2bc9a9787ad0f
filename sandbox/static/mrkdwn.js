// Slack's mrkdwn as elements. Input has & < > escaped by the app; what is not understood stays as it was typed.

import { h } from "./dom.js";
import { dateToken } from "./words.js";

const EMOJI = {
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", warning: "⚠️", hourglass: "⏳", hourglass_flowing_sand: "⏳",
  bell: "🔔", red_circle: "🔴", large_green_circle: "🟢", large_yellow_circle: "🟡", calendar: "📅", lock: "🔒", key: "🔑",
  wave: "👋", tada: "🎉", eyes: "👀", information_source: "ℹ️", question: "❓", moneybag: "💰", clipboard: "📋",
  rotating_light: "🚨", ticket: "🎫", seat: "💺", no_entry: "⛔", arrow_right: "➡️", thumbsup: "👍", speech_balloon: "💬",
};
const MARKS = { "*": "strong", "_": "em", "~": "s" };
const TOKEN = /```([\s\S]+?)```|`([^`\n]+)`|<([^<>\n]+)>|:([a-z0-9_+-]+):|[*_~]/g;
const WORD = /[\p{L}\p{N}]/u;

export const unescaped = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

// `context` names people and channels and knows the reader's time: {names, channels, now, tz}.
export function mrkdwn(text, context) {
  const parts = [];
  let quote = [];
  const flush = () => {
    if (quote.length) parts.push(h("blockquote", {}, ...inline(quote.join("\n"), context)));
    quote = [];
  };
  const plain = [];
  const settle = () => {
    if (plain.length) parts.push(h("span", { class: "lines" }, ...inline(plain.join("\n"), context)));
    plain.length = 0;
  };
  let fenced = false;
  for (const line of String(text).split("\n")) {
    const quoted = !fenced && /^(&gt;|>) ?/.exec(line);
    if ((line.match(/```/g) || []).length % 2) fenced = !fenced;
    if (quoted) { settle(); quote.push(line.slice(quoted[0].length)); }
    else { flush(); plain.push(line); }
  }
  flush();
  settle();
  return parts;
}

function inline(text, context) {
  const out = [];
  let from = 0;
  TOKEN.lastIndex = 0;
  for (let found = TOKEN.exec(text); found; found = TOKEN.exec(text)) {
    const start = found.index;
    let node = null;
    let end = TOKEN.lastIndex;
    if (found[1] !== undefined) node = h("pre", {}, unescaped(found[1].replace(/^\n|\n$/g, "")));
    else if (found[2] !== undefined) node = h("code", {}, unescaped(found[2]));
    else if (found[3] !== undefined) node = angle(found[3], context);
    else if (found[4] !== undefined) node = EMOJI[found[4]] ? h("span", { role: "img", "aria-label": found[4].replaceAll("_", " ") }, EMOJI[found[4]]) : null;
    else {
      const close = closing(text, start);
      if (close > 0) {
        node = h(MARKS[found[0]], {}, ...inline(text.slice(start + 1, close), context));
        end = close + 1;
      }
    }
    TOKEN.lastIndex = end;
    if (node === null) continue;
    if (start > from) out.push(unescaped(text.slice(from, start)));
    out.push(node);
    from = end;
    TOKEN.lastIndex = end;
  }
  if (from < text.length) out.push(unescaped(text.slice(from)));
  return out;
}

// Where the mark that opens at `start` ends, or -1: both ends touch words and stand at their edges, on one line.
function closing(text, start) {
  const mark = text[start];
  const before = text[start - 1];
  const after = text[start + 1];
  if ((before && (WORD.test(before) || before === mark)) || !after || /\s/.test(after) || after === mark) return -1;
  for (let at = start + 1; at < text.length && text[at] !== "\n"; at++) {
    if (text[at] === "`" || text[at] === "<") {
      const past = text.indexOf(text[at] === "<" ? ">" : "`", at + 1);
      if (past > 0) at = past;
      continue;
    }
    if (text[at] === mark && !/\s/.test(text[at - 1]) && !(text[at + 1] && WORD.test(text[at + 1]))) return at;
  }
  return -1;
}

function angle(inside, context) {
  const bar = inside.indexOf("|");
  const target = bar < 0 ? inside : inside.slice(0, bar);
  const label = bar < 0 ? "" : inside.slice(bar + 1);
  if (/^[@#][A-Z0-9]+$/.test(target)) {
    const names = target[0] === "@" ? context.names : context.channels;
    const known = names?.[target.slice(1)] || unescaped(label) || target.slice(1);
    return h("span", { class: "mention" }, `${target[0]}${known}`);
  }
  if (target.startsWith("!date^")) {
    const [, unix, pattern, link] = target.split("^");
    if (!/^\d+$/.test(unix || "") || !pattern) return h("span", {}, unescaped(label));
    const at = new Date(Number(unix) * 1000);
    const words = unescaped(dateToken(Number(unix), pattern, context.now, context.tz));
    const time = h("time", { datetime: at.toISOString() }, words);
    return link && safe(unescaped(link)) ? h("a", outward(unescaped(link)), time) : time;
  }
  if (/^!(here|channel|everyone)$/.test(target)) return h("span", { class: "mention" }, `@${target.slice(1)}`);
  if (target.startsWith("!")) return h("span", {}, unescaped(label || target));
  const url = unescaped(target);
  return safe(url) ? h("a", outward(url), unescaped(label) || url.replace(/^mailto:/, "")) : null;
}

export const safe = (url) => /^(https?:\/\/|mailto:)/i.test(url);
export const outward = (url) => ({ href: url, target: "_blank", rel: "noopener noreferrer" });
