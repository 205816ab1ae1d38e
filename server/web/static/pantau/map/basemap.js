// A base map of somebody else's under the city's, where the installation has one: a MapLibre style, or pictures by {z}/{x}/{y}.

const TIMEOUT_MS = 8_000;

/** The style to begin with, or null where it does not answer: the map does without it then. */
export async function baseStyle(baseMap) {
  if (baseMap.is_raster) return rasterStyle(baseMap.url);
  try {
    const url = new URL(baseMap.url, window.location.href);
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) throw new Error(response.statusText);
    return vectorStyle(await response.json(), url);
  } catch (error) {
    console.info(`The base map does not answer: ${error.message}`);
    return null;
  }
}

function rasterStyle(url) {
  const tiles = [url.startsWith("/") ? `${window.location.origin}${url}` : url];
  return { version: 8, sources: { base: { type: "raster", tiles, tileSize: 256 } }, layers: [{ id: "base", type: "raster", source: "base" }] };
}

/** Its own glyphs stay out: with them the map would ask that server for the letters of ours, too. Addresses may be relative to it. */
function vectorStyle({ sources, layers, sprite }, at) {
  const whole = (text) => new URL(text, at).href.replaceAll("%7B", "{").replaceAll("%7D", "}");
  const found = Object.entries(sources).map(([name, source]) => [`base-${name}`, {
    ...source, ...(source.url && { url: whole(source.url) }), ...(source.tiles && { tiles: source.tiles.map(whole) }),
  }]);
  return {
    version: 8,
    sources: Object.fromEntries(found),
    layers: layers.map((layer) => ({ ...layer, id: `base-${layer.id}`, ...(layer.source && { source: `base-${layer.source}` }) })),
    ...(typeof sprite === "string" && { sprite: whole(sprite) }),
  };
}
