// The figures of the day: what stands open, what came in today, and how both stand with each agency.

import { getJson } from "../shared/api.js";
import { h, show } from "../shared/dom.js";
import { cityDay, hourOf, number, say, zoneName } from "../shared/words.js";
import { address } from "./me.js";

export const STANDING = ["open", "late", "due_soon", "late_first_response", "reopened", "without_agency"];

export function todayUrl(part = "") {
  const today = cityDay();
  return address(`board/${part}`, { start: today, end: today });
}

export function figure(value, words, tone = "calm") {
  return h("div.figure", { "data-tone": value > 0 ? tone : "calm" }, h("dt", {}, words), h("dd", {}, number(value)));
}

export function standing(now) {
  const tones = { late: "late", due_soon: "due", late_first_response: "late" };
  return STANDING.map((name) => figure(now[name], say(`now_${name}`), tones[name]));
}

export function ofToday(outcome) {
  return [figure(outcome.reported, say("today_reported")), figure(outcome.resolved, say("today_resolved"))];
}

export async function drawFigures(root) {
  const [{ body: board }, { body: agencies }] = await Promise.all([getJson(todayUrl()), getJson(todayUrl("agencies/"))]);
  const numbers = (group) => [group.now.open, group.now.late, group.now.due_soon, group.now.late_first_response, group.outcome.reported];
  show(
    root,
    h("h2.view-title", {}, say("today_title")),
    h("p.hint", {}, say("as_of", { time: hourOf(board.as_of), zone: zoneName() })),
    h("h3", {}, say("standing")),
    h("dl.figure-grid", {}, standing(board.now)),
    h("h3", {}, say("reported_today")),
    h("dl.figure-grid", {}, ofToday(board.outcome)),
    h("h3", {}, say("by_agency")),
    agencies.groups.length ? h("div.table-box", { tabindex: 0, role: "group", "aria-label": say("by_agency") }, h("table", {},
      h("thead", {}, h("tr", {}, ["agency", "now_open", "now_late", "now_due_soon", "now_late_first_response", "today_reported"].map((word) => h("th", { scope: "col" }, say(word))))),
      h("tbody", {}, agencies.groups.map((group) => h("tr", {}, h("th", { scope: "row" }, group.name ?? say("no_agency")), numbers(group).map((n, i) => h("td", { "data-tone": i === 1 && n > 0 ? "late" : null }, number(n)))))))) : h("p.empty", {}, say("no_figures")),
  );
}
