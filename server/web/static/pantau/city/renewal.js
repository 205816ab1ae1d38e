// The page once more: asked for only as far as it changed, and put in place without losing what the reader had opened.

const TIMEOUT_MS = 20_000;
// What the server renders anew each time; all else stays as it is.
const PARTS = ["glance", "span"];
let tag = null;

/** The page as a document; null where nothing has changed since it was last fetched. */
export async function fetchPage(url) {
  const headers = { Accept: "text/html", ...(tag ? { "If-None-Match": tag } : {}) };
  const response = await fetch(url, { headers, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
  const text = await response.text();
  if (response.status === 304) return null;
  if (!response.ok) throw new Error(response.statusText);
  tag = response.headers.get("ETag");
  return new DOMParser().parseFromString(text, "text/html");
}

/** What the server says now in the place of what it said; opened tables stay open, and the keyboard keeps its place. */
export function replace(page) {
  if (!page.getElementById("glance")) throw new Error("another page");
  const open = [...document.querySelectorAll("details[open]")].map((each) => each.id);
  const focused = document.activeElement?.dataset.key;
  const place = document.activeElement?.closest("section")?.id;
  for (const id of PARTS) document.getElementById(id).replaceWith(document.importNode(page.getElementById(id), true));
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused) keyed(focused, place)?.focus({ preventScroll: true });
}

function keyed(key, place) {
  const inside = (place && document.getElementById(place)) || document;
  return inside.querySelector(`[data-key="${CSS.escape(key)}"]`);
}
