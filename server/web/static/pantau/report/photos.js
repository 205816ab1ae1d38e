// Photos: made smaller here, which spares a slow connection, and drawn anew, which leaves their metadata behind.

import { byId, h, show } from "../shared/dom.js";
import { say } from "../shared/words.js";

const LONGEST_EDGE_PX = 1600;
const QUALITY = 0.85;

/** A JPEG of the picture, upright, at most 1600 pixels long. */
export async function shrunk(file) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, LONGEST_EDGE_PX / Math.max(picture.width, picture.height));
  const canvas = h("canvas", { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) });
  const pen = canvas.getContext("2d");
  // What is transparent would become black.
  pen.fillStyle = "#ffffff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("empty"))), "image/jpeg", QUALITY));
}

export class Photos {
  /** `onChange` is told when photos came or went. */
  constructor({ most, onChange }) {
    Object.assign(this, { most, onChange, taken: [] });
    this.input = byId("photos");
    this.input.classList.add("quiet");
    byId("add-photo").hidden = false;
    this.input.addEventListener("change", () => this.take([...this.input.files]));
  }

  get blobs() {
    return this.taken.map((each) => each.blob);
  }

  /** The files that were chosen, added to those before. The input is emptied: what is sent stands in the list. */
  async take(files) {
    this.input.value = "";
    this.complain(files.length ? say("shrinking") : "");
    const faults = [];
    for (const file of files) {
      if (this.taken.length >= this.most) {
        faults.push(say("too_many_photos", { n: this.most }));
        break;
      }
      const blob = await shrunk(file).catch(() => null);
      if (blob) this.taken.push({ blob, url: URL.createObjectURL(blob) });
      else faults.push(say("photo_unreadable", { name: file.name }));
    }
    this.complain(faults.join(" "));
    this.draw();
  }

  put(blobs) {
    this.clear();
    this.taken = blobs.map((blob) => ({ blob, url: URL.createObjectURL(blob) }));
    this.draw();
  }

  clear() {
    for (const { url } of this.taken) URL.revokeObjectURL(url);
    this.taken = [];
    this.complain("");
    this.draw();
  }

  draw() {
    show(byId("previews"), this.taken.map(({ url }, i) => {
      const n = i + 1;
      const remove = h("button", { type: "button", "aria-label": say("remove_photo", { n }), onclick: () => this.drop(i) }, "×");
      return h("li", {}, h("img", { src: url, alt: say("photo", { n }) }), remove);
    }));
    byId("add-photo").hidden = this.taken.length >= this.most;
    this.onChange();
  }

  drop(index) {
    URL.revokeObjectURL(this.taken[index].url);
    this.taken.splice(index, 1);
    this.draw();
    this.input.focus();
  }

  complain(text) {
    byId("photos-fault").textContent = text;
  }
}
