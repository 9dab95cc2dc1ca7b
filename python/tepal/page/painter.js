/**
 * Draws the lanes that are on the screen. A full lane, from top to bottom: room in which arrows end; a strip that says
 * when the Task ran (and, before it, when it was ready to); a bar per coroutine, one in the other, strong where the Task
 * ran and pale where it was suspended; below the innermost what it waits for. In a smaller lane these lie one over the
 * other, the steps on top.
 *
 * Level of detail: of spans narrower than a pixel, one is drawn per pixel, and a binary search passes over the others.
 * So a frame costs what the screen has pixels, however long the recording is.
 */
class Painter {
  /** @param {Picture} picture */
  constructor(picture) {
    this.picture = picture;
    this.ink = picture.inks.lanes;
  }

  /** Draws everything in the lanes but the arrows. */
  draw() {
    const { lanes, scroll, gutter, ruler } = this.picture;
    this.ink.begin("page");
    if (!lanes.count) return this.nothing();
    const first = Math.max(0, lanes.at(Math.max(0, scroll)));
    const bottom = scroll + this.ink.height;
    let last = first;
    while (last < lanes.count && lanes.tops[last] < bottom) last++;
    for (let lane = first; lane < last; lane++) this.ground(lane, lanes.tops[lane] - scroll);
    if (last > first && lanes.heightOf(first) < Painter.NAMED) this.ink.text("quiet", "zoom in for their names", 8, 12, gutter - 16);
    for (const x of ruler.ticks) this.ink.fill("grid", gutter + x, 0, 1, this.ink.height);
    for (let lane = first; lane < last; lane++) this.lane(lane, lanes.tops[lane] - scroll);
  }

  /** Says why there is no lane. */
  nothing() {
    const { trace } = this.picture;
    const text = trace.tasks.length ? "No Task lives here. Zoom out, or show all Tasks." : "No Task was recorded.";
    this.ink.text("quiet", text, this.picture.gutter + 16, 24, 400);
  }

  /**
   * What lies below everything of a lane.
   * @param {number} lane
   * @param {number} y
   */
  ground(lane, y) {
    const { lanes, chosen } = this.picture;
    const picked = chosen && lanes.laneOf[chosen.task] === lane;
    if (picked || lane % 2) this.ink.fill(picked ? "hover" : "stripe", 0, y, this.ink.width, lanes.heightOf(lane));
  }

  /**
   * @param {number} lane
   * @param {number} y
   */
  lane(lane, y) {
    const { lanes, trace, gutter, hovered } = this.picture;
    const task = trace.tasks[lanes.tasksOf(lane)[0]];
    const height = lanes.heightOf(lane);
    const { context } = this.ink;
    context.save();
    context.beginPath();
    context.rect(gutter, y, this.ink.width - gutter, height);
    context.clip();
    context.translate(gutter, 0);
    if (lanes.full) this.fullLane(task, y);
    else if (lanes.shared) this.sharedLane(lane, y, height);
    else this.flatLane(task, y, height);
    context.restore();
    if (lanes.shared) this.sharedLabel(lane, y, height);
    else if (height >= Painter.NAMED) this.label(task, y, height, Boolean(hovered && hovered.task === task.index));
  }

  /**
   * @param {Task} task
   * @param {number} y
   */
  fullLane(task, y) {
    const { trace, view } = this.picture;
    const strip = y + Lanes.HEAD - Lanes.STRIP;
    const { lives } = view.scale;
    const [born, died] = [lives.from, lives.to].map((places) => Math.round(view.x(places[task.index])));
    this.ink.fill("life", born, strip + Lanes.STRIP - 1, Math.max(died - born, 1), 1);
    for (let depth = 0; depth < trace.depths[task.index]; depth++) this.coroutineRow(task, depth, this.rowTop(y, depth));
    this.each(trace.waits, task.index, (i, x, width, count) => this.wait(i, x, width, count, y));
    this.each(trace.ready, task.index, (i, x, width) => this.ink.fill("ready", x, strip + 2, width, Lanes.STRIP - 2));
    this.each(trace.steps, task.index, (i, x, width) => {
      this.ink.fill("run", x, strip, Math.max(width, 1.5), Lanes.STRIP);
      if (width > 6) this.ink.fill("page", x, strip, 1, Lanes.STRIP);
    });
    this.ends(task, born, died, y);
  }

