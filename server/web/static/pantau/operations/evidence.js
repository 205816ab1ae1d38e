// Photos of what was done: those that were brought, what was found out about them, and bringing another one.

import { h, show } from "../shared/dom.js";
import { moment, say } from "../shared/words.js";
import { here } from "./me.js";
import { send } from "./send.js";
import { failure, part } from "./words.js";

export class Evidence {
  /** `photos` null: not for whoever looks. `onAdded` after one was brought. */
  constructor(id, onAdded) {
    Object.assign(this, { id, onAdded });
    this.error = h("p.error", { id: "evidence-error", role: "alert" });
    this.input = h("input", { type: "file", id: "evidence-file", accept: "image/jpeg,image/png,image/webp", "aria-describedby": "evidence-error", onchange: () => this.bring() });
    this.shown = h("div", {});
    this.element = h("div", {});
  }

  draw(photos, mayBring) {
    if (photos === null || (!photos.length && !mayBring)) return show(this.element);
    show(this.shown, photos.length ? h("ul.photos", {}, photos.map(photo)) : h("p.hint", {}, say("no_evidence")));
    if (this.element.firstChild) return undefined; // a chosen file stays chosen
    return show(this.element, part(say("evidence"), this.shown, mayBring && h("label.field.file", { for: "evidence-file" }, say("bring_evidence"), this.input), this.error));
  }

  async bring() {
    const [file] = this.input.files;
    if (!file) return;
    const form = new FormData();
    form.append("photo", file);
    this.error.textContent = "";
    this.input.disabled = true;
    try {
      await send(`/api/reports/${this.id}/evidence/`, form);
      this.input.value = "";
      await this.onAdded();
    } catch (error) {
      this.error.textContent = failure(error, []) || error.message;
    } finally {
      this.input.disabled = false;
    }
  }
}

function photo(one, index) {
  const found = one.findings.map((finding) => say(`finding_${finding.code}`, { n: finding.distance_m, id: finding.report })).join("; ");
  return h("li", {},
    h("a", { href: here(one.url), target: "_blank", rel: "noopener" }, h("img", { src: here(one.url), alt: say("evidence_number", { n: index + 1 }), loading: "lazy", width: 96, height: 72 })),
    h("p", {}, found || say("finding_none"), h("span.hint", {}, ` ${moment(one.added_at)}`), !one.is_current && h("span.mark", {}, say("evidence_old"))));
}
