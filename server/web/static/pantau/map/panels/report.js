// A report: its photos, the public's words, where it stands and how it came there.

import { getJson, getList } from "../../shared/api.js";
import { h } from "../../shared/dom.js";
import { moment, nameOf, number, say, zoneName } from "../../shared/words.js";
import { header, quiet, since } from "./sections.js";

const CLOSED = ["resolved", "rejected", "duplicate"];
let directory = null; // agencies and channels by slug, asked for once

export class ReportPanel {
  constructor(id, { model, onOpen, onClose }) {
    Object.assign(this, { id, model, onOpen, onClose, detail: null, names: {}, isGone: false });
  }

  async load(paint) {
    directory ??= quiet(readDirectory());
    const [detail, names] = await Promise.all([quiet(getJson(`/api/reports/${encodeURIComponent(this.id)}/`)), directory]);
    this.detail = detail?.body ?? this.detail;
    this.isGone = !this.detail;
    this.names = names ?? {};
    paint();
  }

  sections() {
    const known = this.model.reports?.features.find((feature) => feature.properties.id === this.id)?.properties;
    const p = { ...known, ...this.detail };
    if (!p.id) return this.isGone ? null : [{ key: "header", of: 0, draw: () => header(say("loading"), "", [], this.onClose) }];
    const badges = [p.is_simulated && say("simulated"), p.is_exercise && say("exercise")].filter(Boolean);
    const category = nameOf(p, "category_name") || nameOf(this.model.category(p.category) ?? {});
    return [
      { key: "header", of: [category, p.kind, badges], draw: () => header(category, say(`kind_${p.kind}`), badges, this.onClose) },
      { key: "status", of: [p.status, p.updated_at], draw: () => statusLine(p) },
      { key: "words", of: [p.description], draw: () => h("p.quote", {}, p.description || say("no_description")) },
      p.photos?.length ? { key: "photos", of: p.photos, draw: () => photos(p) } : null,
      { key: "lines", of: [p, this.names], draw: () => this.lines(p) },
      p.history?.length ? { key: "history", of: [p.history, this.names], draw: () => this.history(p.history) } : null,
      { key: "links", of: p.id, draw: () => links(p) },
    ];
  }

  lines(p) {
    const agency = this.names.agencies?.[p.agency] ?? p.agency?.toUpperCase();
    const lines = [
      [say("reported"), [moment(p.reported_at), " · ", since(p.reported_at)]],
      [say("closed"), p.closed_at && moment(p.closed_at)],
      [say("area"), p.area_name ?? say("outside")],
      [say("agency"), agency ?? say("no_agency")],
      [say("channel"), this.names.channels?.[p.channel] ?? p.channel],
      [say("supporters"), p.support_count ? number(p.support_count) : null],
      [say("merged_reports"), p.followers ? number(p.followers) : null],
      [say("report_id"), h("code", {}, p.id)],
    ];
    return [
      h("dl.lines", {}, lines.filter(([, value]) => value).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
      p.duplicate_of ? h("p", {}, h("button.link", { type: "button", onclick: () => this.onOpen(`report:${p.duplicate_of}`) }, say("merged_into"))) : null,
    ];
  }

  history(history) {
    return [
      h("h3", {}, say("history")),
      h("ol.steps", {}, history.map((step, i) => h("li", { class: CLOSED.includes(step.status) ? "done" : null, "aria-current": i === history.length - 1 && "step" },
        h("b", {}, say(`status_${step.status}`)), h("time", { datetime: step.at }, moment(step.at)),
        step.agency && step.agency !== history[i - 1]?.agency ? h("p.by", {}, this.names.agencies?.[step.agency] ?? step.agency.toUpperCase()) : null,
        step.note ? h("p", {}, step.note) : null))),
      h("p.hint", {}, say("times_in", { zone: zoneName() })),
    ];
  }
}

function statusLine(p) {
  const isClosed = CLOSED.includes(p.status);
  return h("p.state", { "data-state": isClosed ? "closed" : "open" }, h("span.dot", { "aria-hidden": "true" }), h("b", {}, say(`status_${p.status}`)));
}

/** The thumbnails; one opens its photo over the page, and closes to where it was. */
function photos(p) {
  const small = p.thumbnails ?? p.photos;
  return h("ul.photos", {}, p.photos.map((url, i) => h("li", {},
    h("button", { type: "button", "data-key": `photo-${i}`, onclick: () => enlarge(p.photos, i) },
      h("img", { src: own(small[i]), alt: say("photo_of", { i: i + 1, all: p.photos.length }), loading: "lazy" })))));
}

function enlarge(urls, i) {
  const dialog = h("dialog.photo-dialog", { "aria-label": say("photo_of", { i: i + 1, all: urls.length }) },
    h("img", { src: own(urls[i]), alt: say("photo_of", { i: i + 1, all: urls.length }) }),
    h("form", { method: "dialog" }, h("button.button", { autofocus: true }, say("close"))));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
}

/** A path of this service, whatever public address it believes it has. */
function own(url) {
  return new URL(url, window.location.href).pathname;
}

function links(p) {
  const path = `/report/status/${encodeURIComponent(p.id)}/`;
  const said = h("span.hint", { role: "status" });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(new URL(path, window.location.href).href);
      said.textContent = say("copied");
    } catch {
      said.textContent = say("copy_failed", { url: new URL(path, window.location.href).href });
    }
  };
  return h("p.actions", {}, h("a.button", { href: `${path}?lang=${document.documentElement.lang}` }, say("public_page")), h("button.button", { type: "button", "data-key": "copy", onclick: copy }, say("copy_link")), said);
}

async function readDirectory() {
  const [agencies, channels] = await Promise.all([getList("/api/agencies/"), getList("/api/channels/")]);
  const bySlug = (list) => Object.fromEntries(list.map((each) => [each.slug, nameOf(each)]));
  return { agencies: bySlug(agencies), channels: bySlug(channels) };
}
