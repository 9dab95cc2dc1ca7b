/**
 * Where the Tasks are. Each has a lane of its own, in the order of their creation; or, where thousands are on the screen,
 * Tasks that do not live at the same time share one ("shared"). `y` counts from the top of the first lane.
 */
class Lanes {
  /** @param {Trace} trace */
  constructor(trace) {
    this.trace = trace;
    const many = trace.tasks.length > Lanes.MANY;
    /** @type {"auto" | "full" | "small" | "tiny" | "shared"} what was asked for */
    this.size = trace.tasks.length <= Lanes.FEW ? "full" : "auto";
    /** @type {"full" | "small" | "tiny" | "shared"} what it is now */
    this.effective = "full";
    /** @type {"all" | "alive" | "running"} which Tasks are shown: all, those that live or that run in the view */
    this.which = many ? "alive" : "all";
    /** Pixels of the screen, and of a coroutine's row in a full lane. */
    this.room = 400;
    this.row = Lanes.ROW;
    /** @type {Int32Array} the Tasks that are shown, in the order of their creation */
    this.shown = new Int32Array(0);
    /** How many lanes there are; the Tasks of lane n are `members` from `first[n]` up to `first[n + 1]`, in time. */
    this.count = 0;
    this.members = new Int32Array(0);
    this.first = Int32Array.of(0);
    /** @type {Float64Array} the top of each lane, and behind the last the height of all */
    this.tops = Float64Array.of(0);
    /** @type {Int32Array} the lane of each Task, or NONE */
    this.laneOf = new Int32Array(trace.tasks.length).fill(NONE);
  }

  /** Pixels of all lanes together. */
  get height() {
    return this.tops[this.count];
  }

  /** Whether coroutines have a row each. */
  get full() {
    return this.effective === "full";
  }

  /** Whether Tasks share lanes. */
  get shared() {
    return this.effective === "shared";
  }

  /**
   * Chooses the lanes for what is shown now.
   * @param {View} view
   */
  arrange(view) {
    const { trace } = this;
    const shown = [];
    for (let task = 0; task < trace.tasks.length; task++) if (this.shows(task, view)) shown.push(task);
    this.shown = Int32Array.from(shown);
    this.effective = this.size === "auto" ? this.fitting() : this.size;
    this.laneOf.fill(NONE);
    const lanes = this.shared ? this.share() : shown.map((task) => [task]);
    this.count = lanes.length;
    this.members = Int32Array.from(lanes.flat());
    this.first = new Int32Array(this.count + 1);
    this.tops = new Float64Array(this.count + 1);
    this.row = this.full && this.fullHeight(Lanes.LARGE) <= this.room ? Lanes.LARGE : Lanes.ROW;
    const height = this.laneHeight();
    lanes.forEach((tasks, lane) => {
      for (const task of tasks) this.laneOf[task] = lane;
      this.first[lane + 1] = this.first[lane] + tasks.length;
      this.tops[lane + 1] = this.tops[lane] + (height || Lanes.heightFor(trace.tasks[tasks[0]].rows, this.row));
    });
  }

  /**
   * The largest size in which what is shown needs little scrolling.
   * @returns {"full" | "small" | "shared"}
   */
  fitting() {
    if (this.fullHeight(Lanes.ROW) <= this.room * Lanes.SCROLLS.full) return "full";
    return this.shown.length * Lanes.SMALL <= this.room * Lanes.SCROLLS.small ? "small" : "shared";
  }

  /** Pixels of every lane; 0: it depends on the Task. */
  laneHeight() {
    if (this.effective === "full") return 0;
    if (this.effective === "small") return Lanes.SMALL;
    if (this.effective === "tiny") return Lanes.TINY;
    const even = Math.floor(this.room / Math.max(this.count, 1));
    if (even < Lanes.SMALL && this.count * Lanes.SMALL <= this.room * Lanes.SCROLLS.shared) return Lanes.SMALL;
    return Math.min(Lanes.LARGE, Math.max(Lanes.TINY, even));
  }

  /**
   * Pixels of all shown Tasks in full lanes.
   * @param {number} row
   */
  fullHeight(row) {
    let height = 0;
    for (const task of this.shown) height += Lanes.heightFor(this.trace.tasks[task].rows, row);
    return height;
  }

