// Alerts: measurements that have reached a level. Somebody says that they have seen it; some become incidents.

import { getJson, getList } from "../shared/api.js";
import { h, show } from "../shared/dom.js";
import { ago, measured, moment, nameOf, say } from "../shared/words.js";
import { address, me } from "./me.js";
import { send } from "./send.js";
import { button, facts, failure, logList, part } from "./words.js";

export function alertsUrl(limit = 100) {
  return address("alerts/", { status: "open", limit });
}

/** Those that nobody has seen first, then by level, then the newest. */
export function inOrder(alerts) {
  return [...alerts].sort((a, b) => a.is_acknowledged - b.is_acknowledged || b.level - a.level || Date.parse(b.level_since) - Date.parse(a.level_since));
}

let properties = null;

/** What an observed property is called. */
export async function propertyNames() {
  if (!properties) properties = new Map((await getList("/api/observed-properties/")).map((one) => [one.code, nameOf(one)]));
  return properties;
}

export function reading(alert, names) {
  return `${names?.get(alert.observed_property) ?? alert.observed_property}: ${measured(alert.value, alert.unit)}`;
}

export function levelBadge(alert) {
  return h("span.level", { "data-seen": alert.is_acknowledged ? "yes" : "no" }, alert.level_name);
}

/** The list, in its view. */
export function drawAlerts(root, alerts, { names, onOpen, onSeen, openKey }) {
  show(
    root,
    h("h2.view-title", {}, say("alerts_open")),
    alerts.length ? h("ul.rows", {}, inOrder(alerts).map((one) => h("li.row.plain.with-act", { "data-open": openKey === `alert:${one.id}`, "data-tone": one.is_acknowledged ? "calm" : "late" },
      h("button.open", { type: "button", "data-key": one.id, onclick: () => onOpen("alert", one.id) },
        h("span.head", {}, h("span.name", {}, one.thing_name), levelBadge(one)),
        h("span.text", {}, reading(one, names)),
        h("span.foot", {}, h("span", {}, one.area_name ?? say("no_area")), h("span", {}, say("since", { ago: ago(one.level_since) })), one.is_acknowledged && h("span", {}, say("seen_by", { name: one.acknowledged_by ?? say("somebody") })), one.stale_since && h("span.mark", {}, say("silent")), one.is_exercise && h("span.mark.drill", {}, say("exercise")))),
      me.dispatches && !one.is_acknowledged && button(say("acknowledge"), () => onSeen(one), { "data-key": `seen-${one.id}` })))) : h("p.empty", {}, say("no_alerts")),
  );
}

export class AlertSheet {
  /** `board` gives: toast, settle, open(kind, id), placeOf(thing), mark. */
  constructor(id, board) {
    Object.assign(this, { id, board });
    this.root = h("div.sheet", {});
    this.top = h("div.sheet-top", {});
    this.acts = h("div", {});
    this.past = h("div", {});
    this.error = h("p.error", { role: "alert" });
  }

  get title() {
    return this.alert.thing_name;
  }

  async load(signal) {
    const [{ body }, names] = await Promise.all([getJson(`/api/alerts/${this.id}/`, { signal }), propertyNames()]);
    Object.assign(this, { alert: body, names });
    this.draw();
    this.board.mark(this.board.placeOf(body.thing));
  }

  renew(signal) {
    return this.load(signal);
  }

  draw() {
    const { alert, names } = this;
    show(this.top,
      h("p.badges", {}, levelBadge(alert), alert.closed_at && h("span.mark", {}, say("alert_is_closed")), alert.is_exercise && h("span.mark.drill", {}, say("exercise"))),
      facts([
        [names.get(alert.observed_property) ?? alert.observed_property, `${measured(alert.value, alert.unit)} (${moment(alert.value_at)})`],
        [say("peak"), `${measured(alert.peak, alert.unit)} (${moment(alert.peak_at)})`],
        [say("level_since"), moment(alert.level_since)], [say("opened"), moment(alert.opened_at)], [say("authority"), alert.authority], [say("place"), alert.area_name],
        [say("acknowledged"), alert.acknowledged_at && `${moment(alert.acknowledged_at)}${alert.acknowledged_by ? `, ${alert.acknowledged_by}` : ""}`], [say("note"), alert.note],
        [say("incident"), alert.incident && h("button.link", { type: "button", onclick: () => this.board.open("incident", alert.incident) }, alert.incident)],
      ]));
    show(this.past, part(say("history"), logList(alert.log.map((line) => ({ at: line.at, what: `${say(`alert_did_${line.action}`)}${line.value === null ? "" : ` (${measured(line.value, alert.unit)})`}` })))));
    if (!this.root.firstChild) show(this.root, this.top, this.acts, this.error, this.past);
    this.drawActs();
  }

  drawActs() {
    const { alert } = this;
    if (!me.dispatches || alert.closed_at) return show(this.acts);
    if (!this.noteField) {
      this.noteField = h("textarea", { rows: 2, maxlength: 2000, id: "alert-note" });
      this.buttons = h("p.actions", {});
      show(this.acts, part(say("answer"), h("label.field", {}, say("note_staff"), this.noteField), this.buttons));
    }
    const note = () => ({ note: this.noteField.value.trim() });
    return show(this.buttons,
      !alert.is_acknowledged && button(say("acknowledge"), () => this.act("acknowledge", note()), { isPrimary: true, "data-key": "acknowledge" }),
      !alert.incident && button(say("alert_incident"), () => this.act("incident", { title: "", is_public: false }), { "data-key": "incident" }),
      button(say("alert_close"), () => this.act("close", note()), { "data-key": "close" }));
  }

  async act(what, body) {
    this.error.textContent = "";
    try {
      await send(`/api/alerts/${this.id}/${what}/`, body);
      this.noteField.value = "";
      this.board.toast(say(`alert_done_${what}`));
    } catch (error) {
      this.error.textContent = failure(error) || error.message;
    }
    await Promise.all([this.load(), this.board.settle()]);
  }
}
