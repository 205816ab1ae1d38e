// Answers that take the server longer than a question may: it sends us away with an address to follow, and we come back.

import { ApiError, getJson } from "./api.js";

const LOOK_EVERY_MS = 1_000;
const ASK_MOST = 60;

/** The JSON of an analysis once it is computed. `onProgress` hears the share that is done, from 0 to 1. */
export async function getComputed(url, { onProgress = () => {}, signal } = {}) {
  for (let asked = 0; ; asked += 1) {
    try {
      return await getJson(url, { signal });
    } catch (error) {
      const follow = error instanceof ApiError && error.status === 503 ? error.body.result : null;
      if (!follow || error.body.state !== "pending" || asked >= ASK_MOST) throw error;
      onProgress(error.body.progress ?? 0);
      await finished(follow, onProgress, signal);
    }
  }
}

/** Returns when the result is no longer pending, or when nothing is known of it. */
async function finished(address, onProgress, signal) {
  for (let looked = 0; looked < ASK_MOST; looked += 1) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    const { body } = await getJson(address, { signal });
    onProgress(body.progress);
    if (body.state !== "pending") return;
  }
}
