// The wall of the operation centre: runs by itself for weeks. All that it holds is bounded: lists of a few lines, sources that are set anew.

import { ApiError, getJson, getList } from "../shared/api.js";
import { byId, h, show } from "../shared/dom.js";
import { Live, Status } from "../shared/live.js";
import { ago, language, number, say, useZone, zoneName } from "../shared/words.js";
import { alertsUrl, inOrder, levelBadge, propertyNames, reading } from "./alerts.js";
import { dueBadge, stateBadge } from "./due.js";
import { ofToday, standing, todayUrl } from "./figures.js";
import { incidentsUrl } from "./incidents.js";
import { address, me } from "./me.js";
import { drawSession } from "./session.js";
import { openMap, Places, pointsOf } from "./surroundings.js";

const EVERY_MS = 10_000;
const LINES = 5;
const MOST_URGENT = 14; // what does not fit is left out whole
// Once a night the page begins anew: new words, new colours, and whatever a browser gathers in weeks.
const LIFE_MS = 24 * 3_600_000;

class Wall {
  constructor() {
    useZone(me.zone);
    this.status = new Status(byId("status"), byId("toast"));
    this.places = new Places();
    Object.assign(this, { map: null, names: null, rounds: 0, bornAt: Date.now() });
    const locale = language === "en" ? "en-GB" : "id-ID";
    this.hour = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", timeZone: me.zone });
    this.date = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: me.zone });
    this.live = new Live(() => this.refresh(), EVERY_MS);
  }

  async start() {
    this.tick();
    setInterval(() => this.tick(), 1000);
    show(byId("keys"), ["late", "due", "calm"].map((tone) => h("li", {}, h("span.dot", { "data-tone": tone, "aria-hidden": "true" }), say(`key_${tone}`))), h("li", {}, h("span.triangle", { "aria-hidden": "true" }), say("key_alert")));
    this.map = await openMap(byId("map"), {}, window.innerWidth > 1600 ? 1.35 : 1);
    await this.live.now();
    document.documentElement.dataset.ready = "yes";
  }

  tick() {
    const now = new Date();
    write(byId("time"), this.hour.format(now));
    write(byId("date"), `${this.date.format(now)} · ${zoneName()}`);
  }

  async refresh() {
    try {
      this.names ??= await propertyNames();
      const [board, queue, alerts, incidents] = await Promise.all([getJson(todayUrl()), getJson(address("queue/", { limit: 200 })), getList(alertsUrl()), getList(incidentsUrl())]);
      await this.places.look(alerts.map((alert) => alert.thing));
      this.draw({ board: board.body, queue: queue.body, alerts: inOrder(alerts), incidents });
      this.status.touch();
      drawSession(false);
      document.documentElement.dataset.rounds = this.rounds += 1;
      if (Date.now() - this.bornAt > LIFE_MS) window.location.reload();
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if ([401, 403].includes(error.status)) drawSession(true);
      else if (error.isLostTouch) this.status.lose();
      else this.status.refuse(error.message);
      return false;
    }
  }

  draw({ board, queue, alerts, incidents }) {
    show(byId("figures"), standing(board.now), ofToday(board.outcome));
    this.list("alerts", alerts, alerts.length, (one) => [h("p.line", {}, h("b", {}, one.thing_name), levelBadge(one)), h("p.hint", {}, [reading(one, this.names), one.area_name, say("since", { ago: ago(one.level_since) }), say(one.is_acknowledged ? "seen" : "not_seen")].filter(Boolean).join(" · "))]);
    this.list("incidents", incidents, incidents.length, (one) => [h("p.line", {}, h("b", {}, one.title), h("span.due", {}, ago(one.opened_at))), h("p.hint", {}, [one.area_name, say("incident_reports", { n: one.report_count, open: number(one.open_report_count) })].filter(Boolean).join(" · "))]);
    this.list("urgent", queue.results, null, (one) => [h("p.line", {}, h("b", {}, `${one.category_name}, ${one.area_name ?? say("no_area")}`), dueBadge(one)), h("p.hint", {}, stateBadge(one.status, one.status_name), ` · ${one.agency_name ?? say("no_agency")}`)]);
    this.map?.setReports(pointsOf(queue.results));
    this.map?.setAlerts(this.places.points(alerts));
    write(byId("foot"), say("wall_foot", { user: me.user }));
  }

  list(name, all, count, line) {
    const most = count === null ? MOST_URGENT : LINES;
    if (count !== null) write(byId(`${name}-count`), number(count));
    const box = byId(name);
    show(box, all.length ? all.slice(0, most).map((one) => h("li", {}, line(one))) : h("li.hint", {}, say(`wall_no_${name}`)), all.length > most && count !== null && h("li.hint", {}, say("and_more", { n: all.length - most })));
    const end = box.getBoundingClientRect().bottom;
    for (const row of box.children) row.classList.toggle("cut", row.getBoundingClientRect().bottom > end + 1);
  }
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

new Wall().start();
