// The readings of a datastream over a range of time, in the shape of a chart: gaps made visible, flagged ones apart.

import { getJson } from "../../shared/api.js";

const HOUR_MS = 3_600_000;
const MOST = 10_000;
const MOST_FLAGGED = 500;
// Two missing readings in a row are a gap; one may only have come a little late.
const GAP_AFTER = 2.5;
const SELDOM = 1.5; // times the expected interval

export const RANGES = { "24h": { hours: 24, isRaw: true }, "7d": { hours: 168 }, "30d": { hours: 720 } };

/** The range that shows something of a datastream at first: of one value a day, a month. */
export function rangeFor(stream) {
  return stream.expected_interval_s >= 6 * 3600 ? "30d" : "24h";
}

/**
 * The readings of the range that ends with the present hour, or with the last reading where that is older:
 * {points, flagged, kind, start, end, isRaw, isCut, seldom}. Rain and cases are summed up by hour, so that they are bars.
 */
export async function loadSeries(stream, range, aggregate) {
  const { hours, isRaw: mayBeRaw } = RANGES[range];
  const isRaw = mayBeRaw && aggregate !== "sum";
  const last = Math.floor(Date.parse(stream.phenomenon_time) / HOUR_MS) + 1;
  const end = Math.min(Math.ceil(Date.now() / HOUR_MS), last) * HOUR_MS;
  const start = end - hours * HOUR_MS;
  const asked = { start: iso(start), end: iso(end), limit: MOST };
  const [whole, doubtful] = await Promise.all([
    ask(stream, { ...asked, resolution: isRaw ? "raw" : "hour" }),
    isRaw ? null : ask(stream, { ...asked, quality: "flagged", limit: MOST_FLAGGED }),
  ]);
  const expected = Math.max(stream.expected_interval_s || 0, isRaw ? 60 : 3600) * 1000;
  const raw = (row) => ({ time: Date.parse(row.phenomenon_time), value: row.result, quality: row.quality });
  const points = isRaw ? whole.results.filter((row) => row.quality === "good").map(raw) : whole.results.map((row) => hourly(row, aggregate));
  const flagged = (isRaw ? whole : doubtful).results.filter((row) => row.quality !== "good").map(raw);
  // What always sends more seldom than it should is a line that says so, not a row of dots.
  const usual = usualStep(points) ?? expected;
  const step = Math.max(expected, usual);
  return {
    points: withGaps(points, isRaw ? step * GAP_AFTER : step * 1.5), flagged, start, end, isRaw,
    seldom: isRaw && stream.expected_interval_s && usual > expected * SELDOM ? { usual: usual / HOUR_MS, expected: expected / HOUR_MS } : null,
    kind: aggregate === "sum" ? "bars" : "line", isCut: Boolean(whole.next || doubtful?.next),
  };
}

async function ask(stream, query) {
  return (await getJson(`/api/datastreams/${stream.id}/observations/?${new URLSearchParams(query)}`)).body;
}

function hourly(row, aggregate) {
  const spread = aggregate === "mean" && row.n > 1 ? { low: row.min, high: row.max } : {};
  return { time: Date.parse(row.start), value: row[aggregate] ?? row.mean, n: row.n, ...spread };
}

/** The middle one of the times between points, or null where there are too few to tell. */
function usualStep(points) {
  const steps = points.slice(1).map((point, i) => point.time - points[i].time).sort((a, b) => a - b);
  return steps.length < 4 ? null : steps[Math.floor(steps.length / 2)];
}

/** A point without a value in every gap, so that no line is drawn across it. */
function withGaps(points, mostMs) {
  return points.flatMap((point, i) => {
    const before = points[i - 1];
    const isGap = before && point.time - before.time > mostMs;
    return isGap ? [{ time: (before.time + point.time) / 2, value: null }, point] : [point];
  });
}

function iso(time) {
  return new Date(time).toISOString().replace(".000Z", "Z");
}

/** What is shown as a table with commas; times are RFC 3339 in UTC, so that any program reads them. */
export function asCsv({ points, flagged, isRaw }, unit) {
  const rows = [
    ...points.filter((point) => point.value !== null).map((point) => ({ quality: isRaw ? "good" : "", ...point })),
    ...flagged,
  ].sort((a, b) => a.time - b.time);
  const cell = (value) => value ?? "";
  const lines = rows.map((row) => [iso(row.time), row.value, cell(row.low), cell(row.high), unit, `"${cell(row.quality)}"`].join(","));
  return ["time,value,min,max,unit_ucum,quality", ...lines, ""].join("\r\n");
}
