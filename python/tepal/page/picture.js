/**
 * What can be chosen or pointed at: its kind, its number among those of its kind, and its Task's number or NONE.
 * @typedef {{kind: string, index: number, task: number}} Item
 */

/** The page: owns the trace, what part of it is shown, and what is chosen; the others draw and ask. */
class Picture {
  /** @param {Trace} trace */
  constructor(trace) {
    this.trace = trace;
    /** @type {(id: string) => any} */
    const part = (id) => document.getElementById(id);
    /** @type {(id: string) => HTMLCanvasElement} */
    const canvas = part;
    this.parts = { search: part("search"), found: part("found"), hint: part("hint"), legend: part("legend"), spacer: part("spacer") };
    this.stage = part("stage");
    this.scroller = part("scroller");
    this.controls = { scale: part("scale"), size: part("size"), which: part("which"), arrows: part("arrows"), theme: part("theme") };
    this.status = part("status");
    this.canvases = { lanes: canvas("lanes"), ruler: canvas("ruler"), overview: canvas("overview") };
    this.palette = new Palette();
    this.inks = {
      lanes: new Ink(this.canvases.lanes, this.palette),
      ruler: new Ink(this.canvases.ruler, this.palette),
      overview: new Ink(this.canvases.overview, this.palette),
    };
    /** @type {Item} */
    this.chosen = null;
    /** @type {Item} */
    this.hovered = null;
    this.arrowsWanted = true;
    this.waiting = false;
    this.lanes = new Lanes(trace);
    this.search = new Search(trace);
    this.view = new View(this.newScale(trace.events <= Picture.FEW ? "events" : "time"));
    this.painter = new Painter(this);
    this.arrows = new Arrows(this);
    this.ruler = new Ruler(this);
    this.overview = new Overview(this);
    this.details = new Details(this, part("details"));
    this.pointer = new Pointer(this);
    this.keyboard = new Keyboard(this);
    new Findings(this, part("findings"));
    this.sums = new Sums(trace);
    this.sums.show(part("sums"));
    this.listen();
    this.details.show(null);
    this.resize();
  }

  /** Pixels of the Tasks' names, left of the lanes. */
  get gutter() {
    return Math.min(210, Math.max(90, Math.round(this.stage.clientWidth * 0.22)));
  }

  /** Pixels of lanes above the screen. */
  get scroll() {
    return this.scroller.scrollTop;
  }

  /** @param {"time" | "events"} kind */
  newScale(kind) {
    const scale = new Scale(kind, this.trace);
    scale.apply(this.trace);
    return scale;
  }

