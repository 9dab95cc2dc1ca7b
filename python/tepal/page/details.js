/** Shows what is chosen: what it is, since when, its stack and its source lines. Builds elements, never markup. */
class Details {
  /**
   * @param {Picture} picture
   * @param {HTMLElement} place
   */
  constructor(picture, place) {
    this.picture = picture;
    this.trace = picture.trace;
    this.place = place;
  }

  /** @param {Item} item null: nothing is chosen */
  show(item) {
    this.place.replaceChildren();
    if (!item) {
      this.place.append(Details.element("p", "quiet", "Click on a bar, a wait, an arrow or a Task's name; or choose Tasks with j and k."));
      return;
    }
    /** @type {Object<string, () => void>} */
    const kinds = {
      task: () => this.task(this.trace.tasks[item.index]),
      coroutine: () => this.coroutine(item.index),
      wait: () => this.wait(item.index),
      step: () => this.step(item.index),
      wake: () => this.wake(item.index),
      callback: () => this.callback(item.index),
      block: () => this.block(item.index),
    };
    kinds[item.kind]();
  }

  /** @param {Task} task */
  task(task) {
    this.title("Task", task.name);
    const { steps, waits } = this.trace;
    const [first, last] = [steps.first[task.index], steps.first[task.index + 1]];
    let busy = 0;
    for (let i = first; i < last; i++) busy += steps.end[i] - steps.start[i];
    const code = task.code === NONE ? null : this.trace.code[task.code];
    this.facts([
      ["coroutine", code && code[0]],
      ["outcome", task.error ? `${task.outcome}: ${task.error}` : task.outcome],
      ["created", this.moment(task.created)],
      ["lived", Format.duration(task.ended - task.created) + (task.open ? ", and had not ended" : "")],
      ["ran", `${Format.duration(busy)} in ${Format.plural(last - first, "step")}`],
      ["waited", Format.plural(waits.first[task.index + 1] - waits.first[task.index], "time")],
      ["created by", this.taskLink(task.parent)],
    ]);
    if (code) this.source("Defined at", code[1], code[2], code[0]);
    this.stack("Created at", task.stack);
  }

  /** @param {number} i */
  coroutine(i) {
    const { coroutines } = this.trace;
    const { columns } = coroutines;
    const task = this.trace.tasks[columns.task[i]];
    const code = columns.code[i] === NONE ? ["?", null, null] : this.trace.code[columns.code[i]];
    this.title("Coroutine", /** @type {string} */ (code[0]));
    const where = columns.depth[i] ? "awaited: it runs inside the lane of its caller's Task" : "the Task's own: it has a lane";
    this.facts([
      ["in", this.taskLink(task.id)],
      ["how", where],
      ["began", this.moment(coroutines.start[i])],
      ["took", Format.duration(coroutines.end[i] - coroutines.start[i]) + (columns.open[i] ? ", and had not ended" : "")],
      ["ran", this.ran(task.index, coroutines.start[i], coroutines.end[i])],
    ]);
    this.chain("Called within", task, coroutines.start[i], columns.depth[i]);
    this.source("Defined at", /** @type {number} */ (code[1]), /** @type {number} */ (code[2]), /** @type {string} */ (code[0]));
    this.stack("Its Task was created at", task.stack);
  }

  /** @param {number} i */
  wait(i) {
    const { waits, ready } = this.trace;
    const { columns } = waits;
    const task = this.trace.tasks[waits.row[i]];
    this.title("Wait", this.trace.text(columns.text[i]) || this.trace.text(columns.kind[i]));
    const woken = ready.startingAt(task.index, waits.start[i]);
    const wake = woken < ready.first[task.index + 1] && ready.start[woken] <= waits.end[i] ? ready.columns.wake[woken] : NONE;
    this.facts([
      ["kind", this.trace.text(columns.kind[i])],
      ["in", this.taskLink(task.id)],
      ["for", columns.target[i] === NONE ? null : this.taskLink(columns.target[i])],
      ["since", this.moment(waits.start[i])],
      ["waited", Format.duration(waits.end[i] - waits.start[i]) + (columns.open[i] ? ", and still did at the end" : "")],
      ["woken by", wake === NONE ? null : this.cause(wake)],
      ["then ready for", wake === NONE ? null : Format.duration(ready.end[woken] - ready.start[woken])],
    ]);
    if (columns.site[i] !== NONE) this.stackOf("Waits at", [columns.site[i]]);
    this.chain("Awaited within", task, waits.start[i], columns.depth[i]);
    this.stack("Its Task was created at", task.stack);
  }