  /**
   * The marks where a Task was created and where it ended.
   * @param {Task} task
   * @param {number} born
   * @param {number} died
   * @param {number} y
   */
  ends(task, born, died, y) {
    const strip = y + Lanes.HEAD - Lanes.STRIP;
    const bottom = this.rowTop(y, task.rows);
    this.ink.vertical("quiet", born - 1, strip - 1, bottom);
    if (task.open) return;
    const colour = task.outcome === "failed" ? "block" : task.outcome === "cancelled" ? "found" : "quiet";
    this.ink.vertical(colour, died, strip - 1, bottom);
    if (task.outcome === "finished") return;
    this.ink.text(colour, task.outcome, died + 4, this.rowTop(y, 0) + this.picture.lanes.row / 2, 120);
  }

  /**
   * @param {number} y
   * @param {number} row
   */
  rowTop(y, row) {
    return y + Lanes.HEAD + 1 + row * this.picture.lanes.row;
  }

  /**
   * @param {Task} task
   * @param {number} depth
   * @param {number} y
   */
  coroutineRow(task, depth, y) {
    const { trace, search, chosen } = this.picture;
    const { coroutines, steps } = trace;
    const height = this.picture.lanes.row - 2;
    this.each(coroutines, task.base + depth, (i, x, width, count) => {
      const code = coroutines.columns.code[i];
      this.ink.fill("bar", x, y, width, height);
      if (width > 3) this.ink.frame("bar-line", x, y, width, height);
      this.each(steps, task.index, (_, from, length) => {
        const left = Math.max(from, x);
        const right = Math.min(Math.max(from + length, from + 1.5), x + Math.max(width, 1.5));
        if (right > left) this.ink.fill("run", left, y, right - left, height);
        if (length > 6 && left === from) this.ink.fill("bar", left, y, 1, height);
      }, coroutines.from[i], coroutines.to[i]);
      if (search.matchesCode(code)) this.ink.frame("found", x - 1, y - 1, width + 2, height + 2, 2);
      if (chosen && chosen.kind === "coroutine" && chosen.index === i) this.ink.frame("chosen", x - 1, y - 1, width + 2, height + 2, 2);
      const name = code === NONE ? "?" : trace.code[code][0];
      if (width > 20) this.caption("bar-text", count > 1 ? `${count} × ${name}` : name, x, y, width, height, task.index);
    });
  }

  /**
   * A name within a bar, on the part of it that is on the screen, and on a ground of its own where steps lie below it.
   * @param {string} colour
   * @param {string} text
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   * @param {number} task NONE: no steps lie below
   */
  caption(colour, text, x, y, width, height, task) {
    const { gutter } = this.picture;
    const left = Math.max(x, 0);
    const room = Math.min(x + width, this.ink.width - gutter) - left - 8;
    const shown = this.ink.fitting(text, room);
    if (!shown) return;
    let at = left + 5;
    const needed = this.ink.measure(shown);
    if (task !== NONE && !this.clearOfSteps(task, at, 1) && this.coveredTo(task, at, needed) >= at + needed) {
      colour = "run-text";
    } else if (task !== NONE && !this.clearOfSteps(task, at, needed)) {
      const past = this.coveredTo(task, at, needed) + 4;
      if (past + needed < left + room + 4 && this.clearOfSteps(task, past, needed)) at = past;
      else {
        this.ink.context.globalAlpha = 0.85;
        this.ink.fill("bar", at - 3, y + 1, needed + 6, height - 2);
        this.ink.context.globalAlpha = 1;
      }
    }
    this.ink.context.fillStyle = this.ink.palette.get(colour);
    this.ink.context.fillText(shown, at, y + height / 2 + 0.5);
  }

