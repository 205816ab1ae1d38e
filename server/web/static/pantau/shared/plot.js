// A series over time, drawn by uPlot: gaps are gaps, limits are lines with names, flagged values are marked. Load it with import().

import uPlot from "../../uplot/uPlot.esm.js";
import { cityZone, hourOf, number, shortDay } from "./words.js";

const HEIGHT = 190;
const FONT = "11px system-ui, sans-serif";
const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const dark = window.matchMedia("(prefers-color-scheme: dark)");

/**
 * Draws points [{time, value, low, high}] (time in ms, value null: a gap) into an element, and returns {setPoints, close}.
 *
 * `flagged` are points [{time, value}] of doubtful values; `limits` [{name, from}], the mildest first. `onRead(time)` hears the time of
 * the point under the pointer or chosen by the arrow keys, null when there is none; `say(time)` is its text for a screen reader.
 */
export function openPlot(element, { points, flagged = [], limits = [], kind = "line", label, say, onRead }) {
  loadStyle();
  const held = hold(points, flagged, limits);
  const plot = new uPlot(optionsOf(element, held, { kind, onRead }), held.data, element);
  const keys = keyboard(element, plot, held, { label, say });
  const watch = new ResizeObserver(() => element.clientWidth && plot.setSize({ width: element.clientWidth, height: HEIGHT }));
  const recolour = () => plot.redraw();
  watch.observe(element);
  dark.addEventListener("change", recolour);
  return {
    setPoints(next, nextFlagged = []) {
      Object.assign(held, hold(next, nextFlagged, limits));
      plot.setData(held.data);
      keys.refresh();
    },
    close() {
      watch.disconnect();
      dark.removeEventListener("change", recolour);
      plot.destroy();
    },
  };
}

/** The points in uPlot's columns. Flagged ones far outside the others are drawn at the edge, else they would flatten the rest. */
function hold(points, flagged, limits) {
  const known = points.filter((point) => point.value !== null);
  const values = known.flatMap((point) => [point.value, point.low ?? point.value, point.high ?? point.value]);
  if (!values.length) values.push(...flagged.map((point) => point.value));
  let [low, high] = [Math.min(...values), Math.max(...values)];
  const reach = high - low || Math.abs(high) || 1;
  const clamped = flagged.map((point) => Math.min(high + reach, Math.max(low - reach, point.value)));
  [low, high] = [Math.min(low, ...clamped), Math.max(high, ...clamped)];
  // The next limit above is shown where it is not so far off that the line would lie flat at the bottom.
  const next = limits.find((limit) => limit.from > high);
  const top = next && next.from <= high + 1.5 * reach ? next.from : high;
  const seconds = (list) => list.map((point) => point.time / 1000);
  const column = (name) => points.map((point) => point[name] ?? null);
  const own = [seconds(points), column("value"), column("low"), column("high")];
  const data = flagged.length ? uPlot.join([own, [seconds(flagged), clamped]]) : [...own, points.map(() => null)];
  return { data, points, flagged, limits, range: [low, top] };
}

function optionsOf(element, held, { kind, onRead }) {
  const axis = { stroke: () => token("--ink-3"), font: FONT, ticks: { show: false }, grid: { stroke: () => token("--line"), width: 1 } };
  const line = {
    stroke: () => token("--accent"), width: 1.6,
    points: { show: true, size: 5, fill: () => token("--accent"), filter: (plot, i) => lonely(plot.data[i]) },
    ...(kind === "bars" ? { paths: uPlot.paths.bars({ size: [0.85, 14], align: 1 }), fill: () => `${token("--accent")}b0`, points: { show: false } } : {}),
  };
  const edge = { stroke: "transparent", width: 0, points: { show: false } };
  const mark = { paths: () => null, stroke: () => token("--bad"), points: { show: true, size: 8, width: 1.8, stroke: () => token("--bad"), fill: () => token("--surface") } };
  return {
    width: element.clientWidth || 300, height: HEIGHT, padding: [10, 6, 0, 0], legend: { show: false },
    tzDate: (time) => uPlot.tzDate(new Date(time * 1000), cityZone()),
    scales: { x: { time: true }, y: { range: () => roomAround(held.range, kind) } },
    axes: [
      { ...axis, space: 56, size: 24, gap: 4, values: (_plot, times) => timeLabels(times) },
      { ...axis, size: (_plot, texts) => 12 + 6.4 * Math.max(2, ...(texts ?? []).map((text) => text.length)), gap: 4, space: 28, values: (_plot, values) => values.map((value) => number(value)) },
    ],
    series: [{}, line, edge, edge, mark],
    bands: [{ series: [3, 2], fill: () => `${token("--accent")}2e` }],
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 8, width: 2, stroke: () => token("--surface"), fill: () => token("--accent") } },
    hooks: { draw: [(plot) => drawLimits(plot, held.limits)], setCursor: [(plot) => onRead?.(timeAt(plot.data, plot.cursor.idx))] },
  };
}

