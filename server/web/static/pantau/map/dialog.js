// A dialog of the page: the browser's own, with a title, a way out, and lines to copy.

import { h } from "../shared/dom.js";
import { say } from "../shared/words.js";

/** Opens a dialog and gives it back; it leaves the page when it is closed, and the focus returns to where it was. */
export function openDialog(title, ...content) {
  const close = h("button.close", { type: "button", "aria-label": say("close"), onclick: () => dialog.close() }, "×");
  const dialog = h("dialog.dialog", { "aria-labelledby": "dialog-title" }, h("header", {}, h("h2", { id: "dialog-title" }, title), close), ...content);
  dialog.addEventListener("close", () => dialog.remove());
  // A click on the ground beside it closes it.
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** One address or text: its name, the text itself, and a button that copies it. */
export function copyLine(name, text, { about = null, isLong = false, href = null } = {}) {
  const id = `copy-${name.replace(/\W+/g, "-").toLowerCase()}`;
  const field = isLong ? h("textarea", { id, rows: 4, readonly: true }, text) : h("input", { id, type: "text", readonly: true, value: text });
  field.addEventListener("focus", () => field.select());
  const said = h("span.said", { role: "status" });
  const copy = h("button.button", { type: "button", "aria-label": say("copy_what", { what: name }), onclick: async () => (said.textContent = (await copied(field, text)) ? say("copied") : say("copy_by_hand")) }, say("copy"));
  return h("div.copy", {},
    h("label", { for: id }, name, about ? h("small", {}, about) : null),
    h(isLong ? "div.copy-line.long" : "div.copy-line", {}, field, copy, href ? h("a.button", { href, download: "" }, say("download")) : null), said);
}

/** Without a secure context there is no clipboard: then the text is marked, to be copied by hand. */
async function copied(field, text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    field.focus();
    field.select();
    return document.execCommand("copy");
  }
}
