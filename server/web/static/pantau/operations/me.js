// Who looks at the board, and of which city. What they may do the API decides, each time.

import { byId } from "../shared/dom.js";

export const me = JSON.parse(byId("me").textContent);

/** An address of the API about this city. */
export function address(path, params = {}) {
  const given = Object.entries({ city: me.city, ...params }).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return `/api/${path}?${new URLSearchParams(given)}`;
}

/** The same file at the address by which this page was opened, whatever public address the server believes it has. */
export function here(url) {
  const { pathname, search } = new URL(url, window.location.href);
  return `${pathname}${search}`;
}