  /** @param {number} i */
  step(i) {
    const { steps } = this.trace;
    const task = this.trace.tasks[steps.row[i]];
    const [first, last] = [steps.first[task.index], steps.first[task.index + 1]];
    this.title("Step", `of ${task.name}`);
    this.facts([
      ["in", this.taskLink(task.id)],
      ["number", `${Format.count(i - first + 1)} of ${Format.count(last - first)}`],
      ["began", this.moment(steps.start[i])],
      ["took", Format.duration(steps.end[i] - steps.start[i])],
    ]);
    this.chain("Ran in", task, steps.start[i], Infinity);
    this.stack("Its Task was created at", task.stack);
  }

  /** @param {number} i */
  wake(i) {
    const { wakes, steps } = this.trace;
    const task = this.trace.tasks[wakes.task[i]];
    this.title("Wake-up", `of ${task.name}`);
    this.facts([
      ["woken", this.taskLink(task.id)],
      ["cause", this.cause(i)],
      ["at", this.moment(wakes.time[i])],
      ["ran after", wakes.step[i] === NONE ? "never: the recording ended" : Format.duration(steps.start[wakes.step[i]] - wakes.time[i])],
    ]);
    this.stack("Its Task was created at", task.stack);
  }

  /** @param {number} i */
  callback(i) {
    const { callbacks } = this.trace;
    this.title("Callback", this.trace.text(callbacks.columns.text[i]));
    this.facts([
      ["began", this.moment(callbacks.start[i])],
      ["took", Format.duration(callbacks.end[i] - callbacks.start[i])],
    ]);
  }

  /** @param {number} i */
  block(i) {
    const { blocks } = this.trace;
    this.title("Held the loop", `for ${Format.duration(blocks.end[i] - blocks.start[i])}`);
    this.facts([
      ["in", this.taskLink(blocks.columns.task[i])],
      ["began", this.moment(blocks.start[i])],
    ]);
    this.stack("Was at", blocks.columns.stack[i]);
  }

  /**
   * How long a Task ran between two times.
   * @param {number} task
   * @param {number} start
   * @param {number} end
   */
  ran(task, start, end) {
    const { steps } = this.trace;
    let [busy, count] = [0, 0];
    const last = steps.first[task + 1];
    for (let i = Spans.search(steps.end, steps.first[task], last, start); i < last && steps.start[i] < end; i++) {
      busy += Math.min(steps.end[i], end) - Math.max(steps.start[i], start);
      count++;
    }
    return `${Format.duration(busy)} in ${Format.plural(count, "step")}`;
  }

  /**
   * @param {number} i the wake-up
   * @returns {(string | Node)[]}
   */
  cause(i) {
    const { wakes } = this.trace;
    const text = [this.trace.text(wakes.kind[i]), this.trace.text(wakes.text[i])].filter(Boolean).join(": ");
    return wakes.cause[i] === NONE ? [text] : [this.taskLink(this.trace.tasks[wakes.cause[i]].id), ` (${text})`];
  }

