// What every panel is made of: named sections, each drawn anew only when what it shows is another.

import { h, show } from "../../shared/dom.js";
import { ago, say } from "../../shared/words.js";

/**
 * Puts sections [{key, of, draw}] into an element. `of` is what a section is drawn from: as long as it says the same, the section
 * stays as it is, with what its reader has opened, scrolled or focused in it. Null sections are left out.
 */
export function putSections(element, sections) {
  const wanted = sections.filter(Boolean);
  const there = new Map([...element.children].map((child) => [child.dataset.section, child]));
  for (const { key, of, draw } of wanted) {
    const seal = JSON.stringify(of) ?? "";
    let place = there.get(key);
    if (!place) there.set(key, (place = h("section", { "data-section": key })));
    if (place.seal !== seal) {
      const open = new Set([...place.querySelectorAll("details[open]")].map((each) => each.dataset.key));
      show(place, draw());
      for (const each of place.querySelectorAll("details")) if (open.has(each.dataset.key)) each.open = true;
      place.seal = seal;
    }
  }
  const places = wanted.map(({ key }) => there.get(key));
  for (const child of [...element.children]) if (!places.includes(child)) child.remove();
  places.forEach((place, i) => element.children[i] === place || element.insertBefore(place, element.children[i] ?? null));
  for (const time of element.querySelectorAll("[data-ago]")) time.textContent = ago(time.dateTime);
}

/** A time of which its age is said, and kept current. */
export function since(time, tag = "time") {
  return h(tag, { datetime: time, "data-ago": true }, ago(time));
}

export function header(title, subtitle, badges, onClose) {
  return [
    h("header", {},
      h("div", {}, h("h2", { tabindex: "-1", "data-key": "title" }, title), subtitle ? h("p.sub", {}, subtitle) : null),
      h("button.close", { type: "button", "aria-label": say("close"), "data-key": "close", onclick: onClose }, "×")),
    badges.length ? h("p.badges", {}, badges.map((text) => h("span.badge", {}, text))) : null,
  ];
}

export function figure(value, name) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value));
}

export function empty(words) {
  return h("p.empty", {}, words);
}

/** A table that is folded under a figure: the same, to read. `rows` are lists of texts, the first a row's name. */
export function foldedTable(key, title, heads, rows) {
  const fold = h("details.fold", { "data-key": key }, h("summary", {}, title));
  // Rows by the hundred cost time: they are made when somebody looks.
  const fill = () => {
    fold.removeEventListener("toggle", fill);
    fold.append(h("div.scroll", { tabindex: "0", role: "region", "aria-label": title }, h("table", {},
      h("thead", {}, h("tr", {}, heads.map((text, i) => h(i ? "th.n" : "th", { scope: "col" }, text)))),
      h("tbody", {}, rows.map(([name, ...cells]) => h("tr", {}, h("th", { scope: "row" }, name), cells.map((text) => h("td.n", {}, text))))))));
  };
  fold.addEventListener("toggle", fill);
  return fold;
}

/** The answer, or null where there is none: a part of a panel that fails leaves the rest standing. */
export async function quiet(promise) {
  return promise.catch(() => null);
}
