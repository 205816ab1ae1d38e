// A small line of a day: hours without a reading are gaps, never a line drawn across them.

import { h, svg } from "./dom.js";
import { hourOf, measured, number, say, unitOf } from "./words.js";

const WIDTH = 300;
const HEIGHT = 96;
const LEFT = 40;
const BOTTOM = 18;
const HOUR_MS = 3_600_000;

/** Hours [{time, value, low, high}] from `start` to `end` as a figure with a reading under the pointer. */
export function seriesFigure(points, { start, end, aggregate, unit, title }) {
  const known = points.filter((point) => point.value !== null);
  if (!known.length) return h("p.empty", {}, say("no_readings_24h"));
  const low = Math.min(...known.map((point) => point.low ?? point.value));
  const high = Math.max(...known.map((point) => point.high ?? point.value));
  const room = (high - low || Math.abs(high) || 1) * 0.08;
  const x = (time) => LEFT + ((time - start) / (end - start)) * (WIDTH - LEFT - 4);
  const y = (value) => 6 + (1 - (value - low + room) / (high - low + 2 * room)) * (HEIGHT - BOTTOM - 8);
  const middle = (point) => x(point.time + HOUR_MS / 2);
  const label = say("series_label", { title, low: measured(low, unit), high: measured(high, unit) });
  const drawing = svg("svg.series", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label });
  for (const value of [low, high]) {
    drawing.append(
      svg("line.grid", { x1: LEFT, x2: WIDTH - 4, y1: y(value), y2: y(value) }),
      svg("text.tick", { x: LEFT - 5, y: y(value) + 3, "text-anchor": "end" }, number(value)),
    );
  }
  for (let time = Math.ceil(start / (6 * HOUR_MS)) * 6 * HOUR_MS; time <= end; time += 6 * HOUR_MS) {
    drawing.append(svg("text.tick", { x: Math.min(x(time), WIDTH - 14), y: HEIGHT - 4, "text-anchor": "middle" }, hourOf(time)));
  }
  for (const run of runsOf(known)) {
    if (run.some((point) => point.high !== undefined)) drawing.append(svg("path.band", { d: band(run, middle, y) }));
    const line = run.map((point, i) => `${i ? "L" : "M"}${middle(point).toFixed(1)},${y(point.value).toFixed(1)}`).join("");
    drawing.append(run.length > 1 ? svg("path.line", { d: line }) : svg("circle.dot", { cx: middle(run[0]), cy: y(run[0].value), r: 2 }));
  }
  const caption = h("figcaption", {}, say(`series_${aggregate}`, { unit: unitOf(unit) || "–" }));
  point(drawing, known, { middle, y, unit, caption });
  return h("figure.chart", {}, drawing, caption);
}

function runsOf(points) {
  const runs = [];
  for (const each of points) {
    const last = runs.at(-1)?.at(-1);
    if (last && each.time - last.time <= HOUR_MS * 1.01) runs.at(-1).push(each);
    else runs.push([each]);
  }
  return runs;
}

function band(run, x, y) {
  const top = run.map((p) => `${x(p).toFixed(1)},${y(p.high).toFixed(1)}`);
  const bottom = run.map((p) => `${x(p).toFixed(1)},${y(p.low).toFixed(1)}`).reverse();
  return `M${[...top, ...bottom].join("L")}Z`;
}

function point(drawing, known, { middle, y, unit, caption }) {
  const resting = caption.textContent;
  const mark = svg("circle.mark", { r: 3.5, visibility: "hidden" });
  drawing.append(mark);
  drawing.addEventListener("pointermove", (event) => {
    const box = drawing.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * WIDTH;
    const nearest = known.reduce((best, each) => (Math.abs(middle(each) - at) < Math.abs(middle(best) - at) ? each : best));
    mark.setAttribute("cx", middle(nearest));
    mark.setAttribute("cy", y(nearest.value));
    mark.setAttribute("visibility", "visible");
    caption.textContent = `${hourOf(nearest.time)}: ${measured(nearest.value, unit)}`;
  });
  drawing.addEventListener("pointerleave", () => {
    mark.setAttribute("visibility", "hidden");
    caption.textContent = resting;
  });
}
