// A dossier's reports: their course beside the period before, their categories beside the city's, and how they were answered.

import { bars, columns } from "../../shared/chart.js";
import { h } from "../../shared/dom.js";
import { lasting, nameOf, number, percent, say, shortDay } from "../../shared/words.js";
import { empty, foldedTable } from "./sections.js";

const MOST_CATEGORIES = 6;
const CHANCE = 0.05;

/** "34% more", "2.4 times as many", "12% fewer": a ratio as people say it. */
export function ratioWords(ratio) {
  if (ratio >= 2) return say("times_as_many", { n: number(ratio, 1) });
  if (Math.abs(ratio - 1) < 0.005) return say("as_many");
  return say(ratio > 1 ? "more_by" : "fewer_by", { share: percent(Math.round(Math.abs(ratio - 1) * 100) / 100) });
}

export function courseSection({ reports, period }) {
  const { course, interval, change, change_in_city: inCity } = reports;
  const before = change.reference;
  const days = Math.round((Date.parse(period.counted_to) - Date.parse(period.start)) / 86_400_000);
  const perColumn = days > 0 && before !== null ? (before / days) * (interval === "week" ? 7 : 1) : null;
  const heading = h("h3", {}, say(interval === "week" ? "by_week" : "by_day"));
  if (!course.length) return [heading, empty(say("no_whole_interval"))];
  const title = say("course_label", { most: Math.max(...course.map((each) => each.reports)), from: shortDay(course[0].start), to: shortDay(course.at(-1).start) });
  return [
    heading,
    columns(course.map((each) => ({ label: shortDay(each.start), value: each.reports })), { label: title, line: perColumn, lineText: perColumn === null ? "" : say(interval === "week" ? "before_per_week" : "before_per_day", { n: number(perColumn, 1) }) }),
    h("p", {}, changeWords(change, days), inCity.value !== null && change.value !== null ? ` ${say("change_in_city", { change: ratioWords(inCity.value) })}` : ""),
    trendWords(reports) && h("p", {}, trendWords(reports)),
    foldedTable("course", say("figures_table"), [say(interval === "week" ? "week_of" : "day_of"), say("reports")], course.map((each) => [shortDay(each.start), number(each.reports)])),
  ];
}

/** The period against the one before, with the difference that chance alone makes. */
export function changeWords(change, days) {
  const counted = { now: number(change.n), before: number(change.reference), days: number(days) };
  if (change.reason === "no_reports_before") return say("change_none_before", counted);
  if (change.value === null) return say(`reason_${change.reason}`);
  if (change.low === null || change.high === null || (change.low <= 1 && change.high >= 1)) return say("change_unclear", counted);
  return say("change_clear", { ...counted, change: ratioWords(change.value), low: ratioWords(change.low), high: ratioWords(change.high) });
}

function trendWords({ trend, interval }) {
  const { p, slope } = trend;
  if (p.value === null || slope.value === null) return null;
  if (p.value >= CHANCE || slope.value === 0) return say("trend_none");
  return say(slope.value > 0 ? "trend_rise" : "trend_fall", { n: number(Math.abs(slope.value), 1), interval: say(`interval_${interval}`) });
}

export function categoriesSection({ reports, city }) {
  const rows = reports.by_category.slice(0, MOST_CATEGORIES);
  if (!rows.length) return [h("h3", {}, say("top_categories")), empty(say("no_reports_here"))];
  const shares = ({ share }) => `${percent(share.value / 100)}`;
  return [
    h("h3", {}, say("top_categories")),
    bars(rows.map((row) => ({
      name: nameOf(row), value: row.share.value, limit: city.is_the_area ? null : row.share.reference,
      text: city.is_the_area ? `${number(row.reports.value)} · ${shares(row)}` : say("share_here_city", { n: row.reports.value, here: shares(row), city: percent((row.share.reference ?? 0) / 100) }),
    }))),
    city.is_the_area ? null : h("p.hint", {}, say("mark_is_city")),
  ];
}

export function answersSection({ response_times: times, city }) {
  const hours = (value) => (value === null ? "–" : lasting(value));
  const share = (value) => (value === null ? "–" : percent(value / 100));
  const rows = [
    ["closed_reports", times.closed, number], ["median_time", times.median, hours], ["p90_time", times.p90, hours], ["in_time", times.in_time, share],
    ["open_now", times.open_now, number], ["open_over_30", times.open_over_30_days, number],
  ];
  const why = times.median.value === null && times.median.reason ? h("p.hint", {}, say(`reason_${times.median.reason}`)) : null;
  const heads = [[say("figure")], [say("here"), "n"], ...(city.is_the_area ? [] : [[say("in_city"), "n"]])];
  return [
    h("h3", {}, say("answers")),
    h("table.compared", {},
      h("caption.unseen", {}, say("answers")),
      h("thead", {}, h("tr", {}, heads.map(([text, kind]) => h("th", { scope: "col", class: kind }, text)))),
      h("tbody", {}, rows.map(([key, figure, words]) => h("tr", {}, h("th", { scope: "row" }, say(key)), h("td.n", {}, words(figure.value)), city.is_the_area ? null : h("td.n", {}, words(figure.reference)))))),
    why,
    times.by_agency.length ? foldedTable("agencies", say("by_agency"), [say("agency"), say("median_time"), "n"], times.by_agency.map((row) => [nameOf(row), hours(row.median.value), number(row.median.n)])) : null,
  ];
}
