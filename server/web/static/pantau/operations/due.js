// How urgent a report is, and the signs and words of its state: one for the list, the map and the pane.

import { h, svg } from "../shared/dom.js";
import { day, say } from "../shared/words.js";

const HOUR_MS = 3_600_000;
const SOON_MS = 24 * HOUR_MS;

/** `tone`: late, due (within a day) or calm. */
export function urgency(row, now = Date.now()) {
  if (!row.due_at) return { tone: "calm", text: "" };
  const left = Date.parse(row.due_at) - now;
  if (left < 0) return { tone: "late", text: say("late_by", { span: lasting(-left) }) };
  if (left < SOON_MS) return { tone: "due", text: say("due_in", { span: lasting(left) }) };
  return { tone: "calm", text: say("due_on", { day: day(row.due_at) }) };
}

export function dueBadge(row) {
  const { tone, text } = urgency(row);
  return h(`span.due`, { "data-tone": tone }, text);
}

/** Days from two on, hours from one on, else minutes. */
export function lasting(ms) {
  if (ms >= 48 * HOUR_MS) return say("days", { n: Math.floor(ms / (24 * HOUR_MS)) });
  if (ms >= HOUR_MS) return say("hours", { n: Math.floor(ms / HOUR_MS) });
  return say("minutes", { n: Math.max(1, Math.floor(ms / 60_000)) });
}

// A circle that fills as the work goes on; what stands still has bars, what came back an arrow.
const SIGNS = {
  submitted: () => [svg("circle", { cx: 8, cy: 8, r: 6, "stroke-dasharray": "2.4 2.3" })],
  coordination: () => [svg("circle", { cx: 8, cy: 8, r: 6 }), svg("path", { d: "M5 8h6M9 6l2 2-2 2" })],
  assigned: () => [svg("circle", { cx: 8, cy: 8, r: 6 }), svg("path.full", { d: "M8 8V4.5A3.5 3.5 0 0 1 11.5 8Z" })],
  in_progress: () => [svg("circle", { cx: 8, cy: 8, r: 6 }), svg("path.full", { d: "M8 4.5a3.5 3.5 0 0 1 0 7Z" })],
  waiting: () => [svg("circle", { cx: 8, cy: 8, r: 6 }), svg("path", { d: "M6.5 6v4M9.5 6v4" })],
  resolved: () => [svg("circle.full", { cx: 8, cy: 8, r: 6 }), svg("path.cut", { d: "M5.3 8.2l1.9 1.9 3.6-4" })],
  rejected: () => [svg("circle", { cx: 8, cy: 8, r: 6 }), svg("path", { d: "M6 6l4 4M10 6l-4 4" })],
  duplicate: () => [svg("circle", { cx: 6.5, cy: 8, r: 4.5 }), svg("circle", { cx: 9.5, cy: 8, r: 4.5 })],
  reopened: () => [svg("path", { d: "M13 8a5 5 0 1 1-1.5-3.6M13 2.5v3h-3" })],
};

export function stateSign(status) {
  return svg("svg.sign", { viewBox: "0 0 16 16", "aria-hidden": "true" }, ...(SIGNS[status] ?? SIGNS.submitted)());
}

export function stateBadge(status, name) {
  return h("span.state", { "data-status": status }, stateSign(status), name);
}

/** What sets a report apart from a usual one. */
export function marksOf(row) {
  return [
    row.is_exercise && h("span.mark.drill", {}, say("exercise")),
    row.is_public === false && !row.is_exercise && h("span.mark", {}, say("not_public")),
    row.reopenings > 0 && h("span.mark", {}, say("reopened_times", { n: row.reopenings })),
    row.handovers > 1 && h("span.mark", {}, say("handed_over_times", { n: row.handovers })),
    row.support_count > 0 && h("span.mark", {}, say("supporters", { n: row.support_count })),
  ].filter(Boolean);
}
