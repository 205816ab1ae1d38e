// What several parts of the board say: errors, lines of a log, a list of facts.

import { h } from "../shared/dom.js";
import { moment, say } from "../shared/words.js";

/** Why something was not done, in words; `fields` takes away what is said beside its field. */
export function failure(error, fields = []) {
  if (error.status === 0) return say("not_sent");
  const others = Object.entries(error.body?.errors ?? {}).filter(([name]) => !fields.includes(name));
  if (others.length) return others.map(([, says]) => [says].flat().join(" ")).join(" ");
  return Object.keys(error.body?.errors ?? {}).length ? "" : error.message;
}

/** Pairs of a word and what it is; what is null is left out. */
export function facts(pairs) {
  return h("dl.facts", {}, pairs.filter(Boolean).filter(([, value]) => value !== null && value !== undefined && value !== "").map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** Lines of { at, who, what, note }, the newest first. */
export function logList(lines) {
  return h("ol.log", {}, [...lines].reverse().map((line) =>
    h("li", {}, h("p", {}, h("b", {}, line.what), line.note && h("q", {}, line.note), line.note && line.note_is_public === false && h("span.mark", {}, say("internal"))), h("p.hint", {}, [line.who, moment(line.at)].filter((word) => word && word !== "–").join(" · "))),
  ));
}

export function part(title, ...children) {
  return h("section.part", {}, h("h3", {}, title), ...children);
}

export function button(text, onclick, { isPrimary = false, ...attributes } = {}) {
  return h(`button.button${isPrimary ? ".primary" : ""}`, { type: "button", onclick, ...attributes }, text);
}
