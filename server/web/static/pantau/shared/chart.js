// Small drawings of figures in SVG, for cards and lists: they need no library, and gaps in them are gaps.

import { h, svg } from "./dom.js";
import { number } from "./words.js";

/**
 * A line of values (null is a gap), as wide as its place: sparkline([3, null, 5], { label: "Reports by day", limit: 55 }).
 *
 * `label` is what a screen reader says. `before` is a second row of values, drawn pale behind. `limit` is a dashed line. `from` is the
 * least end of the scale (0 for counts, null for readings). `mark` is the place of the point that is marked, the last one by default.
 */
export function sparkline(values, { label, before = [], limit = null, from = 0, width = 120, height = 32, mark = values.length - 1 } = {}) {
  const known = [...values, ...before, limit, from].filter((value) => value !== null && value !== undefined);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const count = Math.max(values.length, before.length, 2);
  const x = (i) => 2 + (i / (count - 1)) * (width - 4);
  const y = (value) => height - 2 - ((value - low) / (high - low || 1)) * (height - 4);
  const drawing = svg("svg.sparkline", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": label });
  if (limit !== null) drawing.append(svg("line.limit", { x1: 0, x2: width, y1: y(limit), y2: y(limit) }));
  for (const [name, row] of [["before", before], ["line", values]]) {
    const path = pathOf(row, x, y);
    if (path) drawing.append(svg(`path.${name}`, { d: path }));
  }
  // A line without length and with round ends is a dot that keeps its shape however the drawing is stretched.
  if (isKnown(values[mark])) drawing.append(svg("path.mark", { d: `M${x(mark).toFixed(1)},${y(values[mark]).toFixed(1)}h0` }));
  return drawing;
}

/** The path through the values that are known; one alone between gaps is a dot. */
function pathOf(values, x, y) {
  const place = (value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`;
  return values.map((value, i) => {
    if (!isKnown(value)) return "";
    if (isKnown(values[i - 1])) return `L${place(value, i)}`;
    return `M${place(value, i)}${isKnown(values[i + 1]) ? "" : "h0"}`;
  }).join("");
}

/**
 * A list of bars: bars([{ name, value, text, note, limit, limits, colour, href, onclick, key }], { max }).
 *
 * `text` stands for the value (the number itself by default), `note` small below the name, `limit` (or several `limits`) is a line
 * across the bar on the same scale, `isOver` marks the bar as beyond it. What is drawn has to be said in the text too: the bar itself
 * is hidden from screen readers.
 */
export function bars(rows, { max = null } = {}) {
  const most = max ?? Math.max(...rows.flatMap((row) => [row.value ?? 0, row.limit ?? 0, ...(row.limits ?? [])]), 0);
  const share = (value) => String(Math.min(1, Math.max(0, value / (most || 1))));
  return h("ul.bars", {}, rows.map((row) => {
    const bar = h("span.bar", { "aria-hidden": "true", "data-over": Boolean(row.isOver) });
    bar.style.setProperty("--share", share(row.value ?? 0));
    if (row.colour) bar.style.setProperty("--bar", row.colour);
    for (const limit of row.limits ?? [row.limit]) if (isKnown(limit)) bar.append(limitLine(share(limit)));
    return h("li", {}, nameOf(row), h("span.n", {}, row.text ?? number(row.value)), bar);
  }));
}

function nameOf({ name, note, href, onclick, key }) {
  const words = [name, note ? h("small", {}, note) : null];
  if (href) return h("a", { href }, words);
  if (onclick) return h("button.link", { type: "button", onclick, "data-key": key }, words);
  return h("span", {}, words);
}

function limitLine(share) {
  const line = h("i");
  line.style.setProperty("--at", share);
  return line;
}

function isKnown(value) {
  return value !== null && value !== undefined && !Number.isNaN(value);
}

const WIDE = 320;
const HIGH = 92;
const FOOT = 16;

/**
 * Counts over time as columns: columns([{ label, value }], { label, line, lineText }). `label` is what a screen reader says; `line` is a
 * value to compare with (a mean, a limit), drawn across, and `lineText` what it is. First and last columns are named below.
 */
export function columns(rows, { label, line = null, lineText = "" } = {}) {
  const most = Math.max(...rows.map((row) => row.value ?? 0), line ?? 0, 1);
  const y = (value) => 12 + (1 - value / most) * (HIGH - FOOT - 12);
  const step = WIDE / rows.length;
  const drawing = svg("svg.columns", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": label });
  rows.forEach(({ value, label: name }, i) => {
    if (!isKnown(value)) return;
    const column = svg("rect", { x: (i * step + step * 0.1).toFixed(2), width: (step * 0.8).toFixed(2), y: y(value).toFixed(2), height: (HIGH - FOOT - y(value)).toFixed(2), rx: Math.min(2, step * 0.2).toFixed(1) });
    column.append(svg("title", {}, `${name}: ${number(value)}`));
    drawing.append(column);
  });
  drawing.append(svg("line.foot", { x1: 0, x2: WIDE, y1: HIGH - FOOT, y2: HIGH - FOOT }));
  if (line !== null) {
    drawing.append(svg("line.compared", { x1: 0, x2: WIDE, y1: y(line), y2: y(line) }));
    drawing.append(svg("text.tick", { x: WIDE / 2, y: HIGH - 4, "text-anchor": "middle" }, lineText ? `╌ ${lineText}` : ""));
  }
  drawing.append(svg("text.tick", { x: 0, y: HIGH - 4 }, rows[0]?.label ?? ""));
  if (rows.length > 1) drawing.append(svg("text.tick", { x: WIDE, y: HIGH - 4, "text-anchor": "end" }, rows.at(-1).label));
  const peak = rows.reduce((best, row, i) => ((row.value ?? 0) > (rows[best].value ?? 0) ? i : best), 0);
  if (rows[peak]?.value) {
    const at = (peak + 0.5) * step;
    const anchor = at < 20 ? "start" : at > WIDE - 20 ? "end" : "middle";
    drawing.append(svg("text.peak", { x: anchor === "middle" ? at.toFixed(1) : anchor === "start" ? 0 : WIDE, y: y(rows[peak].value) - 3, "text-anchor": anchor }, number(rows[peak].value)));
  }
  return drawing;
}
