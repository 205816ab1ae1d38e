// Reports that wait on this phone, and sending them once. A plain script: the page and its service worker both run it.
//
// What is sent twice counts once: the service knows a repeat by the device's token and the report's key. Both are stored before
// the first try, so whoever tries again, the page or the worker, tries with the same.

globalThis.reportQueue = (() => {
  const NAME = "pantau-report";
  const CHANNEL = "pantau-report";
  const TIMEOUT_MS = 180_000;
  // Until then what was written is sent as written now; later it is said when.
  const FRESH_MS = 120_000;
  const news = "BroadcastChannel" in globalThis ? new BroadcastChannel(CHANNEL) : null;
  let opened = null;

  function database() {
    opened ??= new Promise((resolve, reject) => {
      const asked = indexedDB.open(NAME, 1);
      asked.onupgradeneeded = () => {
        asked.result.createObjectStore("reports", { keyPath: "key" });
        asked.result.createObjectStore("device");
      };
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
    opened.catch(() => (opened = null));
    return opened;
  }

  /** Runs one request in a transaction of its own; resolves when it is stored. */
  async function run(store, mode, ask) {
    const transaction = (await database()).transaction(store, mode);
    const asked = ask(transaction.objectStore(store));
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  }

  const list = async () => (await run("reports", "readonly", (store) => store.getAll())).sort((a, b) => a.writtenAt - b.writtenAt);
  const put = (item) => run("reports", "readwrite", (store) => store.put(item));
  const remove = (key) => run("reports", "readwrite", (store) => store.delete(key));

  /** The token by which the service knows this device: random, and nobody's name. */
  async function deviceToken({ isNew = false } = {}) {
    const known = await run("device", "readonly", (store) => store.get("token")).catch(() => undefined);
    if (known && !isNew) return known;
    const response = await fetch("/api/device-tokens/", { method: "POST", credentials: "omit", signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) throw Object.assign(new Error("no token"), { status: response.status });
    const { token } = await response.json();
    await run("device", "readwrite", (store) => store.put(token, "token")).catch(() => {});
    return token;
  }

  function formOf(item) {
    const form = new FormData();
    for (const [name, value] of Object.entries(item.fields)) if (value !== "") form.append(name, value);
    form.append("external_id", item.key);
    if (Date.now() - item.writtenAt > FRESH_MS && !item.isClockWrong) form.append("reported_at", new Date(item.writtenAt).toISOString());
    item.photos.forEach((photo, i) => form.append("photos", photo, `photo-${i + 1}.jpg`));
    return form;
  }

  /** One try. What became of it: sent (with the report), refused (with the reasons), or waiting (offline or busy). */
  async function attempt(item) {
    let response;
    try {
      item.token ??= await deviceToken();
      if (item.isStored) await put(item);
      const headers = { "X-Device-Token": item.token, "Accept-Language": item.language, Accept: "application/json" };
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      response = await fetch("/api/reports/", { method: "POST", headers, body: formOf(item), credentials: "omit", signal });
      const body = await response.json().catch(() => null);
      if (response.ok && body) return { state: "sent", report: body };
      return refusal(item, response, body ?? {});
    } catch (error) {
      return { state: "waiting", isOffline: !error.status };
    }
  }

  async function refusal(item, response, body) {
    const errors = body.errors ?? {};
    // The phone's clock is wrong, or the service knows the token no longer: what is left is still the report.
    if (errors.reported_at && !item.isClockWrong) return attempt(Object.assign(item, { isClockWrong: true }));
    if (errors["X-Device-Token"] && !item.hadOldToken) {
      return attempt(Object.assign(item, { token: await deviceToken({ isNew: true }), hadOldToken: true }));
    }
    if (response.status === 429 || response.status >= 500) return { state: "waiting", isOffline: false };
    return { state: "refused", status: response.status, errors, detail: body.detail ?? String(response.status) };
  }

  /** What stands in the list once it was tried. */
  async function note(item, outcome) {
    if (outcome.state === "sent") {
      // Text, photos and contact are not kept any longer than until they are sent.
      const { id, link } = outcome.report;
      await put({ key: item.key, state: "sent", id, link: link?.token ?? null, writtenAt: item.writtenAt, title: item.title, kind: item.kind });
    } else if (outcome.state === "refused") {
      await put({ ...item, state: "refused", detail: outcome.detail, errors: outcome.errors });
    }
  }

  const locked = (task) => (navigator.locks ? navigator.locks.request(NAME, task) : task());

  /** Sends all that waits, the oldest first; whether nothing is left to be sent. */
  async function flush() {
    const isDone = await locked(async () => {
      for (const { key } of (await list()).filter((each) => each.state === "waiting")) {
        const item = await run("reports", "readonly", (store) => store.get(key));
        if (item?.state !== "waiting") continue;
        const outcome = await attempt(item);
        if (outcome.state === "waiting") return false;
        await note(item, outcome);
        news?.postMessage("changed");
      }
      return true;
    });
    return isDone;
  }

  /** Sends one that was just written: it is kept first, so that nothing is lost whatever happens meanwhile. */
  async function send(item) {
    const isStored = await put(item).then(() => true, () => false);
    item.isStored = isStored;
    const outcome = await locked(() => attempt(item));
    // The page shows these two itself.
    if (isStored && outcome.state !== "waiting") await remove(item.key);
    return { ...outcome, isKept: isStored };
  }

  return { list, put, remove, flush, send, deviceToken, news };
})();
