// The public HTTP API: conditional requests, pages, and errors in words.

const TIMEOUT_MS = 20_000;
const KEPT = 40;
const kept = new Map(); // url -> { etag, body }: what If-None-Match refers to

export class ApiError extends Error {
  constructor(status, detail, retryAfterS = null, body = {}) {
    super(detail);
    this.status = status;
    this.retryAfterS = retryAfterS;
    this.body = body; // the problem+json
  }

  /** Whether nobody answered, as opposed to an answer that refuses. */
  get isLostTouch() {
    return this.status === 0 || [500, 502, 504].includes(this.status);
  }
}

/** The JSON of a URL, and whether it differs from the last answer; a 304 costs no body. */
export async function getJson(url, { signal } = {}) {
  const before = kept.get(url);
  // What is refused is said in the page's language, not in the browser's.
  const headers = { Accept: "application/json, application/geo+json", "Accept-Language": document.documentElement.lang };
  if (before?.etag) headers["If-None-Match"] = before.etag;
  let response;
  try {
    const deadline = AbortSignal.timeout(TIMEOUT_MS);
    response = await fetch(url, { headers, cache: "no-store", signal: signal ? AbortSignal.any([signal, deadline]) : deadline });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, String(error.message));
  }
  if (response.status === 304 && before) await response.text(); // read to its end, else the browser counts it as broken off
  if (response.status === 304 && before) return { body: before.body, isNew: false };
  const body = await response.json().catch(() => null);
  if (!response.ok) {
    throw new ApiError(response.status, body?.detail ?? response.statusText, Number(response.headers.get("Retry-After")) || null, body ?? {});
  }
  if (body === null) throw new ApiError(0, "broken off"); // an answer that ends in its middle is none, and is not kept
  keep(url, response.headers.get("ETag"), body);
  return { body, isNew: true };
}

function keep(url, etag, body) {
  kept.delete(url);
  kept.set(url, { etag, body });
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
}

/** A layer's collection, its `next` pages appended up to a limit; `isCut` says that there are more. */
export async function getLayer(id, params, { signal, pages = 3 } = {}) {
  const first = await getJson(layerUrl(id, params), { signal });
  if (!first.isNew && first.body.whole) return { ...first.body.whole, isNew: false };
  const features = [...first.body.features];
  let next = nextOf(first.body);
  for (let page = 1; next && page < pages; page += 1) {
    const more = (await getJson(next, { signal })).body;
    features.push(...more.features);
    next = nextOf(more);
  }
  const whole = { ...first.body, features, isCut: Boolean(next) };
  // Kept beside the first page: its ETag changes with any of the rows, so while it holds, all pages hold.
  Object.defineProperty(first.body, "whole", { value: whole, configurable: true });
  return { ...whole, isNew: true };
}

export function layerUrl(id, params = {}) {
  const given = Object.entries(params).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const query = new URLSearchParams(given).toString();
  return `/layers/${id}.geojson${query ? `?${query}` : ""}`;
}

function nextOf(body) {
  const link = (body.links ?? []).find((each) => each.rel === "next");
  if (!link) return null;
  // Same origin whatever public address the server believes it has.
  const url = new URL(link.href, window.location.href);
  return `${url.pathname}${url.search}`;
}

/** A list of the API, whether it comes bare, paged or in an envelope. */
export async function getList(url, options) {
  const { body } = await getJson(url, options);
  return Array.isArray(body) ? body : (body.results ?? body.items ?? []);
}