  /**
   * The coroutines that were open in a Task at a time, the innermost first, down to a depth.
   * @param {string} title
   * @param {Task} task
   * @param {number} time
   * @param {number} depth
   */
  chain(title, task, time, depth) {
    const { coroutines, depths } = this.trace;
    const items = [];
    for (let row = Math.min(depth, depths[task.index]) - 1; row >= 0; row--) {
      const i = coroutines.at(task.base + row, time);
      if (i !== NONE) items.push(this.link(this.codeName(coroutines.columns.code[i]), { kind: "coroutine", index: i, task: task.index }));
    }
    if (!items.length) return;
    const list = Details.element("ol", "chain");
    for (const item of items) {
      const entry = Details.element("li");
      entry.append(item);
      list.append(entry);
    }
    this.place.append(Details.element("h4", "", title), list);
  }

  /** @param {number} code */
  codeName(code) {
    return code === NONE ? "?" : `${this.trace.code[code][0]}()`;
  }

  /**
   * @param {string} title
   * @param {number} stack
   */
  stack(title, stack) {
    if (stack !== NONE && this.trace.stacks[stack].length) this.stackOf(title, this.trace.stacks[stack]);
  }

  /**
   * @param {string} title
   * @param {number[]} sites
   */
  stackOf(title, sites) {
    this.place.append(Details.element("h4", "", title));
    for (const site of sites) {
      const [file, line, name] = this.trace.sites[site];
      this.lines(file, line, name);
    }
  }

  /**
   * @param {string} title
   * @param {number} file
   * @param {number} line
   * @param {string} name
   */
  source(title, file, line, name) {
    if (file === null || file === undefined || file === NONE) return;
    this.place.append(Details.element("h4", "", title));
    this.lines(file, line, name);
  }

  /**
   * A place in the code: its name, and the lines around it where the page has them.
   * @param {number} file
   * @param {number} line
   * @param {string} name
   */
  lines(file, line, name) {
    this.place.append(...Details.excerpt(this.trace, file, line, name));
  }

  /**
   * @param {Trace} trace
   * @param {number} file
   * @param {number} line
   * @param {string} name
   * @returns {HTMLElement[]}
   */
  static excerpt(trace, file, line, name) {
    const where = Details.element("p", "where", `${trace.files[file]}:${line}${name ? `, ${name}` : ""}`);
    const known = trace.head.excerpts[file];
    if (!known) return [where];
    const code = Details.element("pre", "source");
    for (let number = line - 2; number <= line + 2; number++) {
      if (known[number] === undefined) continue;
      const text = `${String(number).padStart(4)}  ${known[number]}\n`;
      code.append(number === line ? Details.element("mark", "", text) : document.createTextNode(text));
    }
    return code.childNodes.length ? [where, code] : [where];
  }

  /**
   * @param {string} kind
   * @param {string} name
   */
  title(kind, name) {
    const title = Details.element("h3", "", `${kind} `);
    title.append(Details.element("b", "", name));
    this.place.append(title);
  }

  /**
   * A table of names and values; a row without a value is left out.
   * @param {[string, any][]} rows
   */
  facts(rows) {
    const table = Details.element("dl");
    for (const [name, value] of rows) {
      if (value === null || value === "" || value === undefined) continue;
      const entry = Details.element("dd");
      entry.append(...[value].flat());
      table.append(Details.element("dt", "", name), entry);
    }
    this.place.append(table);
  }

  /** @param {number} time */
  moment(time) {
    return `${Format.moment(time, 1000)} after the beginning`;
  }

  /**
   * A button that chooses a Task.
   * @param {number} id the recorder's number
   * @returns {HTMLElement} null if the Task is not known
   */
  taskLink(id) {
    const task = this.trace.task(id);
    return task && this.link(task.name, { kind: "task", index: task.index, task: task.index });
  }

  /**
   * @param {string} text
   * @param {Item} item
   */
  link(text, item) {
    const button = Details.element("button", "link", text);
    button.addEventListener("click", () => this.picture.choose(item, true));
    return button;
  }

  /**
   * @param {string} name
   * @param {string} kind its class
   * @param {string} text
   * @returns {HTMLElement}
   */
  static element(name, kind = "", text = "") {
    const element = document.createElement(name);
    if (kind) element.className = kind;
    if (text) element.textContent = text;
    return element;
  }
}

