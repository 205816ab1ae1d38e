{% load static %}// The service worker of the form: opens it without a connection, and sends what was kept once there is one again.
importScripts("{% static 'pantau/report/queue.js' %}");

const CACHE = "pantau-report-1";
const FORMS = [{% for path in forms %}"{{ path }}", {% endfor %}];
const FILES = [{% for path in files %}
  "{% static path %}",{% endfor %}
];

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(keep());
});

/** The form, in the language in which it is open now, too, and its files. */
async function keep() {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const opened = pages.map(({ url }) => new URL(url)).filter(({ pathname }) => FORMS.includes(pathname));
  const addresses = new Set([...FORMS, ...opened.map(({ pathname, search }) => pathname + search), ...FILES]);
  await (await caches.open(CACHE)).addAll([...addresses]);
}

self.addEventListener("activate", (event) => {
  const isOld = (name) => name.startsWith("pantau-report-") && name !== CACHE;
  const cleaned = caches.keys().then((names) => Promise.all(names.filter(isOld).map((name) => caches.delete(name))));
  event.waitUntil(cleaned.then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  // Only the empty form and what it is made of; what is somebody's own is never kept.
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (FORMS.includes(pathname) || FILES.includes(pathname)) event.respondWith(freshOrKept(request));
});

/** From the service; what was kept of it only where nobody answers. */
async function freshOrKept(request) {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(request, response.clone());
    return response;
  } catch (error) {
    // It was kept for a request with other headers; the language stands in the address.
    const kept = (await cache.match(request, { ignoreVary: true })) ?? (await cache.match(request, { ignoreVary: true, ignoreSearch: true }));
    if (kept) return kept;
    throw error;
  }
}

self.addEventListener("sync", (event) => {
  if (event.tag !== "pantau-report") return;
  event.waitUntil(
    self.reportQueue.flush().then((isDone) => {
      // Refused, the browser tries again in its own time.
      if (!isDone) throw new Error("not sent yet");
    }),
  );
});