  /** Connects the controls. */
  listen() {
    const { controls, parts } = this;
    controls.scale.value = this.view.scale.kind;
    controls.size.value = this.lanes.size;
    controls.which.value = this.lanes.which;
    controls.scale.addEventListener("change", () => this.useScale(controls.scale.value));
    controls.size.addEventListener("change", () => this.change(() => (this.lanes.size = controls.size.value)));
    controls.which.addEventListener("change", () => this.change(() => (this.lanes.which = controls.which.value)));
    controls.arrows.addEventListener("click", () => this.switchArrows());
    controls.theme.addEventListener("click", () => this.switchTheme());
    /** @type {[string, () => void][]} */
    const buttons = [
      ["closer", () => this.change(() => this.view.zoom(1.5, this.fixedPlace(null)))],
      ["farther", () => this.change(() => this.view.zoom(1 / 1.5, this.fixedPlace(null)))],
      ["whole", () => this.change(() => this.view.fit())],
      ["before", () => this.searchNext(-1)],
      ["after", () => this.searchNext(1)],
      ["help", () => this.switchLegend()],
    ];
    for (const [id, action] of buttons) document.getElementById(id).addEventListener("click", action);
    parts.search.addEventListener("input", () => this.look(parts.search.value));
    this.scroller.addEventListener("scroll", () => this.invalidate());
    new ResizeObserver(() => this.resize()).observe(this.stage);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.repaint());
    Keyboard.show(document.getElementById("keys"));
    const table = document.getElementById("by-coroutine");
    table.closest("details").addEventListener("toggle", () => {
      if (!table.childNodes.length) this.sums.table(table, (name) => this.look((parts.search.value = name)));
    });
  }

  /** Takes over the size of the window. */
  resize() {
    this.view.width = Math.max(50, this.canvases.lanes.clientWidth - this.gutter);
    this.view.show(this.view.from, this.view.to);
    this.change(() => {});
  }

  /**
   * Changes the view or the lanes; the lane under the pointer, or the chosen one, stays where it is on the screen.
   * @param {() => void} action
   */
  change(action) {
    const height = this.canvases.lanes.clientHeight;
    const anchor = this.anchor(height);
    action();
    this.lanes.room = height;
    this.lanes.arrange(this.view);
    this.parts.spacer.style.height = `${Math.max(0, this.lanes.height - height)}px`;
    if (anchor) {
      const { shown } = this.lanes;
      const next = shown[Painter.beginningAfter(shown, 0, shown.length, anchor.task)];
      if (next !== undefined) this.scroller.scrollTop = this.lanes.top(next) - anchor.y;
    }
    this.invalidate();
  }

  /**
   * The lane that has to stay, and where it is.
   * @param {number} height of the screen
   */
  anchor(height) {
    const top = this.chosen && this.chosen.task !== NONE ? this.lanes.top(this.chosen.task) - this.scroll : NONE;
    if (top > 0 && top < height) return { task: this.chosen.task, y: top };
    const pointed = this.pointer && this.pointer.y !== null ? this.pointer.y : 0;
    const lane = this.lanes.at(pointed + this.scroll);
    return lane === NONE ? null : { task: this.lanes.tasksOf(lane)[0], y: this.lanes.tops[lane] - this.scroll };
  }

  /**
   * The pixel at which zooming keeps its place: the pointer's, else the middle of what is chosen, else of the screen.
   * @param {number} x of the pointer, or null
   */
  fixedPlace(x) {
    if (x !== null) return x;
    if (this.chosen) {
      const [start, end] = this.times(this.chosen);
      const middle = this.view.x((this.view.scale.place(start) + this.view.scale.place(end)) / 2);
      if (middle > 0 && middle < this.view.width) return middle;
    }
    return this.view.width / 2;
  }

  /** @param {number} pixels down */
  scrollBy(pixels) {
    this.scroller.scrollTop += pixels;
    this.invalidate();
  }

  /** Draws with the next frame. */
  invalidate() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
    });
  }

  /** Draws everything now. */
  draw() {
    this.ruler.draw(); // first: the lanes have its lines
    this.painter.draw();
    this.arrows.draw();
    this.overview.draw();
    const { gutter, inks, lanes, trace } = this;
    inks.lanes.fill("line", gutter - 1, 0, 1, inks.lanes.height);
    const hidden = trace.tasks.length - lanes.shown.length;
    const { count, all } = this.arrows.shown;
    const shown = [Format.plural(lanes.shown.length, "Task"), hidden ? `${Format.count(hidden)} more outside this view` : ""];
    if (lanes.shared) shown.push(`they share ${Format.plural(lanes.count, "lane")}: zoom in for one each`);
    if (count && !all && this.arrowsWanted) shown.push(`${Format.plural(count, "wake-up")}: zoom in for their arrows`);
    const text = shown.filter(Boolean).join(" · ");
    if (this.status.textContent !== text) this.status.textContent = text;
  }

  /** Draws with the colours of now. */
  repaint() {
    this.palette.read();
    this.invalidate();
  }

  /**
   * What a wait says in its bar.
   * @param {number} i
   */
  waitText(i) {
    const { columns } = this.trace.waits;
    const text = this.trace.text(columns.text[i]) || this.trace.text(columns.kind[i]);
    const target = this.trace.task(columns.target[i]);
    if (!target) return text;
    if (this.trace.text(columns.kind[i]) === "task") return `awaits ${target.name}`;
    return text.includes(target.name) ? text : `${text} ${target.name}`;
  }

  /**
   * From when to when an item lasted.
   * @param {Item} item
   * @returns {[number, number]}
   */
  times(item) {
    const { trace } = this;
    if (item.kind === "task") return [trace.tasks[item.index].created, trace.tasks[item.index].ended];
    if (item.kind === "wake") {
      const step = trace.wakes.step[item.index];
      const time = trace.wakes.time[item.index];
      return [time, step === NONE ? time : trace.steps.start[step]];
    }
    /** @type {Object<string, Spans>} */
    const kinds = { coroutine: trace.coroutines, wait: trace.waits, step: trace.steps, callback: trace.callbacks, block: trace.blocks };
    const spans = kinds[item.kind];
    return [spans.start[item.index], spans.end[item.index]];
  }

  /**
   * One line about an item.
   * @param {Item} item
   */
  describe(item) {
    const { trace } = this;
    const [start, end] = this.times(item);
    const task = item.task === NONE ? "" : trace.tasks[item.task].name;
    const took = Format.duration(end - start);
    switch (item.kind) {
      case "task":
        return `Task ${task}, ${took}, ${trace.tasks[item.index].outcome}`;
      case "coroutine":
        return `${this.details.codeName(trace.coroutines.columns.code[item.index])} in ${task}, ${took}`;
      case "wait":
        return `${task} waits ${took}: ${this.waitText(item.index)}`;
      case "step":
        return `Step of ${task}, ${took}`;
      case "wake": {
        const { wakes } = trace;
        const cause = wakes.cause[item.index] === NONE ? trace.text(wakes.kind[item.index]) : trace.tasks[wakes.cause[item.index]].name;
        return `${task} woken by ${cause}: ${trace.text(wakes.text[item.index])}; ran ${took} later`;
      }
      case "callback":
        return `Callback ${trace.text(trace.callbacks.columns.text[item.index])}, ${took}`;
      default:
        return `The loop was held for ${took}`;
    }
  }

  /** @param {Item} item null: nothing */
  hover(item) {
    const before = this.hovered;
    this.hovered = item;
    if ((before && before.task) !== (item && item.task)) this.invalidate();
  }

  /**
   * Shows a line beside the pointer.
   * @param {Item} item null: none
   * @param {number} x
   * @param {number} y
   */
  hint(item, x = 0, y = 0) {
    const { hint } = this.parts;
    hint.hidden = !item;
    if (!item) return;
    hint.textContent = this.describe(item);
    const box = hint.getBoundingClientRect();
    hint.style.left = `${Math.max(4, Math.min(x + 14, window.innerWidth - box.width - 8))}px`;
    hint.style.top = `${y + 20 + box.height > window.innerHeight ? y - box.height - 10 : y + 18}px`;
  }

  /**
   * Chooses an item, tells about it, and, if asked, goes there.
   * @param {Item} item null: nothing
   * @param {boolean} go
   */
  choose(item, go) {
    this.chosen = item;
    this.details.show(item);
    document.getElementById("chosen").textContent = item ? this.describe(item) : "";
    if (item && go) this.reveal(item);
    this.invalidate();
  }

  /**
   * Brings an item onto the screen, as large as it needs to be to be seen.
   * @param {Item} item
   */
  reveal(item) {
    const [start, end] = this.times(item);
    const { view, lanes } = this;
    const [from, to] = [view.x(view.scale.place(start)), view.x(view.scale.place(end))];
    const outside = to < 20 || from > view.width - 20;
    this.change(() => {
      if (outside || to - from < Picture.SEEN) view.frame(start, end);
    });
    if (item.task === NONE) return;
    if (lanes.top(item.task) === NONE) this.change(() => (this.controls.which.value = lanes.which = "all"));
    const lane = lanes.laneOf[item.task];
    const y = lanes.tops[lane] - this.scroll;
    const height = this.canvases.lanes.clientHeight;
    if (y < 0 || y + lanes.heightOf(lane) > height) this.scroller.scrollTop = lanes.tops[lane] - height / 3;
  }

  /** Shows what is chosen as large as it goes. */
  frameChosen() {
    if (!this.chosen) return;
    const [start, end] = this.times(this.chosen);
    this.change(() => this.view.frame(start, end));
  }

  /** @param {number} direction 1: the Task created next */
  chooseLane(direction) {
    const { shown } = this.lanes;
    if (!shown.length) return;
    const now = this.chosen && this.chosen.task !== NONE ? shown.indexOf(this.chosen.task) : NONE;
    const first = this.lanes.tasksOf(Math.max(0, this.lanes.at(this.scroll)))[0];
    const task = now === NONE ? first : shown[Math.min(Math.max(now + direction, 0), shown.length - 1)];
    this.choose({ kind: "task", index: task, task }, true);
  }

  /** @param {number} direction 1: the next event of the chosen Task */
  chooseEvent(direction) {
    if (!this.chosen || this.chosen.task === NONE) return this.chooseLane(1);
    const { task } = this.chosen;
    const events = this.eventsOf(task);
    const now = events.findIndex((item) => item.kind === this.chosen.kind && item.index === this.chosen.index);
    const next = now < 0 ? (direction > 0 ? 0 : events.length - 1) : now + direction;
    if (events[next]) this.choose(events[next], true);
  }

  /**
   * The coroutines, waits and steps of a Task in the order of time.
   * @param {number} task
   * @returns {Item[]}
   */
  eventsOf(task) {
    const { trace } = this;
    /** @type {{item: Item, start: number, rank: number}[]} */
    const events = [];
    /** @type {(kind: string, spans: Spans, row: number, rank: number) => void} */
    const add = (kind, spans, row, rank) => {
      for (let index = spans.first[row]; index < spans.first[row + 1]; index++) {
        events.push({ item: { kind, index, task }, start: spans.start[index], rank });
      }
    };
    add("step", trace.steps, task, 0);
    for (let depth = 0; depth < trace.depths[task]; depth++) add("coroutine", trace.coroutines, trace.tasks[task].base + depth, 1 + depth);
    add("wait", trace.waits, task, 1000);
    return events.sort((a, b) => a.start - b.start || a.rank - b.rank).map((event) => event.item);
  }

  /** @param {string} text */
  look(text) {
    this.search.look(text);
    this.parts.found.textContent = this.search.summary;
    this.invalidate();
  }

  /** @param {number} direction */
  searchNext(direction) {
    const item = this.search.next(direction);
    this.parts.found.textContent = this.search.summary;
    if (item) this.choose(item, true);
  }

  beginSearch() {
    this.parts.search.focus();
    this.parts.search.select();
  }

  endSearch() {
    this.parts.search.value = "";
    this.look("");
    this.stage.focus();
  }

  escape() {
    if (!this.parts.legend.hidden) this.switchLegend();
    else this.choose(null, false);
  }

  /** @param {"time" | "events"} kind */
  useScale(kind) {
    const scale = this.newScale(kind);
    this.controls.scale.value = kind;
    this.change(() => (this.view.whole ? ((this.view.scale = scale), this.view.fit()) : this.view.use(scale)));
  }

  switchScale() {
    this.useScale(this.view.scale.kind === "time" ? "events" : "time");
  }

  switchArrows() {
    this.arrowsWanted = !this.arrowsWanted;
    this.controls.arrows.setAttribute("aria-pressed", String(this.arrowsWanted));
    this.invalidate();
  }

  switchTheme() {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    this.repaint();
  }

  switchLegend() {
    const { legend } = this.parts;
    legend.hidden = !legend.hidden;
    document.getElementById("help").setAttribute("aria-expanded", String(!legend.hidden));
  }
}

/** A recording of at most so many events is first shown with room for each of them. */
Picture.FEW = 400;
/** Pixels that a chosen thing has to have to be seen. */
Picture.SEEN = 8;

Trace.read(document.getElementById("trace").textContent).then(
  (trace) => {
    const picture = new Picture(trace);
    picture.draw();
    Object.assign(window, { picture });
    document.documentElement.dataset.drawn = String(Math.round(performance.now()));
  },
  (error) => {
    document.getElementById("status").textContent = `This browser cannot show the picture: ${error}`;
    throw error;
  },
);
