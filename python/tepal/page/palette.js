/**
 * The colours, as page.css names them. A canvas knows no CSS variables, so they are resolved here each time that light
 * becomes dark.
 */
class Palette {
  constructor() {
    /** @type {Object<string, string>} */
    this.colours = {};
    this.read();
  }

  /** Resolves all names with the colours of now. */
  read() {
    const probe = document.createElement("span");
    document.body.append(probe);
    for (const name of Palette.NAMES) {
      probe.style.color = `var(--${name})`;
      this.colours[name] = getComputedStyle(probe).color;
    }
    probe.remove();
  }

  /**
   * @param {string} name
   * @returns {string} a colour for a canvas
   */
  get(name) {
    return this.colours[name];
  }

  /**
   * The name of the colour of a kind of wait.
   * @param {string} kind
   */
  static wait(kind) {
    return Palette.WAITS.includes(kind) ? `wait-${kind}` : "wait-other";
  }

  /**
   * The name of the colour of a kind of cause.
   * @param {string} kind
   */
  static cause(kind) {
    return Palette.CAUSES[kind] || "wait-other";
  }
}

/** The kinds of waits, in the legend's order. */
Palette.WAITS = ["task", "future", "timer", "socket", "lock", "queue", "event", "executor", "other"];
/** @type {Object<string, string>} the kinds of causes, and the waits whose colours they share */
Palette.CAUSES = {
  task: "wait-task",
  timer: "wait-timer",
  descriptor: "wait-socket",
  thread: "wait-executor",
  callback: "wait-future",
  signal: "wait-event",
};
Palette.NAMES = [
  "page", "panel", "line", "text", "quiet", "run", "run-text", "ready", "bar", "bar-line", "bar-text", "life", "stripe",
  "hover", "grid", "chosen", "found", "block", "idle",
  ...Palette.WAITS.flatMap((kind) => [`wait-${kind}`, `wait-${kind}-fill`]),
];

