/** The sums on top of the page, and the table by coroutine; reckoned from what the page shows. */
class Sums {
  /** @param {Trace} trace */
  constructor(trace) {
    this.trace = trace;
    const length = (/** @type {Spans} */ spans) => spans.end.reduce((sum, end, i) => sum + end - spans.start[i], 0);
    this.busy = length(trace.running) + length(trace.callbacks);
    this.ready = length(trace.ready);
    this.longest = NONE;
    for (let i = 0; i < trace.ready.length; i++) {
      if (this.longest === NONE || this.delay(i) > this.delay(this.longest)) this.longest = i;
    }
  }

  /** @param {number} i */
  delay(i) {
    return this.trace.ready.end[i] - this.trace.ready.start[i];
  }

  /**
   * The figures of the head line: name, value, what it means.
   * @returns {[string, string, string][]}
   */
  figures() {
    const { trace } = this;
    const recorded = trace.head.sums || {};
    /** @type {(name: string, value: number) => number} the recorder's sum, which counts what the page has not got */
    const sum = (name, value) => (typeof recorded[name] === "number" ? recorded[name] : value);
    /** @type {[string, string, string][]} */
    const figures = [
      ["recorded", Format.duration(trace.duration), "From the beginning of the recording to its end"],
      ["Tasks", Format.count(sum("tasks", trace.tasks.length)), "Tasks created"],
      ["steps", Format.count(sum("steps", trace.steps.length)), "Runs of a Task, from one suspension to the next"],
      ["busy", Format.percent(sum("utilisation", Math.min(1, this.busy / trace.duration))), "Share of the time in which the loop ran Tasks and callbacks"],
      ["waiting to run", Format.duration(this.ready), "Time that Tasks were ready to run and did not yet, all together"],
      ["longest delay", Format.duration(sum("longest_delay", this.longest === NONE ? 0 : this.delay(this.longest))), "The longest that a Task was ready and did not run"],
      ["events", Format.count(trace.events), "Events in this picture"],
    ];
    return figures.filter(([, value]) => value !== "0");
  }

  /**
   * Writes the figures.
   * @param {HTMLElement} place
   */
  show(place) {
    for (const [name, value, meaning] of this.figures()) {
      const figure = Details.element("span", "figure");
      figure.title = meaning;
      figure.append(Details.element("b", "", value), ` ${name}`);
      place.append(figure);
    }
    const { dropped } = this.trace.head;
    if (!dropped) return;
    const warning = Details.element("span", "figure lost");
    warning.title = "The recorder's memory was full: the oldest events are not in this picture";
    warning.append(Details.element("b", "", Format.count(dropped)), " events lost");
    place.append(warning);
  }

  /**
   * How often each coroutine ran, and for how long its bars lasted and Tasks ran in them, the busiest first.
   * @returns {{name: string, code: number, count: number, tasks: number, lasted: number, ran: number}[]}
   */
  byCoroutine() {
    const { coroutines, steps, code, tasks } = this.trace;
    const rows = code.map(([name], index) => ({ name, code: index, count: 0, tasks: 0, lasted: 0, ran: 0 }));
    for (let i = 0; i < coroutines.length; i++) {
      const row = rows[coroutines.columns.code[i]];
      if (!row) continue;
      row.count++;
      if (!coroutines.columns.depth[i]) row.tasks++;
      row.lasted += coroutines.end[i] - coroutines.start[i];
    }
    // Each step counts for the coroutines that were open in it.
    for (const task of tasks) {
      for (let depth = 0; depth < this.trace.depths[task.index]; depth++) {
        const last = coroutines.first[task.base + depth + 1];
        let i = coroutines.first[task.base + depth];
        for (let step = steps.first[task.index]; step < steps.first[task.index + 1] && i < last; step++) {
          while (i < last && coroutines.end[i] <= steps.start[step]) i++;
          for (let n = i; n < last && coroutines.start[n] < steps.end[step]; n++) {
            const row = rows[coroutines.columns.code[n]];
            if (row) row.ran += Math.min(coroutines.end[n], steps.end[step]) - Math.max(coroutines.start[n], steps.start[step]);
          }
        }
      }
    }
    return rows.filter((row) => row.count).sort((a, b) => b.ran - a.ran);
  }

  /**
   * Writes the table by coroutine.
   * @param {HTMLElement} place
   * @param {(name: string) => void} search what a click on a name does
   */
  table(place, search) {
    const table = Details.element("table");
    const head = Details.element("tr");
    for (const name of ["coroutine", "calls", "Tasks", "ran", "lasted"]) head.append(Details.element("th", "", name));
    table.append(head);
    for (const row of this.byCoroutine().slice(0, Sums.ROWS)) {
      const line = Details.element("tr");
      const name = Details.element("button", "link", row.name);
      name.addEventListener("click", () => search(row.name));
      const cell = Details.element("td");
      cell.append(name);
      line.append(cell);
      for (const value of [Format.count(row.count), Format.count(row.tasks), Format.duration(row.ran), Format.duration(row.lasted)]) {
        line.append(Details.element("td", "number", value));
      }
      table.append(line);
    }
    place.append(table);
  }
}

/** The table's length. */
Sums.ROWS = 40;

