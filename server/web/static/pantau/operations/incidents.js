// Incidents: what is kept of many reports as one, told to everybody who reported it, and closed when it is over.

import { getJson } from "../shared/api.js";
import { h, show } from "../shared/dom.js";
import { ago, moment, number, say } from "../shared/words.js";
import { address, me } from "./me.js";
import { send } from "./send.js";
import { button, facts, failure, logList, part } from "./words.js";

export function incidentsUrl(limit = 50) {
  return address("incidents/", { status: "open", limit });
}

/** The list, in its view. */
export function drawIncidents(root, incidents, { onOpen, openKey }) {
  show(
    root,
    h("h2.view-title", {}, say("incidents_open")),
    incidents.length ? h("ul.rows", {}, incidents.map((one) => h("li.row.plain", { "data-open": openKey === `incident:${one.id}` }, h("button.open", { type: "button", "data-key": one.id, onclick: () => onOpen("incident", one.id) },
      h("span.head", {}, h("span.name", {}, one.title), h("span.due", {}, ago(one.opened_at))),
      h("span.foot", {}, h("span", {}, one.area_name ?? say("no_area")), h("span", {}, say("incident_reports", { n: one.report_count, open: number(one.open_report_count) })), one.is_public && h("span.mark", {}, say("public")), one.is_exercise && h("span.mark.drill", {}, say("exercise"))))))) : h("p.empty", {}, say(me.dispatches ? "no_incidents_dispatcher" : "no_incidents")),
  );
}

export class IncidentSheet {
  /** `board` gives: toast, settle, open(kind, id), selected() reports, mark. */
  constructor(id, board) {
    Object.assign(this, { id, board });
    this.root = h("div.sheet", {});
    this.told = h("div", {});
    this.past = h("div", {});
    this.top = h("div.sheet-top", {});
    this.error = h("p.error", { role: "alert" });
    this.acts = h("div", {});
  }

  get title() {
    return this.incident.title;
  }

  async load(signal) {
    this.incident = (await getJson(`/api/incidents/${this.id}/`, { signal })).body;
    this.draw();
    this.board.mark(null);
  }

  renew(signal) {
    return this.load(signal);
  }

  draw() {
    const { incident } = this;
    const isOpen = incident.status === "open";
    show(this.top,
      h("p.badges", {}, h("span.mark", {}, say(isOpen ? "incident_is_open" : "incident_is_closed")), incident.is_public && h("span.mark", {}, say("public")), incident.is_exercise && h("span.mark.drill", {}, say("exercise"))),
      facts([[say("place"), incident.area_name], [say("opened"), `${moment(incident.opened_at)}${incident.opened_by ? `, ${incident.opened_by}` : ""}`], [say("closed"), incident.closed_at && moment(incident.closed_at)], [say("reports"), say("incident_reports", { n: incident.report_count, open: number(incident.open_report_count) })]]));
    const ids = incident.reports.slice(0, 60);
    show(this.past,
      part(say("reports"), h("p.ids", {}, ids.map((id) => h("button.link", { type: "button", onclick: () => this.board.open("report", id) }, id)), incident.reports.length > ids.length && h("span.hint", {}, say("and_more", { n: incident.reports.length - ids.length })))),
      incident.log && part(say("history"), logList(incident.log.map((line) => ({ at: line.at, who: line.user ?? "Pantau", what: say(`incident_did_${line.action}`) })))));
    if (!this.root.firstChild) show(this.root, this.top, this.acts, this.past);
    if (me.dispatches && isOpen) this.drawActs();
    else show(this.acts);
  }

  drawActs() {
    const chosen = this.board.selected();
    if (!this.message) {
      this.message = h("textarea", { name: "text", rows: 3, maxlength: 2000, id: "incident-text", required: true });
      this.status = h("select", { name: "status" }, h("option", { value: "" }, say("no_step")), ["in_progress", "resolved"].map((status) => h("option", { value: status }, say(`status_${status}`))));
      this.form = h("form.steps", { novalidate: true, onsubmit: (event) => this.tell(event) }, h("label.field", {}, say("incident_message"), this.message), h("p.hint", {}, say("incident_message_hint")), h("label.field", {}, say("incident_step"), this.status), h("button.button.primary", { type: "submit" }, say("incident_tell")));
      this.more = h("p.actions", {});
      show(this.acts, part(say("tell_all"), this.form, this.told), this.error, this.more);
    }
    show(this.more,
      chosen.length > 0 && button(say("incident_add", { n: chosen.length }), () => this.act(() => send(`/api/incidents/${this.id}/reports/`, { add: chosen.map((one) => one.id) }), "incident_added")),
      button(say(this.incident.is_public ? "incident_hide" : "incident_show"), () => this.act(() => send(`/api/incidents/${this.id}/`, { is_public: !this.incident.is_public }, "PATCH"), "saved")),
      button(say("incident_close"), () => this.act(() => send(`/api/incidents/${this.id}/close/`), "incident_was_closed")));
  }

  async tell(event) {
    event.preventDefault();
    const text = this.message.value.trim();
    if (!text) {
      this.error.textContent = say("message_needed");
      return this.message.focus();
    }
    const body = this.status.value ? { text, status: this.status.value } : { text };
    return this.act(async () => {
      const told = await send(`/api/incidents/${this.id}/message/`, body);
      this.message.value = "";
      show(this.told, h("p.hint", {}, say("told", { n: told.reports.length, emails: told.emails })), told.refused.length > 0 && h("ul.refused", {}, told.refused.map((one) => h("li", {}, h("b", {}, one.report), " ", one.reason))));
    }, "incident_was_told");
  }

  async act(write, words) {
    this.error.textContent = "";
    try {
      await write();
      this.board.toast(say(words));
    } catch (error) {
      this.error.textContent = failure(error) || error.message;
    }
    await Promise.all([this.load(), this.board.settle()]);
  }
}