  /**
   * Up to which pixel steps follow each other without a gap, from the first one that touches some pixels; or their left.
   * @param {number} task
   * @param {number} x
   * @param {number} width
   */
  coveredTo(task, x, width) {
    const { trace, view } = this.picture;
    const { steps } = trace;
    let end = x;
    const last = steps.first[task + 1];
    for (let i = steps.after(task, view.place(x)), many = 0; i < last && many < 50; i++, many++) {
      const from = view.x(steps.from[i]);
      if (from > end + 1 && (end > x || from > x + width)) break;
      end = view.x(steps.to[i]);
    }
    return end;
  }

  /**
   * Whether no step is drawn between two pixels.
   * @param {number} task
   * @param {number} x
   * @param {number} width
   */
  clearOfSteps(task, x, width) {
    const { trace, view } = this.picture;
    const step = trace.steps.after(task, view.place(x));
    return step >= trace.steps.first[task + 1] || view.x(trace.steps.from[step]) > x + width;
  }

  /**
   * @param {number} i the wait
   * @param {number} x
   * @param {number} width
   * @param {number} count how many waits lie within this pixel
   * @param {number} y of the lane
   */
  wait(i, x, width, count, y) {
    const { trace, search, chosen } = this.picture;
    const { columns } = trace.waits;
    const colour = Palette.wait(trace.text(columns.kind[i]));
    const top = this.rowTop(y, columns.depth[i]);
    const height = this.picture.lanes.row - 2;
    this.ink.fill(`${colour}-fill`, x, top, width, height);
    if (width > 3) this.ink.fill(colour, x, top + height - 2, width, 2);
    if (search.matchesText(columns.text[i])) this.ink.frame("found", x - 1, top - 1, width + 2, height + 2, 2);
    if (chosen && chosen.kind === "wait" && chosen.index === i) this.ink.frame("chosen", x - 1, top - 1, width + 2, height + 2, 2);
    if (width > 24 && count === 1) this.caption("text", this.picture.waitText(i), x, top, width, height, NONE);
  }

  /**
   * A lane of many Tasks, one after the other. Several in one pixel are drawn as one.
   * @param {number} lane
   * @param {number} y
   * @param {number} height
   */
  sharedLane(lane, y, height) {
    const { lanes, trace, view, search, chosen } = this.picture;
    const { lives } = view.scale;
    const tasks = lanes.tasksOf(lane);
    let filled = -Infinity;
    for (const task of tasks) {
      const left = Math.round(view.x(lives.from[task]));
      const right = Math.round(view.x(lives.to[task]));
      const marked = search.matchesTask(task) || (chosen && chosen.task === task);
      if (right < 0 || left > view.width || (right <= filled && !marked)) continue;
      if (right - left < Painter.BLOT) {
        this.ink.fill("bar-line", left, y, Math.max(right - left, 1), height - 2);
        filled = left + 1;
      } else this.flatLane(trace.tasks[task], y, height);
      if (search.matchesTask(task)) this.ink.frame("found", left - 1, y, Math.max(right - left, 3) + 2, height - 1, 2);
      if (chosen && chosen.task === task) this.ink.frame("chosen", left - 1, y, Math.max(right - left, 3) + 2, height - 1, 2);
    }
  }

  /**
   * How many Tasks a lane has.
   * @param {number} lane
   * @param {number} y
   * @param {number} height
   */
  sharedLabel(lane, y, height) {
    const { lanes, trace, gutter } = this.picture;
    if (height < Painter.NAMED) return;
    const tasks = lanes.tasksOf(lane);
    if (tasks.length === 1) return this.label(trace.tasks[tasks[0]], y, height, false);
    this.ink.text("quiet", Format.plural(tasks.length, "Task"), 8, y + height / 2, gutter - 16);
  }

