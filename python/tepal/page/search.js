/**
 * Looks for a text, in any case of letters, in the names of Tasks and coroutines and in what Tasks wait for. The lanes
 * mark what matches; `next` goes from one place to the next in time.
 */
class Search {
  /** @param {Trace} trace */
  constructor(trace) {
    this.trace = trace;
    this.lower = {
      tasks: trace.tasks.map((task) => `${task.name} ${task.error}`.toLowerCase()),
      codes: trace.code.map((code) => code[0].toLowerCase()),
      texts: trace.texts.map((text) => text.toLowerCase()),
    };
    this.look("");
  }

  /**
   * @param {string} text empty: nothing is looked for
   */
  look(text) {
    const wanted = text.trim().toLowerCase();
    this.wanted = wanted;
    this.active = wanted !== "";
    const match = (/** @type {string[]} */ names) => names.map((name) => this.active && name.includes(wanted));
    this.codes = match(this.lower.codes);
    this.texts = match(this.lower.texts);
    this.tasks = match(this.lower.tasks);
    this.trace.tasks.forEach((task, i) => {
      if (this.matchesCode(task.code)) this.tasks[i] = true;
    });
    /** @type {{time: number, item: Item}[]} */
    this.places = this.active ? this.found() : [];
    this.position = -1;
  }

  /** @param {number} code */
  matchesCode(code) {
    return this.active && code !== NONE && this.codes[code];
  }

  /** @param {number} text */
  matchesText(text) {
    return this.active && text !== NONE && this.texts[text];
  }

  /** @param {number} task */
  matchesTask(task) {
    return this.active && this.tasks[task];
  }

  /** Every place that matches, in the order of time. */
  found() {
    /** @type {{time: number, item: Item}[]} */
    const places = [];
    const { tasks, coroutines, waits, callbacks } = this.trace;
    tasks.forEach((task, index) => {
      if (this.tasks[index]) places.push({ time: task.created, item: { kind: "task", index, task: index } });
    });
    for (let i = 0; i < coroutines.length; i++) {
      // A Task's own coroutine is found as the Task.
      if (!coroutines.columns.depth[i] || !this.matchesCode(coroutines.columns.code[i])) continue;
      places.push({ time: coroutines.start[i], item: { kind: "coroutine", index: i, task: coroutines.columns.task[i] } });
    }
    for (let i = 0; i < waits.length; i++) {
      if (!this.matchesText(waits.columns.text[i])) continue;
      places.push({ time: waits.start[i], item: { kind: "wait", index: i, task: waits.row[i] } });
    }
    for (let i = 0; i < callbacks.length; i++) {
      if (!this.matchesText(callbacks.columns.text[i])) continue;
      places.push({ time: callbacks.start[i], item: { kind: "callback", index: i, task: NONE } });
    }
    return places.sort((a, b) => a.time - b.time);
  }

  /**
   * The next place, or the one before; after the last comes the first.
   * @param {number} direction 1 or -1
   * @returns {Item} null if nothing matches
   */
  next(direction) {
    const count = this.places.length;
    if (!count) return null;
    this.position = this.position === -1 && direction < 0 ? count - 1 : (this.position + direction + count) % count;
    return this.places[this.position].item;
  }

  /** What the page says beside the box. */
  get summary() {
    if (!this.active) return "";
    if (!this.places.length) return "nothing found";
    const count = Format.plural(this.places.length, "place");
    return this.position < 0 ? count : `${Format.count(this.position + 1)} of ${count}`;
  }
}

