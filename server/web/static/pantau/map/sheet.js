// The choices on a phone: a sheet over the map, opened by a button. On a wider page they stand beside the map, and there is nothing to open.

const NARROW = window.matchMedia("(max-width: 760px)");

export class Sheet {
  constructor(element, opener) {
    Object.assign(this, { element, opener });
    for (const button of element.querySelectorAll("[data-close]")) button.addEventListener("click", () => this.set(false));
    element.addEventListener("keydown", (event) => event.key === "Escape" && NARROW.matches && this.set(false));
    NARROW.addEventListener("change", () => this.set(false, { isMoved: false }));
  }

  toggle() {
    this.set(this.element.dataset.open === undefined);
  }

  set(isOpen, { isMoved = true } = {}) {
    if (isOpen) this.element.dataset.open = "";
    else delete this.element.dataset.open;
    this.opener.setAttribute("aria-expanded", String(isOpen));
    if (!isMoved) return;
    if (isOpen) this.element.querySelector("h2").focus();
    else this.opener.focus();
  }
}
