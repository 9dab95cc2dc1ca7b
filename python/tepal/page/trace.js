/** Index of nothing, and the length of what had not ended when the recording did; packing.py's OPEN. */
const NONE = -1;

/**
 * Spans of time in rows: within a row they are sorted and do not overlap. Row r holds the spans from `first[r]` up to
 * `first[r + 1]`. `start` and `end` are nanoseconds; `from` and `to` the same on the scale that is shown.
 */
class Spans {
  /**
   * @param {number[]} rows the row of each span
   * @param {number[]} start growing: packing.py has sorted them, so it is enough to deal them out to their rows
   * @param {number[]} end
   * @param {number} count how many rows there are
   * @param {Object<string, number[]>} columns what else there is of each span
   */
  constructor(rows, start, end, count, columns) {
    this.length = rows.length;
    this.first = new Uint32Array(count + 1);
    for (const row of rows) this.first[row + 1]++;
    for (let row = 0; row < count; row++) this.first[row + 1] += this.first[row];
    const free = this.first.slice();
    /** The position of each span that was given. */
    this.position = new Uint32Array(rows.length);
    for (let i = 0; i < rows.length; i++) this.position[i] = free[rows[i]]++;
    this.row = this.dealt(rows, new Int32Array(rows.length));
    this.start = this.dealt(start, new Float64Array(rows.length));
    this.end = this.dealt(end, new Float64Array(rows.length));
    /** @type {Float64Array} */
    this.from = this.start;
    /** @type {Float64Array} */
    this.to = this.end;
    /** @type {Object<string, Int32Array>} */
    this.columns = {};
    for (const [name, values] of Object.entries(columns)) this.columns[name] = this.dealt(values, new Int32Array(rows.length));
  }

  /**
   * Puts values to their positions.
   * @template {Int32Array | Float64Array} T
   * @param {number[]} values
   * @param {T} result
   * @returns {T}
   */
  dealt(values, result) {
    for (let i = 0; i < values.length; i++) result[this.position[i]] = values[i];
    return result;
  }

  /**
   * The first span of a row that ends after `place` on the shown scale; the row's end if none does.
   * @param {number} row
   * @param {number} place
   */
  after(row, place) {
    return Spans.search(this.to, this.first[row], this.first[row + 1], place);
  }

