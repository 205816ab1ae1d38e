// The present view as a link, and as a frame for another page.

import { h } from "../shared/dom.js";
import { language, say } from "../shared/words.js";
import { copyLine, openDialog } from "./dialog.js";
import { titleOf } from "./legend.js";

// What an embedded map has no place for.
const LEFT_OUT = ["open", "tab", "frame", "step"];

export function openShare(state, model) {
  const city = model.cities.find((each) => each.slug === model.city) ?? model.cities[0];
  const query = [state.query(LEFT_OUT), `lang=${language}`].filter(Boolean).join("&");
  const source = `${window.location.origin}/embed?${query}`;
  const title = `${titleOf(model)} · ${city?.name ?? "Pantau"}`;
  const snippet = `<iframe src="${escaped(source)}" title="${escaped(title)}" width="100%" height="480" loading="lazy" allowfullscreen></iframe>`;
  openDialog(say("share_title"),
    copyLine(say("share_link"), window.location.href, { about: say("share_link_about") }),
    copyLine(say("share_embed"), snippet, { about: say("share_embed_about"), isLong: true }),
    h("p.dialog-links", {}, h("a", { href: source, target: "_blank", rel: "noopener" }, say("share_look"))));
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
}
