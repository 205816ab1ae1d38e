// What was typed, kept in this tab until it is sent: a reload, or the telephone's call in between, loses nothing.

const NAMES = ["category", "area", "lon", "lat", "landmark", "description", "name", "phone", "email"];

export function valuesOf(form) {
  const given = new FormData(form);
  return Object.fromEntries(NAMES.map((name) => [name, String(given.get(name) ?? "").trim()]));
}

/** Puts values into the form; what it holds already stays unless `isWhole`. */
export function fill(form, values, { isWhole = false } = {}) {
  for (const name of NAMES) {
    const field = form.elements[name];
    if (field && values[name] !== undefined && (isWhole || !field.value)) field.value = values[name];
  }
}

export class Draft {
  constructor(form, kind) {
    this.form = form;
    this.key = `pantau-report-${kind}`;
  }

  restore({ isWhole }) {
    try {
      fill(this.form, JSON.parse(sessionStorage.getItem(this.key) ?? "{}"), { isWhole });
    } catch {
      // Nothing that can be read, or a browser that keeps nothing: the form stays as it is.
    }
  }

  save() {
    try {
      sessionStorage.setItem(this.key, JSON.stringify(valuesOf(this.form)));
    } catch {
      // The browser keeps nothing.
    }
  }

  forget() {
    try {
      sessionStorage.removeItem(this.key);
    } catch {
      // The browser keeps nothing.
    }
  }
}
