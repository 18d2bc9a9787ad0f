// Times, numbers and lists as people read them, in the zone of the person one plays.

const formats = new Map();
function format(options) {
  const key = JSON.stringify(options);
  if (!formats.has(key)) {
    let made;
    try { made = new Intl.DateTimeFormat("en-GB", options); }
    catch { made = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "UTC" }); }
    formats.set(key, made);
  }
  return formats.get(key);
}
const said = (at, tz, options) => format({ timeZone: tz || "UTC", ...options }).format(at);
const dayOf = (at, tz) => said(at, tz, { year: "numeric", month: "2-digit", day: "2-digit" });

export const clockTime = (at, tz) => said(at, tz, { hour: "2-digit", minute: "2-digit", hour12: false });
export const shortDay = (at, tz) => said(at, tz, { day: "numeric", month: "short", year: "numeric" }).replace("Sept", "Sep");
export const weekday = (at, tz) => said(at, tz, { weekday: "short" });
export const longMoment = (at, tz) => `${weekday(at, tz)} ${shortDay(at, tz)}, ${clockTime(at, tz)}`;

export function prettyDay(at, now, tz, usual = shortDay) {
  for (const [shift, word] of [[0, "today"], [-1, "yesterday"], [1, "tomorrow"]]) {
    if (dayOf(at, tz) === dayOf(new Date(now.getTime() + shift * 86400000), tz)) return word;
  }
  return usual(at, tz);
}

export function shortMoment(at, now, tz) {
  const day = prettyDay(at, now, tz, (a, z) => said(a, z, { day: "numeric", month: "short" }).replace("Sept", "Sep"));
  return day === "today" ? clockTime(at, tz) : `${day}, ${clockTime(at, tz)}`;
}

// A date token of a message: <!date^unix^words with {places}|fallback>.
export function dateToken(unix, pattern, now, tz) {
  const at = new Date(unix * 1000);
  const long = (a, z) => said(a, z, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
  const plain = (a, z) => said(a, z, { day: "numeric", month: "long", year: "numeric" });
  const places = {
    date_num: () => said(at, tz, { year: "numeric", month: "2-digit", day: "2-digit" }).split("/").reverse().join("-"),
    date_slash: () => said(at, tz, { year: "numeric", month: "2-digit", day: "2-digit" }),
    date: () => plain(at, tz),
    date_short: () => shortDay(at, tz),
    date_long: () => long(at, tz),
    date_pretty: () => prettyDay(at, now, tz, plain),
    date_short_pretty: () => prettyDay(at, now, tz),
    date_long_pretty: () => prettyDay(at, now, tz, long),
    day_divider_pretty: () => prettyDay(at, now, tz, long),
    time: () => clockTime(at, tz),
    time_secs: () => said(at, tz, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false }),
    ago: () => ago(at, now),
  };
  return pattern.replace(/\{(\w+)\}/g, (whole, name) => (places[name] ? places[name]() : whole));
}

function ago(at, now) {
  const minutes = Math.round((now - at) / 60000);
  if (Math.abs(minutes) < 1) return "just now";
  const [count, unit] = Math.abs(minutes) < 60 ? [minutes, "minute"]
    : Math.abs(minutes) < 1440 ? [Math.round(minutes / 60), "hour"] : [Math.round(minutes / 1440), "day"];
  const words = `${Math.abs(count)} ${unit}${Math.abs(count) === 1 ? "" : "s"}`;
  return count > 0 ? `${words} ago` : `in ${words}`;
}

export const counted = (count, one, many = `${one}s`) => `${count.toLocaleString("en-GB")} ${count === 1 ? one : many}`;
export const listed = (words) => (words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`);
export const initials = (name) => (name.match(/[\p{L}\p{N}]+/gu) || ["?"]).slice(0, 2).map((word) => [...word][0]).join("").toUpperCase();
