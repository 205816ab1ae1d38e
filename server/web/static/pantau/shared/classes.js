// Classes and colours. Pure: values and a layer's declared style in, breaks and colours out.

/** Quantile breaks of the values that are above zero, at most `count` - 1 of them, strictly rising. */
export function quantileBreaks(values, count) {
  const sorted = values.filter((value) => value > 0).sort((a, b) => a - b);
  const breaks = [];
  for (let i = 1; i < count; i += 1) {
    const at = (sorted.length * i) / count;
    const value = sorted[Math.min(Math.floor(at), sorted.length - 1)];
    if (value !== undefined && value > (breaks.at(-1) ?? sorted[0])) breaks.push(value);
  }
  return breaks;
}

/** Classes of a sequential measure: [{from, to, colour, n}], the first from the least value; zero is a class of its own. */
export function sequentialClasses(values, colours) {
  const present = values.filter((value) => value !== null && value !== undefined);
  const positive = present.filter((value) => value > 0);
  const breaks = quantileBreaks(present, colours.length);
  const edges = positive.length ? [Math.min(...positive), ...breaks, Math.max(...positive)] : [];
  const spread = spreadColours(colours, edges.length - 1);
  const classes = [];
  for (let i = 0; i + 1 < edges.length; i += 1) {
    const isLast = i + 2 === edges.length;
    const n = positive.filter((value) => value >= edges[i] && (isLast ? value <= edges[i + 1] : value < edges[i + 1])).length;
    classes.push({ from: edges[i], to: edges[i + 1], colour: spread[i], n });
  }
  return classes;
}

/** `count` of the colours, from first to last, evenly. */
export function spreadColours(colours, count) {
  if (count >= colours.length) return colours;
  if (count <= 1) return [colours[Math.floor(colours.length / 2)]];
  return Array.from({ length: count }, (_, i) => colours[Math.round((i * (colours.length - 1)) / (count - 1))]);
}

/** Classes between declared breaks: one more colour than breaks, open at both ends. */
export function declaredClasses(breaks, colours) {
  return colours.map((colour, i) => ({ from: breaks[i - 1] ?? null, to: breaks[i] ?? null, colour }));
}

/** The class that holds a value, or null. */
export function classOf(value, classes) {
  if (value === null || value === undefined || !classes.length) return null;
  return classes.findLast((each) => each.from === null || value >= each.from) ?? null;
}

/** The middle of an area: the centroid of its largest ring. */
export function middleOf(geometry) {
  const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  let best = { area: -1, point: null };
  for (const [ring] of polygons) {
    const found = centroid(ring);
    if (found.area > best.area) best = found;
  }
  return best.point;
}

function centroid(ring) {
  // Around the first point: with absolute degrees the cross products would lose most of their digits.
  const [x0, y0] = ring[0];
  let twice = 0;
  let x = 0;
  let y = 0;
  for (let i = 0; i + 1 < ring.length; i += 1) {
    const [ax, ay] = [ring[i][0] - x0, ring[i][1] - y0];
    const [bx, by] = [ring[i + 1][0] - x0, ring[i + 1][1] - y0];
    const cross = ax * by - bx * ay;
    twice += cross;
    x += (ax + bx) * cross;
    y += (ay + by) * cross;
  }
  if (twice === 0) return { area: 0, point: ring[0] };
  return { area: Math.abs(twice), point: [x0 + x / (3 * twice), y0 + y / (3 * twice)] };
}

/** [[west, south], [east, north]] of features, or null. */
export function boundsOf(features) {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  const visit = (part) => {
    if (typeof part[0] === "number") {
      [west, south] = [Math.min(west, part[0]), Math.min(south, part[1])];
      [east, north] = [Math.max(east, part[0]), Math.max(north, part[1])];
    } else part.forEach(visit);
  };
  for (const feature of features) if (feature.geometry) visit(feature.geometry.coordinates);
  return west > east ? null : [[west, south], [east, north]];
}
