// The form: gathers what was given, says what is missing beside its field, and sends it, now or later.

import { Draft, fill, valuesOf } from "./draft.js";
import { Kept } from "./kept.js";
import { Photos } from "./photos.js";
import { Place } from "./place.js";
import { receipt } from "./receipt.js";
import { Similar } from "./similar.js";
import { byId, show } from "../shared/dom.js";
import { language, say } from "../shared/words.js";

// The service's names, where the form's are others.
const SHOWN_AT = { location: "place", area: "place", lon: "place", lat: "place" };
const FIELDS = ["place", "landmark", "category", "description", "photos", "email", "phone", "name"];

class ReportForm {
  constructor() {
    const { kind, mostPhotos, linkDays, mine, status } = byId("page").dataset;
    Object.assign(this, { kind, linkDays: Number(linkDays), mine, status, isBusy: false });
    this.form = byId("form");
    this.form.noValidate = true;
    this.draft = new Draft(this.form, kind);
    // What the service has sent back is newer than what this tab kept.
    this.draft.restore({ isWhole: byId("notice").hidden });
    this.photos = new Photos({ most: Number(mostPhotos), onChange: () => this.changed() });
    this.place = this.isWish ? null : new Place(this.form, () => this.changed());
    this.similar = new Similar(status);
    this.kept = new Kept({ mine, onMend: (item) => this.mend(item) });
    this.form.addEventListener("input", (event) => this.changed(event.target));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  get isWish() {
    return this.kind === "aspirasi";
  }

  async start() {
    this.changed();
    const { worker, scope } = byId("page").dataset;
    navigator.serviceWorker?.register(worker, { scope }).catch(() => {});
    await this.kept.start();
  }

  changed(field) {
    this.draft.save();
    const name = SHOWN_AT[field?.name] ?? field?.name;
    if (FIELDS.includes(name)) this.complain(name, "");
    // With a point no words are needed to find it.
    if (this.place?.point) this.complain("landmark", "");
    if (![...this.form.querySelectorAll(".error")].some((line) => line.textContent.trim())) byId("notice").hidden = true;
    if (this.place) this.similar.look(this.form.elements.category.value, this.place.point);
  }

  /** What a person can forget, by field. */
  missing(values) {
    const faults = {};
    const isPointed = Boolean(this.place?.point);
    if (this.isWish && !values.area) faults.place = say("area_needed");
    if (this.place && !isPointed && !values.area) faults.place = say("place_needed");
    if (this.place && !isPointed && values.area && !values.landmark) faults.landmark = say("landmark_needed");
    if (!values.category) faults.category = say("category_needed");
    if (!values.description && (this.isWish || !this.photos.taken.length)) faults.description = say(this.isWish ? "wish_needed" : "description_needed");
    if (!byId("email").validity.valid) faults.email = say("email_wrong");
    return faults;
  }

  async submit() {
    if (this.isBusy) return;
    const values = valuesOf(this.form);
    const faults = this.missing(values);
    this.showFaults(faults, Object.keys(faults).length ? say("see_below") : "");
    if (Object.keys(faults).length) return;
    this.setBusy(true);
    const item = this.itemOf(values);
    const outcome = await reportQueue.send(item);
    this.setBusy(false);
    if (outcome.state === "sent") this.arrived(outcome.report, values);
    else if (outcome.state === "refused") this.refused(outcome);
    else if (outcome.isKept) await this.keptForLater(outcome);
    else this.showFaults({}, say("not_kept"));
  }

  itemOf(values) {
    const fields = { ...values, kind: this.kind };
    if (this.place?.point) fields.area = "";
    const chosen = this.form.querySelector("input[name=category]:checked");
    const title = chosen.closest("label")?.textContent.trim() ?? this.form.querySelector(`label[for="${chosen.id}"]`).textContent.trim();
    return { key: crypto.randomUUID(), state: "waiting", fields, photos: this.photos.blobs, writtenAt: Date.now(), language, title, kind: this.kind };
  }

  arrived(report, values) {
    this.forget();
    const { kind, linkDays, mine, status } = this;
    show(byId("page"), receipt(report, { kind, linkDays, mine, status, hasEmail: Boolean(values.email) }));
    byId("page").querySelector("h1").focus();
    window.scrollTo(0, 0);
  }

  refused({ errors, detail }) {
    const faults = {};
    const loose = [];
    for (const [name, says] of Object.entries(errors)) {
      const shown = SHOWN_AT[name] ?? name;
      if (FIELDS.includes(shown)) faults[shown] = [says].flat().join(" ");
      else loose.push([says].flat().join(" "));
    }
    const isBeside = Object.keys(faults).length > 0;
    this.showFaults(faults, isBeside && !loose.length ? say("see_below") : say("refused", { detail: loose.join(" ") || detail }));
  }

  async keptForLater({ isOffline }) {
    this.forget();
    this.form.reset();
    this.place?.clear();
    await this.kept.keep(say(isOffline ? "kept_offline" : "kept_busy"));
  }

  forget() {
    this.draft.forget();
    this.photos.clear();
    this.similar.clear();
    this.draft.forget();
  }

  mend(item) {
    fill(this.form, item.fields, { isWhole: true });
    this.photos.put(item.photos);
    this.place?.reread();
    this.refused({ errors: item.errors ?? {}, detail: item.detail });
  }

  /** Each fault beside its field; the first of them, or what is said of the whole, comes into sight. */
  showFaults(faults, whole) {
    for (const name of FIELDS) this.complain(name, faults[name] ?? "");
    byId("notice").textContent = whole;
    byId("notice").hidden = !whole;
    if (faults.email || faults.phone || faults.name) byId("contact").open = true;
    const first = FIELDS.find((name) => faults[name]);
    if (first) this.focusOn(first);
    else if (whole) byId("notice").focus();
  }

  complain(name, text) {
    const line = byId(`${name}-fault`);
    if (!line) return;
    line.textContent = text;
    const field = byId(name);
    if (!field?.matches("input, textarea")) return;
    if (text) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }

  focusOn(name) {
    const first = { place: this.isWish ? byId("area") : byId("locate"), category: this.form.querySelector("input[name=category]") }[name] ?? byId(name);
    first.focus({ preventScroll: true });
    byId(`${name}-fault`).scrollIntoView({ block: "center" });
  }

  setBusy(isBusy) {
    this.isBusy = isBusy;
    this.form.setAttribute("aria-busy", String(isBusy));
    byId("send").setAttribute("aria-disabled", String(isBusy));
    byId("send").textContent = say(isBusy ? "sending" : this.isWish ? "send_wish" : "send");
  }
}

/** A link of an old letter: what it opens lives elsewhere now. */
function isOldLink(hash) {
  return /^#[\w-]+(:|%3A)/i.test(hash);
}

if (isOldLink(window.location.hash)) {
  window.location.replace(byId("page").dataset.mine + window.location.search + window.location.hash);
} else {
  new ReportForm().start().then(() => (document.documentElement.dataset.ready = "yes"));
}
