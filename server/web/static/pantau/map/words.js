// Words that table and panel share.

import { h } from "../shared/dom.js";
import { ago, moment, say, span } from "../shared/words.js";

export const HOURS = { hour: 1, day: 24, week: 168 };

export function lagWords(lag, hours) {
  return lag === 0 ? say("at_once") : say("later", { span: span(lag * hours) });
}

export function ageOf(stream) {
  if (!stream.phenomenon_time) return say("no_reading");
  return h(stream.isLate ? "span.late" : "span", { title: moment(stream.phenomenon_time) }, ago(stream.phenomenon_time), stream.isLate ? ` · ${say("late")}` : null);
}
