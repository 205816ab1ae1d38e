// The clock of a wall: the city's time.

/** Shows the time in an element, if there is one; its data-zone names the zone. */
export function startClock(element) {
  if (!element) return;
  const locale = document.documentElement.lang === "en" ? "en-GB" : "id-ID";
  const format = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", timeZone: element.dataset.zone });
  const show = () => {
    const now = new Date();
    const words = format.format(now);
    if (element.textContent !== words) element.textContent = words;
    element.dateTime = now.toISOString();
  };
  show();
  setInterval(show, 1_000);
}
