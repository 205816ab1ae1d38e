// What stands on the page once a report has arrived.

import { h } from "../shared/dom.js";
import { language, say } from "../shared/words.js";

/** The number, the private link, and the public page, for `report` as the service answered it. */
export function receipt(report, { kind, hasEmail, linkDays, mine, status }) {
  const link = report.link && `${mine}?lang=${language}#${report.link.token}`;
  const copied = h("span.hint", { role: "status" });
  const copy = async () => {
    await navigator.clipboard.writeText(new URL(link, window.location.href).href).then(() => (copied.textContent = say("copied")), () => {});
  };
  return h("div.receipt", {},
    h("h1", { tabindex: -1 }, say(kind === "aspirasi" ? "thanks_wish" : "thanks")),
    h("p.number", {}, h("small", {}, say("number")), " ", h("b", {}, report.id)),
    link && [
      h("p.buttons", {}, h("a.button.primary", { href: link, id: "follow" }, say("follow")), navigator.clipboard && h("button.button", { type: "button", onclick: copy }, say("copy_link")), copied),
      h("p.hint", {}, say("link_hint", { n: linkDays }), hasEmail && ` ${say("mail_follows")}`),
    ],
    h("p.more", {}, h("a", { href: `${status}${report.id}/?lang=${language}` }, say("public_page")), " ",
      h("a", { href: window.location.pathname + window.location.search, id: "another" }, say("another"))));
}
