/** The keys. What each does stands in KEYS, from which the legend is written too. */
class Keyboard {
  /** @param {Picture} picture */
  constructor(picture) {
    this.picture = picture;
    document.addEventListener("keydown", (event) => this.press(event));
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.matches("input")) {
      if (event.key === "Enter") this.picture.searchNext(event.shiftKey ? -1 : 1);
      else if (event.key === "Escape") this.picture.endSearch();
      else return;
      event.preventDefault();
      return;
    }
    if (target.matches("select")) return;
    // Where the page has a use of its own for these keys, it keeps them.
    if (Keyboard.PAGE.has(event.key) && target.closest("aside, button, summary, dialog, label")) return;
    const action = this.actions()[event.key];
    if (!action) return;
    event.preventDefault();
    action(event.shiftKey ? 5 : 1);
  }

  /**
   * What the keys do; the argument is 5 with Shift, else 1.
   * @returns {Object<string, (times: number) => void>}
   */
  actions() {
    const { picture } = this;
    const { view, pointer } = picture;
    const zoom = (/** @type {number} */ factor) => picture.change(() => view.zoom(factor, picture.fixedPlace(pointer.x)));
    const pan = (/** @type {number} */ share) => picture.change(() => view.pan(view.width * share));
    const page = () => picture.canvases.lanes.clientHeight * 0.9;
    return {
      "+": () => zoom(1.5),
      "=": () => zoom(1.5),
      "-": () => zoom(1 / 1.5),
      _: () => zoom(1 / 1.5),
      0: () => picture.change(() => view.fit()),
      ArrowLeft: (times) => pan(-0.1 * times),
      ArrowRight: (times) => pan(0.1 * times),
      ArrowUp: (times) => picture.scrollBy(-40 * times),
      ArrowDown: (times) => picture.scrollBy(40 * times),
      PageUp: () => picture.scrollBy(-page()),
      PageDown: () => picture.scrollBy(page()),
      Home: () => picture.change(() => view.pan(-1e12)),
      End: () => picture.change(() => view.pan(1e12)),
      "/": () => picture.beginSearch(),
      j: () => picture.chooseLane(1),
      k: () => picture.chooseLane(-1),
      n: () => picture.chooseEvent(1),
      p: () => picture.chooseEvent(-1),
      f: () => picture.frameChosen(),
      Enter: () => picture.frameChosen(),
      Escape: () => picture.escape(),
      t: () => picture.switchScale(),
      a: () => picture.switchArrows(),
      d: () => picture.switchTheme(),
      "?": () => picture.switchLegend(),
    };
  }

  /**
   * Writes the keys into a table.
   * @param {HTMLElement} place
   */
  static show(place) {
    for (const [keys, what] of Keyboard.KEYS) {
      const term = Details.element("dt");
      for (const key of keys.split(" ")) term.append(Details.element("kbd", "", key), " ");
      place.append(term, Details.element("dd", "", what));
    }
  }
}

/** Keys that lists, buttons and scrolling panels use themselves. */
Keyboard.PAGE = new Set(["Enter", "ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"]);
/** @type {[string, string][]} */
Keyboard.KEYS = [
  ["+ -", "zoom at the pointer, or at what is chosen"],
  ["0", "show everything"],
  ["← →", "move in time; with Shift further"],
  ["↑ ↓", "scroll the lanes; with Shift further"],
  ["Home End", "to the beginning, to the end"],
  ["/", "search; Enter goes to the next, Shift+Enter to the one before"],
  ["j k", "choose the next Task, the one before"],
  ["n p", "choose the next event of this Task, the one before"],
  ["Enter f", "show what is chosen as large as it goes"],
  ["t", "time to scale, or room for each event"],
  ["a", "arrows on or off"],
  ["d", "light or dark"],
  ["Esc", "choose nothing"],
  ["?", "this legend"],
];

