// The city at a glance renews itself: the page is fetched again, and what it says takes the place of what was said.

import { byId } from "../shared/dom.js";
import { ago, say } from "../shared/words.js";
import { startClock } from "./clock.js";
import { fetchPage, replace } from "./renewal.js";

const EVERY_MS = 60_000;
const STALE_MS = 5 * 60_000;

let isInTouch = true;
let lastAsked = Date.now();

/** How old the figures are, and whether the service still answers. */
function tell() {
  const asOf = byId("glance").dataset.asOf;
  const isStale = Date.now() - Date.parse(asOf) > STALE_MS;
  const status = byId("status");
  const words = say(isInTouch ? (isStale ? "stale" : "as_of") : "lost_touch", { ago: ago(asOf) });
  status.dataset.state = isInTouch ? (isStale ? "stale" : "fresh") : "lost";
  const shown = status.querySelector("[data-words]");
  if (shown.textContent !== words) shown.textContent = words;
}

async function renew() {
  lastAsked = Date.now();
  try {
    const page = await fetchPage(window.location.href);
    if (page) replace(page);
    isInTouch = true;
  } catch {
    isInTouch = false;
  }
  tell();
}

function due() {
  if (!document.hidden && Date.now() - lastAsked >= EVERY_MS) renew();
  tell();
}

setInterval(due, 5_000);
document.addEventListener("visibilitychange", due);
window.addEventListener("online", renew);
window.addEventListener("offline", () => {
  isInTouch = false;
  tell();
});
startClock(byId("clock"));
tell();
document.documentElement.dataset.ready = "yes";