  /**
   * The first span of a row that starts at `time` (nanoseconds) or later.
   * @param {number} row
   * @param {number} time
   */
  startingAt(row, time) {
    let [low, high] = [this.first[row], this.first[row + 1]];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.start[middle] < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * The span of a row in which `time` (nanoseconds) lies, or NONE.
   * @param {number} row
   * @param {number} time
   */
  at(row, time) {
    const index = Spans.search(this.end, this.first[row], this.first[row + 1], time);
    return index < this.first[row + 1] && this.start[index] <= time ? index : NONE;
  }

  /**
   * The first position from `low` up to `high` whose value is greater than `limit`.
   * @param {Float64Array} values
   * @param {number} low
   * @param {number} high
   * @param {number} limit
   */
  static search(values, low, high, limit) {
    while (low < high) {
      const middle = (low + high) >> 1;
      if (values[middle] <= limit) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * The recorded run. Tasks are numbered from 0 in the order of their creation; `id` is the recorder's number.
 * @typedef {{index: number, id: number, name: string, code: number, created: number, ended: number, open: boolean,
 *   stack: number, parent: number, outcome: string, error: string, rows: number, base: number, finding: boolean}} Task
 * @typedef {{kind: string, severity: string, message: string, file: string, line: number, function: string,
 *   count: number, cost: number, advice: string, tasks: number[]}} Finding
 */
class Trace {
  /** @param {any} packed what packing.py made */
  constructor(packed) {
    this.head = packed;
    /** @type {string[]} */
    this.files = packed.files;
    /** @type {[number, number, string][]} */
    this.sites = packed.sites;
    /** @type {number[][]} */
    this.stacks = packed.stacks;
    /** @type {[string, number, number][]} */
    this.code = packed.code;
    /** @type {string[]} */
    this.texts = packed.texts;
    /** @type {Finding[]} */
    this.findings = packed.findings;
    /** @type {number} */
    this.duration = Math.max(packed.duration, 1);
    /** @type {Task[]} */
    this.tasks = [];
    /** @type {Map<number, number>} recorder's id to our number */
    this.numbers = new Map();
    this.readTasks(packed.tasks);
    this.readCoroutines(packed.coroutines);
    this.readSteps(packed.steps);
    this.readWaits(packed.waits);
    this.readWakes(packed.wakes);
    this.readLoop(packed);
    for (const task of this.tasks) task.rows = Math.max(1, task.rows);
    for (const found of this.findings) for (const id of found.tasks) this.task(id) && (this.task(id).finding = true);
    /** When the first event began and the last one ended: before is the interpreter's start, behind its end. */
    const [first, last] = this.edges();
    this.first = first;
    this.last = last;
    this.events =
      this.steps.length + this.waits.length + this.coroutines.length + this.wakes.time.length +
      this.callbacks.length + this.blocks.length;
  }

  /**
   * Reads the trace that the page carries: gzip in base64.
   * @param {string} text
   * @returns {Promise<Trace>}
   */
  static async read(text) {
    const stream = new Blob([Trace.bytes(text.trim())]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Trace(await new Response(stream).json());
  }

  /**
   * @param {string} text base64
   * @returns {Uint8Array<ArrayBuffer>}
   */
  static bytes(text) {
    const quick = /** @type {any} */ (Uint8Array).fromBase64; // of 2025; browsers before take the slower way
    if (quick) return quick.call(Uint8Array, text);
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
    return bytes;
  }

  /**
   * The Task with the recorder's number `id`, or null.
   * @param {number} id
   * @returns {Task}
   */
  task(id) {
    const number = this.numbers.get(id);
    return number === undefined ? null : this.tasks[number];
  }

  /**
   * @param {number} index of a text
   * @returns {string} empty for NONE
   */
  text(index) {
    return index === NONE ? "" : this.texts[index];
  }

  /** @param {Object<string, number[]>} columns */
  readTasks(columns) {
    const created = Trace.sums(columns.created);
    columns.id.forEach((id, index) => {
      const length = columns.ended[index];
      this.numbers.set(id, index);
      this.tasks.push({
        index,
        id,
        name: this.text(columns.name[index]),
        code: columns.code[index],
        created: created[index],
        ended: length === NONE ? this.duration : created[index] + length,
        open: length === NONE,
        stack: columns.stack[index],
        parent: columns.parent[index],
        outcome: this.text(columns.outcome[index]),
        error: this.text(columns.error[index]),
        rows: 0,
        base: 0,
        finding: false,
      });
    });
  }

  /** @param {Object<string, number[]>} columns */
  readSteps(columns) {
    const start = Trace.sums(columns.start);
    const kept = this.ofKnownTasks(columns.task);
    const rows = kept.map((i) => this.numbers.get(columns.task[i]));
    const starts = kept.map((i) => start[i]);
    const ends = kept.map((i) => start[i] + columns.length[i]);
    this.steps = new Spans(rows, starts, ends, this.tasks.length, {});
    // A Task that starts eagerly takes its first step within its creator's: a row has room for one, the outer.
    let free = -1;
    const outer = kept.map((_, i) => i).filter((i) => ends[i] > free && ((free = ends[i]), true));
    const of = (/** @type {number[]} */ times) => outer.map((i) => times[i]);
    this.running = new Spans(outer.map(() => 0), of(starts), of(ends), 1, {
      step: outer.map((i) => this.steps.position[i]),
    });
  }

  /**
   * A row of coroutines is one depth of one Task: row `task.base + depth`.
   * @param {Object<string, number[]>} columns
   */
  readCoroutines(columns) {
    const start = Trace.sums(columns.start);
    const kept = this.ofKnownTasks(columns.task);
    for (const i of kept) {
      const task = this.task(columns.task[i]);
      task.rows = Math.max(task.rows, columns.depth[i] + 1);
    }
    let base = 0;
    for (const task of this.tasks) {
      task.base = base;
      base += task.rows;
    }
    const rows = kept.map((i) => this.task(columns.task[i]).base + columns.depth[i]);
    const starts = kept.map((i) => start[i]);
    this.coroutines = new Spans(rows, starts, kept.map((i) => this.ending(start[i], columns.length[i])), base, {
      task: kept.map((i) => this.numbers.get(columns.task[i])),
      depth: kept.map((i) => columns.depth[i]),
      code: kept.map((i) => columns.code[i]),
      open: kept.map((i) => Number(columns.length[i] === NONE)),
    });
    this.depths = this.tasks.map((task) => task.rows);
  }

  /**
   * A wait is drawn below the innermost coroutine that was open when it began; `depth` says in which row.
   * @param {Object<string, number[]>} columns
   */
  readWaits(columns) {
    const start = Trace.sums(columns.start);
    const kept = this.ofKnownTasks(columns.task);
    const depths = kept.map((i) => this.openAt(this.task(columns.task[i]), start[i]));
    kept.forEach((i, n) => {
      const task = this.task(columns.task[i]);
      task.rows = Math.max(task.rows, depths[n] + 1);
    });
    const rows = kept.map((i) => this.numbers.get(columns.task[i]));
    const starts = kept.map((i) => start[i]);
    this.waits = new Spans(rows, starts, kept.map((i) => this.ending(start[i], columns.length[i])), this.tasks.length, {
      kind: kept.map((i) => columns.kind[i]),
      text: kept.map((i) => columns.text[i]),
      target: kept.map((i) => columns.target[i]),
      site: kept.map((i) => columns.site[i]),
      depth: depths,
      open: kept.map((i) => Number(columns.length[i] === NONE)),
    });
  }

  /**
   * Wake-ups by time; `step` is the step that followed. Those of one Task are also spans: the time that it was ready.
   * @param {Object<string, number[]>} columns
   */
  readWakes(columns) {
    const time = Trace.sums(columns.time);
    const kept = this.ofKnownTasks(columns.task);
    const tasks = kept.map((i) => this.numbers.get(columns.task[i]));
    const steps = kept.map((i, n) => {
      const step = this.steps.startingAt(tasks[n], time[i]);
      return step < this.steps.first[tasks[n] + 1] ? step : NONE;
    });
    this.wakes = {
      time: Float64Array.from(kept, (i) => time[i]),
      task: Int32Array.from(tasks),
      kind: kept.map((i) => columns.kind[i]),
      cause: kept.map((i) => (this.task(columns.cause[i]) ? this.numbers.get(columns.cause[i]) : NONE)),
      text: kept.map((i) => columns.text[i]),
      step: Int32Array.from(steps),
      /** @type {Float64Array} on the shown scale */
      at: null,
      /** @type {Float64Array} where the step that followed begins, on the shown scale */
      runs: null,
    };
    const ends = steps.map((step, n) => (step === NONE ? time[kept[n]] : this.steps.start[step]));
    this.ready = new Spans(tasks, kept.map((i) => time[i]), ends, this.tasks.length, { wake: kept.map((_, n) => n) });
  }

  /** @param {any} packed */
  readLoop(packed) {
    const callbacks = Trace.sums(packed.callbacks.start);
    const ends = callbacks.map((start, i) => start + packed.callbacks.length[i]);
    this.callbacks = new Spans(callbacks.map(() => 0), callbacks, ends, 1, { text: packed.callbacks.text });
    const blocks = Trace.sums(packed.blocks.start);
    const freed = blocks.map((start, i) => start + packed.blocks.length[i]);
    this.blocks = new Spans(blocks.map(() => 0), blocks, freed, 1, {
      task: packed.blocks.task,
      stack: packed.blocks.stack,
    });
  }

  /** @returns {[number, number]} */
  edges() {
    const { steps, coroutines, callbacks, tasks, duration } = this;
    let [first, last] = [duration, 0];
    for (const { start, end } of [steps, coroutines, this.waits, callbacks, this.blocks]) {
      for (const time of start) if (time < first) first = time;
      for (const time of end) if (time > last) last = time;
    }
    for (const { created, ended } of tasks) [first, last] = [Math.min(first, created), Math.max(last, ended)];
    return first < last ? [first, last] : [0, duration];
  }

  /**
   * How many coroutines of a Task are open at a time: how deep the Task is in.
   * @param {Task} task
   * @param {number} time
   */
  openAt(task, time) {
    let depth = 0;
    const rows = this.depths[task.index];
    while (depth < rows && this.coroutines.at(task.base + depth, time) !== NONE) depth++;
    return depth;
  }

  /**
   * The positions whose Task is known: a full ring forgets Tasks as well.
   * @param {number[]} tasks
   */
  ofKnownTasks(tasks) {
    const known = [];
    for (let i = 0; i < tasks.length; i++) if (this.numbers.has(tasks[i])) known.push(i);
    return known;
  }

  /**
   * @param {number} start
   * @param {number} length
   */
  ending(start, length) {
    return length === NONE ? this.duration : start + length;
  }

  /**
   * The running sums of differences.
   * @param {number[]} differences
   */
  static sums(differences) {
    let sum = 0;
    return differences.map((difference) => (sum += difference));
  }
}

