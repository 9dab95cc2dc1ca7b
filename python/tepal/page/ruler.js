/** Draws what stands above the lanes: the clock, and the lane of the event loop with its callbacks and what held it. */
class Ruler {
  /** @param {Picture} picture */
  constructor(picture) {
    this.picture = picture;
    this.ink = picture.inks.ruler;
    /** @type {number[]} pixels of the times that are written, from the left of the view */
    this.ticks = [];
  }

  /** Draws clock and loop. */
  draw() {
    const { gutter } = this.picture;
    this.ink.begin("panel");
    this.clock();
    const { context } = this.ink;
    context.save();
    context.beginPath();
    context.rect(gutter, Ruler.CLOCK, this.ink.width - gutter, this.ink.height);
    context.clip();
    context.translate(gutter, 0);
    this.loop();
    context.restore();
    this.ink.font("600");
    const middle = Ruler.CLOCK + 5 + Ruler.STEPS / 2;
    const width = this.ink.text("text", "Event loop", 8, middle, gutter - 12);
    this.ink.font();
    this.ink.text("quiet", "steps", 8 + width + 6, middle, gutter - width - 22);
    this.ink.text("quiet", "callbacks", 8, middle + (Ruler.STEPS + Ruler.CALLBACKS) / 2, gutter - 16);
    this.ink.fill("line", 0, this.ink.height - 1, this.ink.width, 1);
    this.ink.fill("line", gutter - 1, 0, 1, this.ink.height);
  }

  /** The times. */
  clock() {
    const { view, gutter } = this.picture;
    const ticks = view.scale.kind === "time" ? Ruler.evenTicks(view) : Ruler.placedTicks(view);
    this.ink.text("quiet", view.scale.kind === "time" ? "time, to scale" : "time, not to scale", 8, Ruler.CLOCK / 2, gutter - 16);
    let free = 0;
    this.ticks = [];
    for (const [time, step] of ticks) {
      const x = view.scale.kind === "time" ? view.x(time) : view.x(view.scale.place(time));
      if (x < -1 || x > view.width + 1) continue;
      this.ink.fill("line", gutter + x, 0, 1, this.ink.height);
      this.ticks.push(x);
      const text = Format.moment(time, step);
      if (x >= free) free = x + this.ink.text("quiet", text, gutter + x + 4, Ruler.CLOCK / 2, view.width - x - 4) + 14;
    }
  }

  /** Steps of any Task, callbacks, and blocks. */
  loop() {
    const { trace, painter, search, chosen } = this.picture;
    const y = Ruler.CLOCK + 4;
    this.ink.fill("idle", 0, y, this.ink.width, Ruler.STEPS + Ruler.CALLBACKS);
    painter.each(trace.running, 0, (i, x, width, count) => {
      this.ink.fill("run", x, y, width, Ruler.STEPS);
      const task = trace.steps.row[trace.running.columns.step[i]];
      if (count === 1) this.name("run-text", trace.tasks[task].name, x, y + Ruler.STEPS / 2, width);
    });
    const below = y + Ruler.STEPS;
    painter.each(trace.callbacks, 0, (i, x, width, count) => {
      const text = trace.callbacks.columns.text[i];
      this.ink.fill("wait-future", x, below, width, Ruler.CALLBACKS);
      if (search.matchesText(text)) this.ink.frame("found", x - 1, below - 1, width + 2, Ruler.CALLBACKS + 2, 2);
      if (chosen && chosen.kind === "callback" && chosen.index === i) {
        this.ink.frame("chosen", x - 1, below - 1, width + 2, Ruler.CALLBACKS + 2, 2);
      }
      if (count === 1) this.name("run-text", trace.text(text), x, below + Ruler.CALLBACKS / 2, width);
    });
    painter.each(trace.blocks, 0, (i, x, width) => {
      this.ink.fill("block", x, below + Ruler.CALLBACKS - 4, Math.max(width, 3), 4);
      if (chosen && chosen.kind === "block" && chosen.index === i) {
        this.ink.frame("chosen", x - 1, y - 1, width + 2, Ruler.STEPS + Ruler.CALLBACKS + 2, 2);
      }
    });
  }

  /**
   * A name within a bar, on the part of it that is on the screen.
   * @param {string} colour
   * @param {string} text
   * @param {number} x
   * @param {number} middle
   * @param {number} width
   */
  name(colour, text, x, middle, width) {
    if (width < 30) return;
    const left = Math.max(x, 0);
    this.ink.text(colour, text, left + 4, middle, Math.min(x + width, this.picture.view.width) - left - 8);
  }

  /**
   * Ticks on round times.
   * @param {View} view
   * @returns {[number, number][]} time, and nanoseconds to the next
   */
  static evenTicks(view) {
    const least = (Ruler.APART * (view.to - view.from)) / view.width;
    const power = 10 ** Math.floor(Math.log10(least));
    const step = Math.max(1, power * [1, 2, 5, 10].find((factor) => factor * power >= least));
    /** @type {[number, number][]} */
    const ticks = [];
    const first = Math.max(0, Math.ceil(view.from / step)) * step;
    for (let time = first; time <= view.to; time += step) ticks.push([time, step]);
    return ticks;
  }

  /**
   * Ticks on events, at about even distances on the screen, each as exact as its distance to both neighbours asks.
   * @param {View} view
   * @returns {[number, number][]}
   */
  static placedTicks(view) {
    /** @type {[number, number][]} */
    const ticks = [];
    const { times, places } = view.scale;
    let at = Painter.beginningAfter(places, 0, places.length, view.from);
    let before = Infinity;
    while (at < places.length && places[at] <= view.to) {
      const next = Math.max(at + 1, Painter.beginningAfter(places, at, places.length, places[at] + Ruler.APART / view.pixels));
      const gap = (next < times.length ? times[next] : times[times.length - 1] * 1.1) - times[at];
      ticks.push([times[at], 10 ** Math.floor(Math.log10(Math.max(Math.min(gap, before), 1)) - 1)]);
      before = gap;
      at = next;
    }
    return ticks;
  }
}

/** Pixels: the clock's height, the two rows of the loop's lane below it, and how far ticks are apart at least. */
Ruler.CLOCK = 20;
Ruler.STEPS = 15;
Ruler.CALLBACKS = 13;
Ruler.APART = 120;

