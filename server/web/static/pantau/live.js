// Keeps a task going while the page is seen: again a few seconds after it ended, more slowly while it fails.

export class Live {
  constructor(task, everyMs) {
    this.task = task;
    this.everyMs = everyMs;
    this.failures = 0;
    this.timer = null;
    this.round = 0;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.stop() : this.now()));
    window.addEventListener("online", () => this.now());
  }

  /** Runs at once; a round that was under way no longer plans the next one. */
  async now() {
    this.stop();
    const round = (this.round += 1);
    const isWell = await this.task().catch((error) => console.error(error));
    this.failures = isWell ? 0 : this.failures + 1;
    if (round !== this.round || document.hidden) return;
    this.timer = setTimeout(() => this.now(), Math.min(this.everyMs * 2 ** this.failures, 60_000));
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = null;
  }
}
