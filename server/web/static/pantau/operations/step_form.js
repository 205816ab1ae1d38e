// The next step of a report. What is typed outlives everything: another report opened meanwhile, a refusal, a colleague's step.

import { h, show } from "../shared/dom.js";
import { nameOf, say } from "../shared/words.js";
import { send } from "./send.js";
import { failure, logList } from "./words.js";

const KEPT = 30;
const drafts = new Map(); // report's id -> what was typed, and what was known then

export function hasDrafts() {
  return [...drafts.values()].some((draft) => draft.note.trim());
}

export class StepForm {
  /** `on`: done(answer) after a step, changed() when a colleague was quicker (renews what is known by `take`). */
  constructor(id, agencies, on) {
    Object.assign(this, { id, agencies, on, handling: null, isSending: false });
    this.element = h("form.steps", { novalidate: true, onsubmit: (event) => this.submit(event), oninput: () => this.keep(), onchange: () => this.keep() });
  }

  get draft() {
    return drafts.get(this.id) ?? null;
  }

  /** How the report stands now. What is being written stays; what a colleague did meanwhile is shown beside it. */
  take(handling) {
    const isFirst = this.handling === null;
    if (!isFirst && this.handling.updated_at === handling.updated_at && this.handling.steps.length === handling.steps.length) return null;
    const draft = this.draft;
    const known = isFirst ? draft : { asOf: this.handling.updated_at, lines: this.handling.log.length };
    this.handling = handling;
    if (!draft) return this.draw();
    if (known.asOf === handling.updated_at) return this.draw();
    this.news = handling.log.slice(known.lines);
    drafts.set(this.id, { ...draft, asOf: handling.updated_at, lines: handling.log.length });
    return this.draw();
  }

  keep() {
    const { status = "", agency = "", note = "", internal } = Object.fromEntries(new FormData(this.element));
    this.drawNeeds(status);
    if (!status && !note) return drafts.delete(this.id);
    drafts.delete(this.id);
    drafts.set(this.id, { status, agency, note, isInternal: Boolean(internal), asOf: this.handling.updated_at, lines: this.handling.log.length });
    if (drafts.size > KEPT) drafts.delete(drafts.keys().next().value);
  }

  draw() {
    const { steps } = this.handling;
    const draft = this.draft;
    if (!steps.length && !draft) return show(this.element, h("p.hint", {}, this.whyNone()));
    const hadFocus = this.element.contains(document.activeElement) ? document.activeElement.name : null;
    show(
      this.element,
      this.conflict(draft),
      h("fieldset.choose", {}, h("legend", {}, say("next_step")), h("div.chips", {}, steps.map((step) => this.chip(step, draft)))),
      this.agencyField(draft),
      this.noteField(draft),
      h("p.error", { id: "step-error", role: "alert" }),
      h("button.button.primary", { type: "submit" }, say("take_step")),
    );
    this.drawNeeds(this.element.elements.status?.value ?? "");
    if (hadFocus) this.element.querySelector(`[name="${hadFocus}"]`)?.focus({ preventScroll: true });
  }

  whyNone() {
    if (this.handling.follows) return say("follows_no_step");
    return say(this.handling.may_handle ? "no_next_step" : "not_yours");
  }

  conflict(draft) {
    if (!draft || !this.news?.length) return null;
    const isStillPossible = !draft.status || this.handling.steps.some((step) => step.status === draft.status);
    return h("div.conflict", { role: "alert", tabindex: -1 }, h("h4", {}, say("changed_meanwhile")), logList(this.news), h("p", {}, say(isStillPossible ? "still_there" : "step_gone")));
  }

  chip(step, draft) {
    const input = h("input", { type: "radio", name: "status", value: step.status, id: `step-${step.status}` });
    input.checked = draft?.status === step.status;
    return h("div.chip", {}, input, h("label", { for: `step-${step.status}` }, step.status === this.handling.status ? say("hand_over") : step.name));
  }

  agencyField(draft) {
    const select = h("select", { name: "agency", id: "step-agency", "aria-describedby": "agency-error" }, h("option", { value: "" }, say("choose")), this.agencies.map((one) => h("option", { value: one.slug }, nameOf(one))));
    select.value = draft?.agency || this.handling.agency || "";
    return h("label.field", { "data-needs": "agency" }, say("agency"), select, h("span.error", { id: "agency-error" }));
  }

  noteField(draft) {
    const area = h("textarea", { name: "note", id: "step-note", rows: 3, maxlength: 2000, "aria-describedby": "note-error note-hint" });
    area.value = draft?.note ?? "";
    const internal = h("input", { type: "checkbox", name: "internal", value: "yes" });
    internal.checked = draft?.isInternal ?? false;
    return h("div.note", {},
      h("label.field", {}, h("span", { "data-note-label": true }, say("note")), area, h("span.error", { id: "note-error" })),
      h("label.check", {}, internal, h("span", {}, say("note_internal"), h("small", { id: "note-hint" }, say("note_public_hint")))));
  }

  /** Shows what the chosen step asks for. */
  drawNeeds(status) {
    const step = this.handling.steps.find((one) => one.status === status);
    const needs = step?.needs ?? [];
    const field = this.element.querySelector("[data-needs=agency]");
    if (!field) return;
    field.hidden = !needs.includes("agency");
    this.element.querySelector("[data-note-label]").textContent = say(needs.includes("reason") ? "note_needed" : "note");
    this.element.elements.note.required = needs.includes("reason");
  }

  async submit(event) {
    event.preventDefault();
    if (this.isSending) return;
    const { status, agency, note = "", internal } = Object.fromEntries(new FormData(this.element));
    this.showErrors({});
    if (!status) return this.say(say("choose_step"));
    const needs = this.handling.steps.find((one) => one.status === status)?.needs ?? [];
    this.busy(true);
    try {
      const body = { status, note, note_is_public: !internal, as_of: this.handling.updated_at };
      if (needs.includes("agency") && agency) body.agency = agency;
      const answer = await send(`/api/reports/${this.id}/status/`, body);
      drafts.delete(this.id);
      this.news = null;
      await this.on.done(answer);
    } catch (error) {
      await this.refuse(error);
    } finally {
      this.busy(false);
    }
  }

  async refuse(error) {
    if (error.status === 409 && error.body.current) {
      await this.on.changed();
      this.element.querySelector(".conflict")?.focus();
      return;
    }
    this.showErrors(error.body?.errors ?? {});
    this.say(failure(error, ["note", "agency"]));
    this.element.querySelector("[aria-invalid]")?.focus();
  }

  showErrors(errors) {
    for (const name of ["note", "agency"]) {
      const field = this.element.elements[name];
      this.element.querySelector(`#${name}-error`).textContent = errors[name]?.join(" ") ?? "";
      if (errors[name]) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
    }
    this.say("");
  }

  say(text) {
    this.element.querySelector("#step-error").textContent = text;
  }

  busy(isSending) {
    this.isSending = isSending;
    this.element.querySelector("[type=submit]")?.setAttribute("aria-disabled", isSending);
  }
}
