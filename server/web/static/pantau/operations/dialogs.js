// What is asked for before many reports change: whom to give them to, which one stays, what to call them. And the help.

import { ApiError } from "../shared/api.js";
import { byId, h, show } from "../shared/dom.js";
import { ago, nameOf, say } from "../shared/words.js";
import { stateBadge } from "./due.js";
import { me } from "./me.js";
import { send } from "./send.js";
import { button, failure } from "./words.js";

/** A dialog with a form: `fields`, and `act(data)`, which returns what was refused ([{id, reason}]) or nothing. */
function ask({ title, fields, go, act, then }) {
  const error = h("p.error", { role: "alert" });
  const refused = h("ul.refused", {});
  const submit = h("button.button.primary", { type: "submit" }, go);
  const form = h("form", { novalidate: true }, h("h2", {}, title), ...fields, error, refused, h("p.actions", {}, submit, button(say("cancel"), () => dialog.close())));
  const dialog = h("dialog.ask", { "aria-label": title }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (submit.disabled) return;
    submit.disabled = true;
    error.textContent = "";
    try {
      const left = (await act(Object.fromEntries(new FormData(form)))) ?? [];
      if (!left.length) dialog.close();
      else show(refused, left.map((one) => h("li", {}, h("b", {}, one.id), " ", one.reason)));
      await then();
    } catch (failed) {
      error.textContent = failed instanceof ApiError ? failure(failed) || failed.message : String(failed);
    } finally {
      submit.disabled = false;
    }
  });
  openDialog(dialog);
}

function openDialog(dialog) {
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function listed(reports) {
  return h("details.listed", {}, h("summary", {}, say("reports_n", { n: reports.length })), h("ul", {}, reports.map((one) => h("li", {}, `${one.category_name}, ${one.area_name ?? say("no_area")} `, h("span.hint", {}, one.id)))));
}

/** Gives reports to an agency, or takes the same step of all of them. */
export function assign(reports, { agencies, then, toast }) {
  const reason = h("textarea", { name: "note", rows: 2, maxlength: 2000, id: "assign-note" });
  const label = h("span", {}, say("note"));
  const agency = h("select", { name: "agency", autofocus: true }, h("option", { value: "" }, say("choose")), agencies.map((one) => h("option", { value: one.slug }, nameOf(one))));
  const agencyField = h("label.field", {}, say("agency"), agency);
  const kinds = ["assigned", "coordination", "in_progress"].map((status, i) => {
    const input = h("input", { type: "radio", name: "status", value: status, id: `assign-${status}`, onchange: () => fit(status) });
    input.checked = i === 0;
    return h("div.chip", {}, input, h("label", { for: `assign-${status}` }, say(`status_${status}`)));
  });
  const fit = (status) => {
    agencyField.hidden = status === "in_progress";
    label.textContent = say(status === "coordination" ? "note_needed" : "note");
  };
  const common = [...new Set(reports.map((one) => one.agency))];
  if (common.length === 1 && common[0]) agency.value = common[0];
  ask({
    title: say("assign_title", { n: reports.length }),
    fields: [listed(reports), h("fieldset", {}, h("legend", {}, say("next_step")), h("div.chips", {}, kinds)), agencyField, h("label.field", {}, label, reason)],
    go: say("assign_go"),
    then,
    act: async ({ status, agency: slug, note }) => {
      if (status !== "in_progress" && !slug) throw new ApiError(400, say("choose_agency"));
      if (status === "coordination" && !note.trim()) throw new ApiError(400, say("reason_needed"));
      const body = { reports: reports.map(({ id, updated_at: asOf }) => ({ id, as_of: asOf })), status, note };
      if (status !== "in_progress") body.agency = slug;
      const { done, results } = await send("/api/reports/steps/", body);
      if (done) toast(say("steps_done", { n: done }));
      return results.filter((one) => !one.is_done);
    },
  });
}

/** Which of some reports stays; the others follow it from then on. */
export function merge(reports, { then, toast }) {
  // The first one that was reported is what the others are duplicates of.
  const first = [...reports].sort((a, b) => Date.parse(a.reported_at) - Date.parse(b.reported_at))[0];
  const choices = reports.map((one) => {
    const input = h("input", { type: "radio", name: "stays", value: one.id });
    input.checked = one === first;
    return h("label.stays", {}, input, h("span", {}, h("b", {}, one.description || say("no_text")), h("span.hint", {}, [one.category_name, one.area_name, ago(one.reported_at), one.id].filter(Boolean).join(" · ")), stateBadge(one.status, say(`status_${one.status}`))));
  });
  ask({
    title: say("merge_title", { n: reports.length }),
    fields: [h("fieldset", {}, h("legend", {}, say("which_stays")), choices), h("p.hint", {}, say("merge_hint"))],
    go: say("merge_go"),
    then,
    act: async ({ stays }) => {
      const left = [];
      let done = 0;
      for (const { id } of reports.filter((one) => one.id !== stays)) {
        try {
          await send(`/api/reports/${id}/merge/`, { into: stays });
          done += 1;
        } catch (error) {
          if (!(error instanceof ApiError) || ![400, 403, 404, 409].includes(error.status)) throw error;
          left.push({ id, reason: failure(error) || error.message });
        }
      }
      if (done) toast(say("merged", { n: done, id: stays }));
      return left;
    },
  });
}

/** Keeps reports as one incident, which everybody who reported it can be told about. */
export function keepIncident(reports, { then, toast, open }) {
  const title = h("input", { name: "title", type: "text", required: true, maxlength: 200, id: "incident-title", autofocus: true });
  const [first] = reports;
  if (first) title.value = [first.category_name, first.area_name].filter(Boolean).join(", ");
  ask({
    title: say("incident_new"),
    fields: [listed(reports), h("label.field", {}, say("incident_title"), title), h("label.check", {}, h("input", { type: "checkbox", name: "is_public" }), h("span", {}, say("incident_public")))],
    go: say("incident_go"),
    then,
    act: async ({ title: words, is_public: isPublic }) => {
      if (!words.trim()) throw new ApiError(400, say("incident_needs_title"));
      const made = await send("/api/incidents/", { city: me.city, title: words.trim(), is_public: Boolean(isPublic), reports: reports.map((one) => one.id) });
      toast(say("incident_made"));
      open("incident", made.id);
    },
  });
}

/** Keys and what they do, and the switch by which single letters do nothing. */
export function help(keys, { areOn, toggle }) {
  const input = h("input", { type: "checkbox", onchange: (event) => toggle(event.target.checked) });
  input.checked = areOn;
  const close = button(say("close"), () => byId("help-dialog").close(), { isPrimary: true });
  openDialog(h("dialog.ask", { id: "help-dialog", "aria-label": say("help") },
    h("h2", {}, say("help")),
    h("table.keys-table", {}, h("tbody", {}, keys.map(({ shown, words }) => h("tr", {}, h("th", { scope: "row" }, shown.map((key) => h("kbd", {}, key))), h("td", {}, words))))),
    h("label.check", {}, input, h("span", {}, say("keys_on"), h("small", {}, say("keys_on_hint")))),
    h("p.actions", {}, close)));
}
