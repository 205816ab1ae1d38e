// Open reports nearby that may be the same: shown before another one is sent, to be supported instead.

import { byId, h, show } from "../shared/dom.js";
import { ago, language, say } from "../shared/words.js";

const MOST = 3;

export class Similar {
  constructor(statusPage) {
    this.part = byId("similar");
    this.statusPage = statusPage;
    this.asked = "";
  }

  /** Looks for them once category and point are known, and again when one of them is another. */
  async look(category, point) {
    const asked = category && point ? new URLSearchParams({ category, lon: point.lon, lat: point.lat }).toString() : "";
    if (asked === this.asked) return;
    this.asked = asked;
    const found = asked ? await near(asked) : [];
    // Meanwhile another one was asked for.
    if (asked === this.asked) this.draw(found.slice(0, MOST));
  }

  draw(found) {
    this.part.hidden = !found.length;
    if (!found.length) return show(this.part);
    const dismiss = h("button.button", { type: "button", onclick: () => this.dismiss() }, say("none_of_these"));
    show(this.part, h("h2", {}, say("is_it_one")), h("p", {}, say("already_open")), h("ul", {}, found.map((each) => this.line(each))), dismiss);
  }

  line(report) {
    const facts = [say("away", { n: report.distance_m }), ago(report.reported_at), report.support_count > 0 && say("supporters", { n: report.support_count })];
    const fault = h("p.error", { role: "alert" });
    const support = h("button.button.primary", { type: "button", onclick: () => this.support(report, support, fault) }, say("support"));
    const page = `${this.statusPage}${report.id}/?lang=${language}`;
    return h("li", {}, h("p.told", {}, report.description || say("no_description")), h("p.hint", {}, facts.filter(Boolean).join(" · ")),
      h("div.buttons", {}, support, h("a.button", { href: page, target: "_blank", rel: "noopener" }, say("look"))), fault);
  }

  async support(report, button, fault) {
    button.disabled = true;
    fault.textContent = "";
    try {
      const headers = { "X-Device-Token": await reportQueue.deviceToken(), "Accept-Language": language };
      // Of the same origin, whatever public address the service believes it has.
      const response = await fetch(new URL(report.support_url).pathname, { method: "POST", headers, credentials: "omit" });
      const body = await response.json();
      if (!response.ok) throw new Error(body.detail);
      const page = `${this.statusPage}${report.id}/?lang=${language}`;
      show(this.part, h("h2", { tabindex: -1 }, say("supported", { n: body.support_count })), h("p", {}, say("supported_hint")),
        h("p", {}, h("a.button", { href: page }, say("follow_it"))));
      this.part.querySelector("h2").focus();
    } catch (error) {
      button.disabled = false;
      fault.textContent = say("support_failed", { detail: error.message });
    }
  }

  dismiss() {
    this.draw([]);
    byId("description").focus();
  }

  clear() {
    this.asked = "";
    this.draw([]);
  }
}

/** None where they cannot be had: a report is sent without them, too. */
async function near(asked) {
  try {
    const response = await fetch(`/api/reports/duplicates/?${asked}`, { credentials: "omit", headers: { "Accept-Language": language } });
    return response.ok ? (await response.json()).results : [];
  } catch {
    return [];
  }
}
