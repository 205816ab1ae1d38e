// The page of a reporter's link: shows the report, and sends what its reporter answers.

import { byId, h, show } from "../shared/dom.js";
import { namesOf, readReport, send, tokenOf, wordsFor } from "./report_link.js";
import { language, moment, say, useZone, zoneName } from "../shared/words.js";

const LONGEST = 2000;

class ReporterPage {
  constructor(hash) {
    Object.assign(this, { token: tokenOf(hash), report: null, agencies: new Map(), isBusy: false });
    this.linkDays = Number(byId("page").dataset.linkDays);
  }

  async start() {
    for (const link of document.querySelectorAll("[data-lang-link]")) link.hash = window.location.hash;
    byId("again").addEventListener("click", () => this.open());
    // Another link was put into the address bar.
    window.addEventListener("hashchange", () => window.location.reload());
    if (this.token) await this.open();
    else this.say(say("no_link"));
    document.documentElement.dataset.ready = "yes";
  }

  async open() {
    if (this.isBusy) return;
    this.setBusy(true);
    byId("again").hidden = true;
    this.say(say("loading"));
    try {
      const [report, cities] = await Promise.all([readReport(this.token), namesOf("/api/cities/")]);
      useZone(cities.find((city) => city.slug === report.city)?.timezone);
      const agencies = await namesOf(`/api/agencies/?city=${encodeURIComponent(report.city)}&lang=${language}`);
      this.agencies = new Map(agencies.map((agency) => [agency.slug, agency.name]));
      this.take(report);
      this.say("");
    } catch (refusal) {
      this.say(this.wordsFor(refusal), { isBad: true });
      byId("again").hidden = refusal.status === 401;
    }
    this.setBusy(false);
  }

  /** Sends an answer. A second click while the first is under way sends nothing. */
  async answer(what, body, thanks) {
    if (this.isBusy) return;
    this.setBusy(true);
    this.say(say("sending"));
    try {
      const report = await send(this.token, what, body);
      const { comment, reason } = writtenSoFar();
      // What was written to say that it is not done is a reason to open it again.
      this.take(report, { comment: "", reason: reason || (body.is_done === false ? comment : "") });
      this.say(thanks(this.report), { isNew: true });
    } catch (refusal) {
      // It is not as this page shows it: somebody else was faster, or the answer before had arrived after all.
      if (refusal.status === 409) await readReport(this.token).then((report) => this.take(report)).catch(() => {});
      this.say(this.wordsFor(refusal, true), { isBad: true, isNew: true });
    }
    this.setBusy(false);
  }

  take(report, written = writtenSoFar()) {
    this.report = report;
    show(byId("report"), this.drawReport());
    show(byId("questions"), this.drawQuestions(written));
    show(byId("told"), this.drawTold());
    show(byId("history"), this.drawHistory());
  }

  drawReport() {
    const r = this.report;
    const since = r.history[r.history.length - 1]?.at;
    const place = r.area_name ?? (r.location ? r.location.coordinates.map((degree) => degree.toFixed(4)).reverse().join(", ") : say("no_place"));
    const map = r.location && h("a", { href: `/?lang=${language}#open=report:${r.id}` }, say("on_the_map"));
    const rows = [
      ["number", r.id], ["category", r.category_name], ["place", [place, map && " · ", map]],
      ...(r.landmark ? [["landmark", r.landmark]] : []),
      ["reported_at", moment(r.reported_at)], ["handled_by", r.agency ? this.agencyName(r.agency) : say("nobody")],
    ];
    return [
      h("div.state", {}, h("h2", {}, h("small", {}, say("status")), " ", h("span", { id: "status" }, say(`status_${r.status}`))),
        h("p", {}, say(`means_${r.status}`)), since && h("p.hint", {}, say("since", { time: moment(since) }))),
      r.duplicate_of && h("p", {}, say("follows", { id: r.duplicate_of })),
      h("dl", {}, rows.map(([name, value]) => [h("dt", {}, say(name)), h("dd", {}, value)])),
    ];
  }