function roomAround([low, high], kind) {
  const room = (high - low || Math.abs(high) || 1) * 0.08;
  const least = low >= 0 ? Math.max(0, low - room) : low - room;
  return [kind === "bars" ? 0 : least, high + room];
}

/** A value between two gaps has no line: it gets a dot. */
function lonely(values) {
  return values.flatMap((value, i) => (isNumber(value) && !isNumber(values[i - 1]) && !isNumber(values[i + 1]) ? [i] : []));
}

function timeAt(data, i) {
  return isNumber(i) ? Math.round(data[0][i] * 1000) : null;
}

function isNumber(value) {
  return typeof value === "number";
}

function timeLabels(times) {
  return times.map((time) => {
    const at = uPlot.tzDate(new Date(time * 1000), cityZone());
    return at.getHours() === 0 && at.getMinutes() === 0 ? shortDay(time * 1000) : hourOf(time * 1000);
  });
}

function drawLimits(plot, limits) {
  const { ctx, bbox } = plot;
  const ratio = window.devicePixelRatio;
  ctx.save();
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = "right";
  ctx.lineWidth = ratio;
  let above = Infinity;
  for (const { name, from } of limits) {
    const y = plot.valToPos(from, "y", true);
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.strokeStyle = token("--bad");
    ctx.setLineDash([5 * ratio, 4 * ratio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    // Names that would lie on each other are left out; all of them are written below the chart.
    if (above - y < 13 * ratio) continue;
    above = y;
    ctx.setLineDash([]);
    ctx.lineWidth = 3 * ratio;
    ctx.strokeStyle = token("--surface");
    ctx.strokeText(name, bbox.left + bbox.width - 3 * ratio, y - 4 * ratio);
    ctx.fillStyle = token("--bad");
    ctx.fillText(name, bbox.left + bbox.width - 3 * ratio, y - 4 * ratio);
    ctx.lineWidth = ratio;
  }
  ctx.restore();
}

/** The chart as a slider over its points: arrow keys, Home and End move the cursor, and each stop is said. */
function keyboard(element, plot, held, { label, say }) {
  const over = plot.over;
  const stops = () => held.data[0].flatMap((_time, i) => (isNumber(held.data[1][i]) || isNumber(held.data[4][i]) ? [i] : []));
  let at = null;
  const tell = () => {
    const all = stops();
    const place = Math.max(0, all.indexOf(at ?? all.at(-1)));
    const given = { "aria-valuemin": 0, "aria-valuemax": Math.max(0, all.length - 1), "aria-valuenow": place, "aria-valuetext": all.length ? say(timeAt(held.data, all[place])) : "" };
    for (const [name, value] of Object.entries(given)) over.setAttribute(name, value);
  };
  over.tabIndex = 0;
  over.setAttribute("role", "slider");
  over.setAttribute("aria-label", label);
  over.addEventListener("keydown", (event) => {
    const all = stops();
    const place = all.indexOf(at ?? all.at(-1));
    const next = { ArrowLeft: place - 1, ArrowDown: place - 1, ArrowRight: place + 1, ArrowUp: place + 1, PageUp: place + 12, PageDown: place - 12, Home: 0, End: all.length - 1 }[event.key];
    if (next === undefined || !all.length) return;
    event.preventDefault();
    at = all[Math.min(all.length - 1, Math.max(0, next))];
    const top = plot.valToPos(held.data[1][at] ?? held.data[4][at], "y");
    plot.setCursor({ left: plot.valToPos(held.data[0][at], "x"), top });
    tell();
  });
  over.addEventListener("blur", () => {
    at = null;
    plot.setCursor({ left: -10, top: -10 });
  });
  tell();
  return { refresh: tell };
}

/** uPlot's own style sheet, once, when the first chart is drawn. */
function loadStyle() {
  const href = new URL("../../uplot/uPlot.min.css", import.meta.url).href;
  if (document.querySelector(`link[href="${href}"]`)) return;
  const link = document.createElement("link");
  Object.assign(link, { rel: "stylesheet", href });
  document.head.append(link);
}
