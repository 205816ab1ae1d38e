// Single letters, in the manner of Linear. All that they do has a button, too; who dictates or types otherwise can switch them off.

import { say } from "../shared/words.js";
import { help } from "./dialogs.js";

const OFF = "pantau-board-keys-off";

export class Keys {
  /** `does`: key -> what it does. Letters count only outside fields and dialogs. */
  constructor(does) {
    this.does = { ...does, "?": () => this.help() };
    this.areOn = stored() !== "yes";
    document.addEventListener("keydown", (event) => this.pressed(event));
  }

  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") return void this.does.Escape(event);
    const isTyping = event.target.matches("textarea, select, input:not([type=checkbox], [type=radio])");
    const act = this.does[event.key];
    if (!act || isTyping || !this.areOn) return;
    event.preventDefault();
    act();
  }

  help() {
    const pairs = [["j", "k"], ["Enter"], ["x"], ["a"], ["m"], ["i"], ["1", "6"], ["/"], ["r"], ["Esc"], ["?"]];
    const names = ["move", "open", "select", "assign", "merge", "incident", "tabs", "search", "renew", "close", "help"];
    help(pairs.map((shown, i) => ({ shown, words: say(`key_${names[i]}`) })), { areOn: this.areOn, toggle: (isOn) => this.toggle(isOn) });
  }

  toggle(isOn) {
    this.areOn = isOn;
    try {
      window.localStorage.setItem(OFF, isOn ? "no" : "yes");
    } catch {
      // Without storage the choice holds until the page is left.
    }
  }
}

function stored() {
  try {
    return window.localStorage.getItem(OFF);
  } catch {
    return null;
  }
}
