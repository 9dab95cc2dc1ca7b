/**
 * The mouse, the pen and the finger: the wheel zooms at the pointer, dragging moves the picture, a click chooses, two
 * fingers zoom. And what lies below a point.
 */
class Pointer {
  /** @param {Picture} picture */
  constructor(picture) {
    this.picture = picture;
    /** Where the pointer was last, in the lanes' pixels; zooming by keys keeps that place. */
    this.x = null;
    this.y = null;
    /** @type {Map<number, {x: number, y: number}>} the fingers that are down */
    this.down = new Map();
    this.moved = 0;
    const { lanes, ruler, overview } = picture.canvases;
    for (const canvas of [lanes, ruler]) {
      canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
      canvas.addEventListener("pointerdown", (event) => this.press(event));
      canvas.addEventListener("pointermove", (event) => this.move(event));
      canvas.addEventListener("pointerup", (event) => this.release(event));
      canvas.addEventListener("pointercancel", (event) => this.down.delete(event.pointerId));
      canvas.addEventListener("pointerleave", () => this.leave());
      canvas.addEventListener("dblclick", () => picture.frameChosen());
    }
    overview.addEventListener("pointerdown", (event) => this.travel(event));
    overview.addEventListener("pointermove", (event) => event.buttons & 1 && this.travel(event));
    overview.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    const { picture } = this;
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1;
    const x = this.placeOf(event);
    if (event.shiftKey || (x < 0 && event.currentTarget === picture.canvases.lanes)) {
      picture.scrollBy((event.deltaY || event.deltaX) * unit);
      return;
    }
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) picture.change(() => picture.view.pan(event.deltaX * unit));
    else picture.change(() => picture.view.zoom(Math.exp(-event.deltaY * unit * Pointer.WHEEL), Math.max(x, 0)));
  }

  /**
   * Pixels from the left of the view.
   * @param {MouseEvent} event
   */
  placeOf(event) {
    const box = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
    const x = event.clientX - box.left - this.picture.gutter;
    const { overview, view, canvases } = this.picture;
    return event.currentTarget === canvases.overview ? view.x(overview.place(x)) : x;
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button) return;
    const canvas = /** @type {HTMLElement} */ (event.currentTarget);
    canvas.setPointerCapture(event.pointerId);
    this.down.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.down.size === 1) this.moved = 0;
    this.picture.stage.focus({ preventScroll: true });
  }

  /** @param {PointerEvent} event */
  move(event) {
    const { picture } = this;
    const before = this.down.get(event.pointerId);
    if (!before) return this.hover(event);
    const [dx, dy] = [event.clientX - before.x, event.clientY - before.y];
    this.moved += Math.abs(dx) + Math.abs(dy);
    if (this.down.size === 2) this.pinch(event);
    else if (this.moved > Pointer.STILL) {
      picture.hint(null);
      picture.change(() => picture.view.pan(-dx));
      if (event.currentTarget === picture.canvases.lanes) picture.scrollBy(-dy);
    } else return;
    this.down.set(event.pointerId, { x: event.clientX, y: event.clientY });
  }

  /** @param {PointerEvent} event */
  pinch(event) {
    const [other] = [...this.down.entries()].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    const before = this.down.get(event.pointerId);
    const [was, is] = [before, { x: event.clientX, y: event.clientY }].map((place) => Math.abs(place.x - other.x) + 20);
    const middle = (event.clientX + other.x) / 2 - this.picture.canvases.lanes.getBoundingClientRect().left - this.picture.gutter;
    this.picture.change(() => this.picture.view.zoom(is / was, Math.max(0, middle)));
  }

  /** @param {PointerEvent} event */
  release(event) {
    const pressed = this.down.delete(event.pointerId);
    if (!pressed || this.moved > Pointer.STILL) return;
    this.picture.choose(this.below(event), false);
  }

  leave() {
    if (this.down.size) return;
    this.x = this.y = null;
    this.picture.hover(null);
    this.picture.hint(null);
  }

  /** @param {PointerEvent} event */
  hover(event) {
    const box = this.picture.canvases.lanes.getBoundingClientRect();
    this.x = Math.max(0, event.clientX - box.left - this.picture.gutter);
    this.y = event.clientY - box.top;
    const item = this.below(event);
    this.picture.hover(item);
    this.picture.hint(item, event.clientX, event.clientY);
    /** @type {HTMLElement} */ (event.currentTarget).style.cursor = item ? "pointer" : "grab";
  }

  /**
   * A click or a drag in the overview goes there.
   * @param {PointerEvent} event
   */
  travel(event) {
    const { picture } = this;
    if (picture.view.whole) return;
    const box = picture.canvases.overview.getBoundingClientRect();
    const place = picture.overview.place(event.clientX - box.left - picture.gutter);
    const half = (picture.view.to - picture.view.from) / 2;
    picture.change(() => picture.view.show(...picture.view.inside(place - half, place + half)));
  }

  /**
   * What lies below a point.
   * @param {MouseEvent} event
   * @returns {Item} null: nothing
   */
  below(event) {
    const { picture } = this;
    const box = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
    const [x, y] = [event.clientX - box.left - picture.gutter, event.clientY - box.top];
    if (event.currentTarget === picture.canvases.ruler) return y > Ruler.CLOCK && x >= 0 ? this.inLoop(x, y) : null;
    const lane = picture.lanes.at(y + picture.scroll);
    if (lane === NONE) return null;
    const task = this.taskIn(lane, x);
    if (task === NONE) return null;
    /** @type {Item} */
    const whole = { kind: "task", index: task, task };
    return x < 0 ? whole : this.inLane(task, x, y + picture.scroll - picture.lanes.tops[lane]) || whole;
  }

  /**
   * The Task of a lane at a pixel, or NONE between those of a shared lane.
   * @param {number} lane
   * @param {number} x
   */
  taskIn(lane, x) {
    const { lanes, view } = this.picture;
    const tasks = lanes.tasksOf(lane);
    if (!lanes.shared) return tasks[0];
    const { lives } = view.scale;
    const found = tasks.find((task) => view.x(lives.from[task]) - 1 <= x && x <= view.x(lives.to[task]) + 2);
    return found === undefined ? NONE : found;
  }

  /**
   * @param {number} task
   * @param {number} x
   * @param {number} y from the top of the lane
   * @returns {Item}
   */
  inLane(task, x, y) {
    const { trace, lanes } = this.picture;
    const { waits, coroutines, steps, ready } = trace;
    const wait = this.near(waits, task, x);
    const step = this.near(steps, task, x);
    const inStep = step !== NONE && { kind: "step", index: step, task };
    if (!lanes.full) return inStep || (wait !== NONE ? { kind: "wait", index: wait, task } : null);
    if (y < Lanes.HEAD) {
      const woken = this.near(ready, task, x, 5);
      if (woken !== NONE && (y < Lanes.HEAD - Lanes.STRIP || !inStep)) return { kind: "wake", index: ready.columns.wake[woken], task };
      return inStep || null;
    }
    const row = Math.floor((y - Lanes.HEAD - 1) / lanes.row);
    if (wait !== NONE && waits.columns.depth[wait] === row) return { kind: "wait", index: wait, task };
    if (row < 0 || row >= trace.depths[task]) return null;
    const coroutine = this.near(coroutines, trace.tasks[task].base + row, x);
    return coroutine === NONE ? null : { kind: "coroutine", index: coroutine, task };
  }

  /**
   * @param {number} x
   * @param {number} y
   * @returns {Item}
   */
  inLoop(x, y) {
    const { trace } = this.picture;
    const block = this.near(trace.blocks, 0, x);
    if (block !== NONE && y > Ruler.CLOCK + Ruler.STEPS) {
      return { kind: "block", index: block, task: this.numberOf(trace.blocks.columns.task[block]) };
    }
    const callback = this.near(trace.callbacks, 0, x, 1);
    if (callback !== NONE && y > Ruler.CLOCK + 4 + Ruler.STEPS) return { kind: "callback", index: callback, task: NONE };
    const run = this.near(trace.running, 0, x);
    if (run === NONE) return null;
    const step = trace.running.columns.step[run];
    return { kind: "step", index: step, task: trace.steps.row[step] };
  }

  /** @param {number} id the recorder's number of a Task */
  numberOf(id) {
    const task = this.picture.trace.task(id);
    return task ? task.index : NONE;
  }

  /**
   * The span of a row at a pixel, or the nearest within a few pixels; NONE without one.
   * @param {Spans} spans
   * @param {number} row
   * @param {number} x
   * @param {number} reach pixels
   */
  near(spans, row, x, reach = 2) {
    const { view } = this.picture;
    const last = spans.first[row + 1];
    let [best, distance] = [NONE, reach + 0.001];
    for (let i = spans.after(row, view.place(x - reach - 1)); i < last; i++) {
      const [from, to] = [view.x(spans.from[i]), view.x(spans.to[i])];
      if (from > x + reach) break;
      const away = x < from ? from - x : x > to ? x - to : 0;
      if (away < distance) [best, distance] = [i, away];
      if (distance === 0) break;
    }
    return best;
  }
}

/** How much a notch of the wheel zooms, per pixel of its delta. */
Pointer.WHEEL = 0.002;
/** Pixels that a pointer may move and still click. */
Pointer.STILL = 4;