  drawTold() {
    const { description, thumbnails } = this.report;
    return [
      h("h2", {}, say("what_you_wrote")), h("p.told", {}, description || say("no_description")),
      thumbnails.length > 0 && [h("h2", {}, say("photos")), h("ul.photos", {}, thumbnails.map((url, i) => this.drawPhoto(url, i)))],
    ];
  }

  drawPhoto(thumbnail, index) {
    const n = index + 1;
    // Of a report that is not public nobody gets the photos.
    const gone = (event) => event.target.closest("li").replaceChildren(h("p.hint", {}, say("photo_failed", { n })));
    const image = h("img", { src: pathOf(thumbnail), alt: say("photo_number", { n }), onerror: gone });
    return h("li", {}, h("a", { href: pathOf(this.report.photos[index]) }, image));
  }

  drawQuestions(written) {
    return [this.report.can_be_confirmed && this.drawConfirming(written), this.report.reopenable_until && this.drawReopening(written)];
  }

  drawConfirming({ comment }) {
    const given = this.report.answer;
    const box = textBox("comment", comment);
    const button = (isDone, name) => h("button", { type: "button", id: name, onclick: () => this.confirm(isDone, box.value.trim()) }, say(name));
    return h("section.question", { "aria-labelledby": "confirming" }, h("h2", { id: "confirming" }, say("is_it_done")),
      given && h("p", { id: "answered" }, say(given.is_done ? "answered_yes" : "answered_no", { time: moment(given.at) })),
      h("label", { for: "comment" }, say("comment")), box, h("p.hint", {}, say("only_staff")),
      h("div.buttons", {}, button(true, "yes"), button(false, "no")));
  }

  confirm(isDone, comment) {
    const thanks = (report) => say(isDone ? "said_yes" : report.reopenable_until ? "said_no_open" : "said_no");
    return this.answer("confirm", { is_done: isDone, comment }, thanks);
  }

  drawReopening({ reason }) {
    const box = textBox("reason", reason);
    const submit = (event) => {
      event.preventDefault();
      this.reopen(box);
    };
    return h("form.question", { "aria-labelledby": "reopening", novalidate: true, onsubmit: submit }, h("h2", { id: "reopening" }, say("open_again")),
      h("p", {}, say("open_until", { time: moment(this.report.reopenable_until) })),
      h("label", { for: "reason" }, say("reason")), box, h("p.hint", {}, say("only_staff")),
      h("div.buttons", {}, h("button", { id: "reopen" }, say("open_button"))));
  }

  reopen(box) {
    const reason = box.value.trim();
    box.setCustomValidity(reason ? "" : say("reason_needed"));
    if (box.reportValidity()) this.answer("reopen", { reason }, () => say("reopened"));
  }

  drawHistory() {
    const line = ({ at, status, agency, note }) => h("li", {},
      h("b", {}, say(`status_${status}`)), agency && ` · ${this.agencyName(agency)}`, h("p.hint", {}, moment(at)), note && h("p", {}, note));
    return [h("h2", {}, say("history")), h("ol.steps", {}, this.report.history.map(line)), h("p.hint", {}, say("times_in", { zone: zoneName() }))];
  }

  agencyName(slug) {
    return this.agencies.get(slug) ?? slug;
  }

  wordsFor(refusal, isSending = false) {
    return wordsFor(refusal, { linkDays: this.linkDays, isSending });
  }

  setBusy(isBusy) {
    this.isBusy = isBusy;
    byId("questions").setAttribute("aria-busy", String(isBusy));
  }

  /** One line in words, above the questions. `isNew`: an answer to what was just done, which should be in sight. */
  say(text, { isBad = false, isNew = false } = {}) {
    const notice = byId("notice");
    notice.hidden = !text;
    notice.textContent = text;
    notice.classList.toggle("bad", isBad);
    if (isNew) notice.focus();
  }
}

function textBox(id, text) {
  const box = h("textarea", { id, rows: 3, maxlength: LONGEST });
  box.value = text;
  return box;
}

function writtenSoFar() {
  return { comment: byId("comment")?.value ?? "", reason: byId("reason")?.value ?? "" };
}

/** Of the same origin, whatever public address the service believes it has. */
function pathOf(url) {
  return new URL(url, window.location.href).pathname;
}

new ReporterPage(window.location.hash).start();
