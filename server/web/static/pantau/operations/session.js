// A session that has ended is said in words, with the way back in; what was typed stays where it is.

import { byId, h, show } from "../shared/dom.js";
import { moment, say } from "../shared/words.js";
import { me } from "./me.js";

const SOON_MS = 24 * 3_600_000;

/** `isOver`: the API knows nobody any more. Signing in happens in another tab, so that this one keeps what it holds. */
export function drawSession(isOver) {
  const box = byId("session");
  const left = Date.parse(me.signed_in_until) - Date.now();
  const state = isOver ? "over" : left > 0 && left < SOON_MS ? "soon" : "";
  if (box.dataset.state === state) return;
  box.dataset.state = state;
  box.hidden = !state;
  const here = `${window.location.pathname}${window.location.search}`;
  if (state === "over") show(box, h("p", {}, say("session_over")), h("a.button", { href: `/admin/login/?${new URLSearchParams({ next: here })}`, target: "_blank" }, say("sign_in_again")));
  else if (state === "soon") show(box, h("p", {}, say("session_soon", { time: moment(me.signed_in_until) })));
  else show(box);
}
