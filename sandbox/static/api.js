// Calls to this page's own server. Every answer is {ok, ...}; what went wrong on the way is a sentence too.

export const LATE = "Seatkeeper did not answer in time. Press again; nothing is done twice.";

async function call(method, path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    return { ok: false, lost: true, error: "The demo itself is not running. Start it again with “make demo”." };
  }
  let found = {};
  try { found = await answer.json(); } catch { found = {}; }
  if (!answer.ok) return { ok: false, status: answer.status, error: found.error || `The demo answered ${answer.status}.` };
  return { ok: true, ...found };
}

export const get = (path, parameters = {}) => {
  const query = new URLSearchParams(parameters).toString();
  return call("GET", query ? `${path}?${query}` : path);
};
export const post = (path, body = {}) => call("POST", path, body);
export const remove = (path, body = undefined) => call("DELETE", path, body);

// What the chat client says about a press or a form that the app did not take.
export function inWords(answer) {
  if (answer.ok || answer.errors) return "";
  const code = answer.code || "";
  if (["http_timeout", "operation_timeout", "timeout"].includes(code)) return LATE;
  if (["connection_failed", "dispatch_failed"].includes(code) && /connection_failed|socket/.test(answer.detail || code)) {
    return "Seatkeeper is not running. Your answers are kept; press again once it is back.";
  }
  if (code === "http_error") return `Seatkeeper answered with an error (${(answer.detail || "").replace("http_error ", "")}). Nothing else was changed; Traffic shows what was said.`;
  const pointed = /json-pointer/.test(answer.detail || "");
  if (pointed) return `Slack would refuse this: ${answer.detail}`;
  return answer.detail ? `${answer.error} (${answer.detail})` : answer.error || "That did not work. Nothing was changed.";
}
