// A box in which the areas of the list are searched by name. (ARIA's combobox with a list.)

import { h, show } from "../shared/dom.js";
import { say } from "../shared/words.js";

const MOST = 8;

export class AreaSearch {
  /** `select` is the list of areas, by groups; `onPick(code, words)` is told what was chosen. */
  constructor(holder, select, onPick) {
    this.areas = [...select.querySelectorAll("optgroup option")].map((option) => ({
      code: option.value, words: `${option.label}, ${option.parentElement.label}`, key: plain(`${option.label} ${option.parentElement.label}`),
    }));
    Object.assign(this, { onPick, found: [], active: -1 });
    this.input = h("input", {
      id: "area-search", role: "combobox", autocomplete: "off", "aria-expanded": "false", "aria-controls": "area-found", "aria-autocomplete": "list",
      "aria-describedby": "place-fault", oninput: () => this.search(), onkeydown: (event) => this.press(event), onblur: () => this.close(),
    });
    this.list = h("ul", { id: "area-found", role: "listbox", "aria-label": say("search_area"), hidden: true });
    this.told = h("p.hint", { role: "status" });
    holder.append(h("label", { for: "area-search" }, say("search_area")), h("div.combo", {}, this.input, this.list), this.told);
  }

  search() {
    const asked = plain(this.input.value);
    this.found = asked ? this.areas.filter((area) => area.key.includes(asked)).slice(0, MOST) : [];
    this.active = -1;
    this.draw();
    this.told.textContent = !asked ? "" : this.found.length ? say("areas_found", { n: this.found.length }) : say("no_area_found");
  }

  draw() {
    const isOpen = this.found.length > 0;
    show(this.list, this.found.map((area, i) => h("li", {
      role: "option", id: `area-found-${i}`, "aria-selected": String(i === this.active),
      // Before the input loses its focus, which closes the list.
      onpointerdown: (event) => event.preventDefault(), onclick: () => this.pick(i),
    }, area.words)));
    this.list.hidden = !isOpen;
    this.input.setAttribute("aria-expanded", String(isOpen));
    if (this.active >= 0) this.input.setAttribute("aria-activedescendant", `area-found-${this.active}`);
    else this.input.removeAttribute("aria-activedescendant");
  }

  press(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.found.length) this.active = (this.active + step + this.found.length) % this.found.length;
    // Enter in a form sends it; in the box it takes what is marked, or the only one there is.
    else if (event.key === "Enter") this.pick(this.found.length === 1 ? 0 : this.active);
    else if (event.key === "Escape") return this.close();
    else return;
    event.preventDefault();
    this.draw();
  }

  pick(index) {
    const area = this.found[index];
    if (!area) return;
    this.input.value = "";
    this.told.textContent = "";
    this.close();
    this.onPick(area.code, area.words);
  }

  close() {
    this.found = [];
    this.active = -1;
    this.draw();
  }

  wordsOf(code) {
    return this.areas.find((area) => area.code === code)?.words ?? "";
  }
}

function plain(text) {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();
}
