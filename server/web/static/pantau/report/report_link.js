// A reporter's link: its token, what the API answers to it, and refusals in words.

import { language, say } from "../shared/words.js";

const ADDRESS = "/api/report-link/";
// A cheap phone in a bad network is slow, and not yet offline.
const TIMEOUT_MS = 30_000;

export class Refused extends Error {
  /** status 0: nobody answered. */
  constructor(status, problem = {}, retryAfterS = 0) {
    super(problem.detail ?? "");
    Object.assign(this, { status, errors: problem.errors ?? {}, retryAfterS });
  }
}

/** The token in a page's address. Programs that pass links on may encode it, or take the full stop behind it for a part of it. */
export function tokenOf(hash) {
  let text = hash.slice(1);
  try {
    text = decodeURIComponent(text);
  } catch {
    // A lone %: the link is not whole, which the service will say.
  }
  return /^[\w:-]+/.exec(text)?.[0] ?? "";
}

export function readReport(token) {
  return ask(ADDRESS, { headers: { "X-Report-Link": token } });
}

/** Sends an answer; `what` is confirm or reopen. Returns the report as it then is. */
export function send(token, what, body) {
  const headers = { "X-Report-Link": token, "Content-Type": "application/json" };
  return ask(`${ADDRESS}${what}/`, { method: "POST", headers, body: JSON.stringify(body) });
}

/** A list of the API, such as the agencies; empty where it cannot be had, since the page is of use without it. */
export async function namesOf(path) {
  return (await ask(path, {}).catch(() => ({}))).results ?? [];
}

async function ask(address, { headers = {}, ...rest }) {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), TIMEOUT_MS);
  const asked = { ...headers, Accept: "application/json", "Accept-Language": language };
  try {
    // No cookie: staff who open somebody's link are that reporter here, and nobody else.
    const response = await fetch(address, { ...rest, headers: asked, credentials: "omit", cache: "no-store", signal: giveUp.signal });
    if (response.ok) return await response.json();
    throw new Refused(response.status, await response.json().catch(() => ({})), Number(response.headers.get("Retry-After")));
  } catch (error) {
    throw error instanceof Refused ? error : new Refused(0);
  } finally {
    clearTimeout(timer);
  }
}

/** What a refusal means, and what to do about it. */
export function wordsFor(refusal, { linkDays, isSending }) {
  if (refusal.status === 0) return say(isSending ? "offline_sent" : "offline");
  if (refusal.status === 401) return say("link_refused", { n: linkDays });
  if (refusal.status === 429) return say("too_many", { n: Math.max(1, Math.ceil(refusal.retryAfterS / 60)) });
  if (refusal.status === 400) return Object.values(refusal.errors).flat().join(" ") || refusal.message;
  if (refusal.status === 409) return refusal.message;
  return say("failed");
}