  /**
   * A lane of one row: waits in the colour of their kind, steps over them.
   * @param {Task} task
   * @param {number} y
   * @param {number} height
   */
  flatLane(task, y, height) {
    const { trace, view, search, lanes } = this.picture;
    const inner = height - 2;
    const { lives } = view.scale;
    const [born, died] = [lives.from, lives.to].map((places) => Math.round(view.x(places[task.index])));
    this.ink.fill("bar", born, y, Math.max(died - born, 1), inner);
    this.each(trace.waits, task.index, (i, x, width, count) => {
      const colour = Palette.wait(trace.text(trace.waits.columns.kind[i]));
      this.ink.fill(`${colour}-fill`, x, y, width, inner);
      if (height > 8 && width > 2) this.ink.fill(colour, x, y + inner - 2, width, 2);
      if (height >= Lanes.SMALL - 1 && width > 40 && count === 1) this.caption("text", this.picture.waitText(i), x, y, width, inner, NONE);
    });
    this.each(trace.ready, task.index, (i, x, width) => this.ink.fill("ready", x, y, width, inner));
    this.each(trace.steps, task.index, (i, x, width) => this.ink.fill("run", x, y, width, inner));
    if (!lanes.shared && search.matchesTask(task.index)) this.ink.frame("found", born - 1, y, Math.max(died - born, 3) + 2, height - 1, 2);
  }

  /**
   * The name of a Task, left of its lane.
   * @param {Task} task
   * @param {number} y
   * @param {number} height
   * @param {boolean} hovered
   */
  label(task, y, height, hovered) {
    const { gutter, search, trace } = this.picture;
    const middle = this.picture.lanes.full ? y + Lanes.HEAD + this.picture.lanes.row / 2 : y + height / 2;
    const colour = search.matchesTask(task.index) ? "found" : "text";
    this.ink.fill("page", gutter - 1, y, 1, height);
    let x = 8;
    if (task.finding) x += this.ink.text("found", "▲", x, middle, 20) + 4;
    if (hovered) this.ink.fill("run", 0, y, 3, height);
    this.ink.font("600");
    x += this.ink.text(colour, task.name, x, middle, gutter - 12 - x) + 6;
    this.ink.font();
    const code = task.code === NONE ? "" : trace.code[task.code][0];
    if (!this.picture.lanes.full) {
      this.ink.text("quiet", code, x, middle, gutter - 8 - x);
    } else if (task.rows > 1) {
      this.ink.text("quiet", code, 8, middle + 16, gutter - 16);
    } else {
      this.ink.text("quiet", code, x, middle, gutter - 8 - x);
    }
  }

  /**
   * Calls `draw(span, x, width, count)` for the spans of a row that touch the view, with at least one pixel each;
   * `count` spans narrower than a pixel are drawn as one.
   * @param {Spans} spans
   * @param {number} row
   * @param {(span: number, x: number, width: number, count: number) => void} draw
   * @param {number} low the part of the scale to look at
   * @param {number} high
   */
  each(spans, row, draw, low = -Infinity, high = Infinity) {
    const { view } = this.picture;
    const [from, to] = [Math.max(view.from, low), Math.min(view.to, high)];
    const last = spans.first[row + 1];
    const beyond = view.width + Painter.MARGIN;
    let i = spans.after(row, from);
    while (i < last && spans.from[i] <= to) {
      // On whole pixels: what lies between two would be a blur.
      const x = Math.round(Math.max(view.x(spans.from[i]), -Painter.MARGIN));
      const right = Math.round(Math.min(view.x(spans.to[i]), beyond));
      if (right - x >= 1) {
        draw(i, x, right - x, 1);
        i++;
        continue;
      }
      // All that begin within this pixel are drawn as one, but for the last if that reaches farther: it is to be seen.
      let next = Math.max(i + 1, Painter.beginningAfter(spans.from, i, last, view.place(x + 0.5)));
      if (next - 1 > i && Math.round(view.x(spans.to[next - 1])) - x >= 1) next--;
      const end = Math.round(Math.min(view.x(spans.to[next - 1]), beyond));
      draw(i, x, Math.max(end - x, 1), next - i);
      i = next;
    }
  }

  /**
   * The first position from `low` up to `high` whose value is `limit` or more.
   * @param {Float64Array | Int32Array} values
   * @param {number} low
   * @param {number} high
   * @param {number} limit
   */
  static beginningAfter(values, low, high, limit) {
    while (low < high) {
      const middle = (low + high) >> 1;
      if (values[middle] < limit) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Pixels that a lane needs for a name beside it. */
Painter.NAMED = 10;
/** A Task in a shared lane that has fewer pixels is one blot. */
Painter.BLOT = 3;
/** Pixels beside the screen up to which bars are drawn, so that their frames are not seen. */
Painter.MARGIN = 4;

