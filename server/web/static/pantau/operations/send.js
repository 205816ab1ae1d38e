// Writing by the session: Django's token against forgery goes along, as its cookie has it now (a new sign-in changes it).

import { ApiError } from "../shared/api.js";

const TIMEOUT_MS = 60_000;

/** Sends JSON, or a form with files. The answer's JSON; an ApiError with the problem for what is refused. */
export async function send(url, body = {}, method = "POST") {
  const isForm = body instanceof FormData;
  const headers = { Accept: "application/json", "Accept-Language": document.documentElement.lang, "X-CSRFToken": token() };
  if (!isForm) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(url, { method, headers, body: isForm ? body : JSON.stringify(body), signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    throw new ApiError(0, String(error.message));
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(response.status, answer.detail ?? response.statusText, null, answer);
  return answer;
}

function token() {
  return /(?:^|; )csrftoken=([^;]*)/.exec(document.cookie)?.[1] ?? "";
}
