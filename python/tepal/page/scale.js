/**
 * From time to place. A place is a number in the unit of the scale, from `begin` to `begin + length`, where the first
 * event begins and the last one ends; the view makes pixels of it.
 *
 * "time" is to scale. "events" gives each stretch between two events the logarithm of its length, so that a step of a
 * microsecond is to be seen beside a sleep of a second: the order is true, the lengths are not.
 */
class Scale {
  /**
   * @param {"time" | "events"} kind
   * @param {Trace} trace
   */
  constructor(kind, trace) {
    this.kind = kind;
    if (kind === "time") {
      /** @type {Float64Array} times, growing, and the place of each; between them it goes straight */
      this.times = Float64Array.of(trace.first, trace.last);
      /** @type {Float64Array} */
      this.places = this.times;
    } else {
      this.times = Scale.boundaries(trace);
      this.places = new Float64Array(this.times.length);
      for (let i = 1; i < this.times.length; i++) {
        const gap = this.times[i] - this.times[i - 1];
        this.places[i] = this.places[i - 1] + Math.log2(1 + gap / Scale.SHORT);
      }
    }
    this.begin = this.places[0];
    this.length = this.places[this.places.length - 1] - this.begin || 1;
  }

  /**
   * @param {number} time nanoseconds
   * @returns {number} the place
   */
  place(time) {
    return Scale.between(this.times, this.places, time);
  }

  /**
   * @param {number} place
   * @returns {number} nanoseconds
   */
  time(place) {
    return Scale.between(this.places, this.times, place);
  }

  /**
   * Puts all spans of a trace on this scale.
   * @param {Trace} trace
   */
  apply(trace) {
    const place = (/** @type {number} */ time) => this.place(time);
    /** @type {(times: Float64Array) => Float64Array} */
    const all = (times) => (this.kind === "time" ? times : times.map(place));
    for (const spans of [trace.steps, trace.coroutines, trace.waits, trace.ready, trace.callbacks, trace.blocks, trace.running]) {
      spans.from = all(spans.start);
      spans.to = all(spans.end);
    }
    const { wakes, steps } = trace;
    wakes.at = all(wakes.time);
    wakes.runs = Float64Array.from(wakes.step, (step, i) => (step === NONE ? wakes.at[i] : steps.from[step]));
    /** The places where each Task was created and ended. */
    this.lives = {
      from: all(Float64Array.from(trace.tasks, (task) => task.created)),
      to: all(Float64Array.from(trace.tasks, (task) => task.ended)),
    };
  }

  /**
   * Every time at which something begins or ends, once, sorted.
   * @param {Trace} trace
   */
  static boundaries(trace) {
    const { steps, coroutines, waits, callbacks, blocks, wakes, tasks } = trace;
    const parts = [steps, coroutines, waits, callbacks, blocks].flatMap((spans) => [spans.start, spans.end]);
    parts.push(wakes.time, Float64Array.from(tasks, (task) => task.created), Float64Array.of(trace.first, trace.last));
    const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
    let filled = 0;
    for (const part of parts) {
      all.set(part, filled);
      filled += part.length;
    }
    all.sort();
    return all.filter((time, i) => time >= trace.first && time <= trace.last && (i === 0 || time !== all[i - 1]));
  }

  /**
   * Reads off the line through the points (xs, ys), both growing.
   * @param {Float64Array} xs
   * @param {Float64Array} ys
   * @param {number} x
   */
  static between(xs, ys, x) {
    const last = xs.length - 1;
    if (x <= xs[0]) return ys[0];
    if (x >= xs[last]) return ys[last];
    const right = Spans.search(xs, 0, last, x);
    const share = (x - xs[right - 1]) / (xs[right] - xs[right - 1]);
    return ys[right - 1] + share * (ys[right] - ys[right - 1]);
  }
}

/** Nanoseconds; gaps far below this get next to no room on the scale of events. */
Scale.SHORT = 100;

