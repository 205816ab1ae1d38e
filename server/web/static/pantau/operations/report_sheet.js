// One report in the side pane: what was said, by whom where that may be seen, what was done, and the next step.

import { getJson } from "../shared/api.js";
import { h, show } from "../shared/dom.js";
import { ago, moment, number, say } from "../shared/words.js";
import { dueBadge, marksOf, stateBadge } from "./due.js";
import { Evidence } from "./evidence.js";
import { here } from "./me.js";
import { StepForm } from "./step_form.js";
import { button, facts, logList, part } from "./words.js";

export class ReportSheet {
  /** `board` gives: agencies, toast(text), settle() after a change, merge(reports), open(kind, id), mark(place). */
  constructor(id, board) {
    Object.assign(this, { id, board, handling: null });
    this.root = h("div.sheet", {});
    this.top = h("div.sheet-top", {});
    this.said = h("div", {});
    this.alike = h("div", {});
    this.past = h("div", {});
    this.form = new StepForm(id, board.agencies, { done: () => this.stepped(), changed: () => this.renew() });
    this.evidence = new Evidence(id, () => this.renew());
  }

  get title() {
    return this.detail ? `${this.detail.category_name} · ${this.id}` : this.id;
  }

  async load(signal) {
    const ask = (path) => getJson(`/api/reports/${this.id}/${path}`, { signal }).then(({ body }) => body);
    // Without the right to see it a part is left out; the report itself has to be there.
    const unless = (promise) => promise.catch((error) => (error.status === 403 ? null : Promise.reject(error)));
    [this.detail, this.handling] = await Promise.all([ask(""), unless(ask("handling/"))]);
    // Who does not oversee it is not shown these either, and need not ask.
    [this.hidden, this.photos] = this.handling ? await Promise.all([unless(ask("private/")), unless(ask("evidence/"))]) : [null, null];
    this.draw();
    this.board.mark(this.hidden?.location ?? this.detail.location);
    if (this.handling?.may_handle && !this.handling.follows && !this.detail.closed_at) this.drawAlike(await ask("duplicates/"));
  }

  /** What may have changed; what is being typed is left alone. */
  async renew(signal) {
    await this.load(signal);
  }

  async stepped() {
    this.board.toast(say("saved"));
    await Promise.all([this.renew(), this.board.settle()]);
  }

  draw() {
    const { detail, handling } = this;
    this.drawTop();
    this.drawSaid();
    if (handling) {
      this.form.take(handling);
      this.evidence.draw(this.photos?.results ?? null, handling.may_handle);
      show(this.past, part(say("history"), logList(handling.log)));
    } else {
      // As after a handover: what was theirs a moment ago is with another agency now.
      show(this.form.element, h("p.hint", {}, say("not_yours")));
      this.evidence.draw(null, false);
      show(this.past, part(say("history"), h("p.hint", {}, say("not_overseen"))));
    }
    if (!this.root.firstChild) show(this.root, this.top, this.said, part(say("work"), this.form.element), this.evidence.element, this.alike, this.past);
    document.title = `${detail.category_name} · ${this.id}`;
  }

  drawTop() {
    const { detail, handling } = this;
    const row = { ...detail, ...(handling ?? {}), reopenings: handling?.reopenings, handovers: handling?.handovers };
    show(
      this.top,
      h("p.badges", {}, stateBadge(row.status, say(`status_${row.status}`)), !detail.closed_at && handling && dueBadge(handling), marksOf(row)),
      handling?.follows && h("p.note-line", {}, say("follows"), " ", this.link(handling.follows)),
      facts([
        [say("agency"), handling ? (handling.agency_name ?? say("no_agency")) : detail.agency],
        [say("due"), handling?.due_at && moment(handling.due_at)],
        [say("first_answer"), handling && (handling.responded_at ? moment(handling.responded_at) : handling.response_due_at ? say("wanted_by", { time: moment(handling.response_due_at) }) : null)],
        [say("reported"), `${moment(detail.reported_at)} (${ago(detail.reported_at)})`],
        [say("place"), detail.area_name ?? say("no_area")],
        [say("address"), this.hidden?.address],
        [say("channel"), detail.channel],
        [say("arbiter"), handling?.arbiter],
        [say("followers"), detail.followers > 0 ? number(detail.followers) : null],
      ]),
    );
  }

  drawSaid() {
    const { detail, hidden } = this;
    const text = JSON.stringify([detail.description, detail.photos, hidden]);
    if (text === this.saidText) return; // pictures that are there need not be asked for again
    this.saidText = text;
    const answers = Object.entries(hidden?.attributes ?? {});
    show(
      this.said,
      part(say(hidden ? "said_as_sent" : "said_public"), h("p.said", {}, hidden?.description || detail.description || say("no_text")), answers.length > 0 && facts(answers.map(([name, value]) => [name, String(value)]))),
      detail.thumbnails.length > 0 && h("ul.photos", {}, detail.thumbnails.map((url, i) => h("li", {}, h("a", { href: here(detail.photos[i]), target: "_blank", rel: "noopener" }, h("img", { src: here(url), alt: say("photo_number", { n: i + 1 }), loading: "lazy", width: 96, height: 72 }))))),
      hidden?.contact && part(say("contact"), contact(hidden.contact)),
    );
  }

  drawAlike({ results }) {
    if (!results.length) return show(this.alike);
    const own = { ...this.detail, status_name: this.handling.status_name };
    return show(this.alike, part(say("alike"), h("ul.alike", {}, results.slice(0, 5).map((one) =>
      h("li", {}, h("p", {}, this.link(one.id, one.description || say("no_text"))), h("p.hint", {}, say("alike_line", { m: one.distance_m, ago: ago(one.reported_at) })), button(say("merge_these"), () => this.board.merge([own, { ...one, category_name: this.detail.category_name }])))))));
  }

  link(id, text = id) {
    return h("button.link", { type: "button", onclick: () => this.board.open("report", id) }, text);
  }
}

function contact({ name, phone, email }) {
  return facts([
    [say("contact_name"), name],
    [say("contact_phone"), phone && h("a", { href: `tel:${phone.replace(/[^+\d]/g, "")}` }, phone)],
    [say("contact_email"), email && h("a", { href: `mailto:${email}` }, email)],
  ]);
}