  /**
   * Puts each Task into the first lane that is free when it is created.
   * @returns {number[][]}
   */
  share() {
    /** @type {number[][]} */
    const lanes = [];
    const free = new FirstFree();
    for (const task of this.shown) {
      const { created, ended } = this.trace.tasks[task];
      const lane = free.take(created, ended);
      if (lane === lanes.length) lanes.push([]);
      lanes[lane].push(task);
    }
    return lanes;
  }

  /**
   * @param {number} task
   * @param {View} view
   */
  shows(task, view) {
    if (this.which === "all") return true;
    const { lives } = view.scale;
    if (lives.from[task] > view.to || lives.to[task] < view.from) return false;
    if (this.which === "alive") return true;
    const { steps } = this.trace;
    const step = steps.after(task, view.from);
    return step < steps.first[task + 1] && steps.from[step] <= view.to;
  }

  /**
   * The lane at a height, or NONE below the last.
   * @param {number} y
   */
  at(y) {
    if (y < 0 || y >= this.height) return NONE;
    return Spans.search(this.tops, 0, this.count, y) - 1;
  }

  /**
   * The Tasks of a lane.
   * @param {number} lane
   */
  tasksOf(lane) {
    return this.members.subarray(this.first[lane], this.first[lane + 1]);
  }

  /**
   * The top of a Task's lane, or NONE if it has none now.
   * @param {number} task
   */
  top(task) {
    return this.laneOf[task] === NONE ? NONE : this.tops[this.laneOf[task]];
  }

  /** @param {number} lane */
  heightOf(lane) {
    return this.tops[lane + 1] - this.tops[lane];
  }

  /**
   * @param {number} rows
   * @param {number} row pixels of one
   */
  static heightFor(rows, row) {
    return Lanes.HEAD + rows * row + Lanes.FOOT;
  }
}

/** Numbered places that are taken for a while; always the lowest free number is given. */
class FirstFree {
  constructor() {
    /** @type {[number, number][]} a heap of [time at which it becomes free, place] */
    this.taken = [];
    /** @type {number[]} a heap of places that were taken and are free */
    this.free = [];
    this.places = 0;
  }

  /**
   * Takes a place from `start` to `end`; calls come in the order of `start`.
   * @param {number} start
   * @param {number} end
   * @returns {number}
   */
  take(start, end) {
    while (this.taken.length && this.taken[0][0] <= start) {
      FirstFree.push(this.free, FirstFree.pop(this.taken, (a, b) => a[0] - b[0])[1], (a, b) => a - b);
    }
    const place = this.free.length ? FirstFree.pop(this.free, (a, b) => a - b) : this.places++;
    FirstFree.push(this.taken, [end, place], (a, b) => a[0] - b[0]);
    return place;
  }

  /**
   * @template T
   * @param {T[]} heap
   * @param {T} value
   * @param {(a: T, b: T) => number} order
   */
  static push(heap, value, order) {
    let at = heap.push(value) - 1;
    while (at && order(heap[at], heap[(at - 1) >> 1]) < 0) {
      const above = (at - 1) >> 1;
      [heap[at], heap[above]] = [heap[above], heap[at]];
      at = above;
    }
  }

  /**
   * @template T
   * @param {T[]} heap not empty
   * @param {(a: T, b: T) => number} order
   * @returns {T}
   */
  static pop(heap, order) {
    const top = heap[0];
    const last = heap.pop();
    if (!heap.length) return top;
    heap[0] = last;
    for (let at = 0; ; ) {
      let least = at;
      for (const below of [2 * at + 1, 2 * at + 2]) if (below < heap.length && order(heap[below], heap[least]) < 0) least = below;
      if (least === at) return top;
      [heap[at], heap[least]] = [heap[least], heap[at]];
      at = least;
    }
  }
}

/** Up to so many Tasks have full lanes, and above so many only those that live in the view have one, to begin with. */
Lanes.FEW = 60;
Lanes.MANY = 400;
/** How many times as high as the screen the lanes of a size may be for it to be chosen. */
Lanes.SCROLLS = { full: 3, small: 1.2, shared: 1.6 };
/** Pixels: above the bars of a full lane (arrows end there, and the strip of steps lies there), a bar's row, below. */
Lanes.HEAD = 21;
Lanes.STRIP = 6;
Lanes.ROW = 18;
Lanes.LARGE = 26;
Lanes.FOOT = 6;
/** Pixels of the lanes that are not full. */
Lanes.SMALL = 16;
Lanes.TINY = 5;

