/**
 * Draws the wake-ups and the births: what made a Task run. From a Task to a Task an arrow goes straight from lane to
 * lane; a timer, descriptor, thread, callback or signal has no lane, so its arrow comes from just above, with a mark of
 * its kind. Too many arrows say nothing: then only those of the lane under the pointer, and of the chosen one, are drawn.
 */
class Arrows {
  /** @param {Picture} picture */
  constructor(picture) {
    this.picture = picture;
    this.ink = picture.inks.lanes;
    /** How many wake-ups lie in the view, and whether all of them are drawn. */
    this.shown = { count: 0, all: true };
  }

  /** Draws what the lanes on the screen have room for. */
  draw() {
    const { view, trace, gutter, lanes } = this.picture;
    const { wakes } = trace;
    const from = Painter.beginningAfter(wakes.at, 0, wakes.at.length, view.from);
    const to = Painter.beginningAfter(wakes.at, from, wakes.at.length, view.to);
    const all = to - from <= Arrows.MOST && this.picture.arrowsWanted && lanes.effective !== "tiny";
    this.strength = to - from > Arrows.CROWD ? 0.45 : 0.75;
    this.shown = { count: to - from, all };
    const { context } = this.ink;
    context.save();
    context.beginPath();
    context.rect(gutter, 0, this.ink.width - gutter, this.ink.height);
    context.clip();
    context.translate(gutter, 0);
    /** @type {Set<string>} what is drawn already, by pixels */
    this.drawn = new Set();
    const special = new Set([this.picture.hovered, this.picture.chosen].filter(Boolean).map((item) => item.task));
    if (all) for (let i = from; i < to; i++) this.wake(i, special.has(wakes.task[i]) || special.has(wakes.cause[i]));
    else if (special.size && to - from <= Arrows.SCAN) {
      for (let i = from; i < to; i++) if (special.has(wakes.task[i]) || special.has(wakes.cause[i])) this.wake(i, true);
    }
    if (this.picture.arrowsWanted) this.births(special, all);
    context.restore();
  }

  /**
   * @param {number} i the wake-up
   * @param {boolean} strong of a Task that is pointed at
   */
  wake(i, strong) {
    const { trace, view } = this.picture;
    const { wakes } = trace;
    const target = this.strip(wakes.task[i]);
    if (target === null) return;
    const colour = Palette.cause(trace.text(wakes.kind[i]));
    const x = view.x(wakes.at[i]);
    const { context } = this.ink;
    const { chosen } = this.picture;
    const picked = Boolean(chosen && chosen.kind === "wake" && chosen.index === i);
    context.globalAlpha = strong || picked ? 1 : this.strength;
    const itself = wakes.cause[i] === wakes.task[i]; // it asked to run again, as sleep(0) does
    const cause = itself || wakes.cause[i] === NONE ? null : this.strip(wakes.cause[i]);
    if (cause !== null) this.across(colour, x, cause, target, this.isBirth(i) ? Arrows.DASHES : []);
    else this.fromAbove(colour, x, target, trace.text(wakes.kind[i]), strong);
    if (picked) this.ink.frame("chosen", x - 5, target - 13, 10, 14, 2);
    context.globalAlpha = 1;
  }

  /**
   * @param {string} colour
   * @param {number} x
   * @param {number} from
   * @param {number} to
   * @param {number[]} dashes
   */
  across(colour, x, from, to, dashes) {
    if (Math.max(from, to) < 0 || Math.min(from, to) > this.ink.height) return;
    const key = `${colour}|${Math.round(x)}|${Math.round(from)}|${Math.round(to)}`;
    if (this.drawn.has(key)) return;
    this.drawn.add(key);
    const down = to > from;
    this.ink.fill(colour, Math.round(x) - 1, from + (down ? Lanes.STRIP - 2 : 0), 3, 3);
    this.ink.arrow(colour, x, down ? from + Lanes.STRIP : from, down ? to : to + Lanes.STRIP + 1, dashes);
  }

  /**
   * @param {string} colour
   * @param {number} x
   * @param {number} to
   * @param {string} kind
   * @param {boolean} strong
   */
  fromAbove(colour, x, to, kind, strong) {
    if (to < -20 || to > this.ink.height + 20) return;
    const key = `${Math.round(x / 5)}|${Math.round(to)}`;
    if (this.drawn.has(key)) return;
    this.drawn.add(key);
    if (!this.picture.lanes.full && !strong) return;
    if (kind === "task") return this.turn(colour, x, to);
    const top = to - 10;
    this.ink.arrow(colour, x, top + 2, to);
    const { context } = this.ink;
    const middle = Math.round(x) + 0.5;
    context.fillStyle = this.ink.palette.get(colour);
    context.beginPath();
    if (kind === "descriptor") context.rect(middle - 3, top - 3, 6, 6);
    else if (kind === "timer") context.arc(middle, top, 3.5, 0, 2 * Math.PI);
    else if (kind === "thread") Arrows.polygon(context, middle, top, 4, 4);
    else if (kind === "signal") Arrows.polygon(context, middle, top, 5, 4);
    else context.rect(middle - 4, top - 1.5, 8, 3);
    context.fill();
  }

  /**
   * An arrow that comes back to where it began.
   * @param {string} colour
   * @param {number} x
   * @param {number} to
   */
  turn(colour, x, to) {
    const { context } = this.ink;
    const middle = Math.round(x) + 0.5;
    this.ink.arrow(colour, x, to - 5, to);
    context.beginPath();
    context.arc(middle - 4, to - 5, 4, Math.PI, 2 * Math.PI);
    context.lineTo(middle, to - 3);
    context.moveTo(middle - 8, to - 5);
    context.lineTo(middle - 8, to - 1);
    context.stroke();
  }

  /**
   * A regular polygon.
   * @param {CanvasRenderingContext2D} context
   * @param {number} x
   * @param {number} y
   * @param {number} corners
   * @param {number} radius
   */
  static polygon(context, x, y, corners, radius) {
    for (let i = 0; i < corners; i++) {
      const angle = (2 * Math.PI * i) / corners - Math.PI / 2;
      context.lineTo(x + radius * Math.cos(angle), y + radius * Math.sin(angle));
    }
    context.closePath();
  }

  /**
   * The first wake-up of a Task, or NONE.
   * @param {number} task
   */
  firstWake(task) {
    const { ready } = this.picture.trace;
    return ready.first[task] < ready.first[task + 1] ? ready.columns.wake[ready.first[task]] : NONE;
  }

  /**
   * Whether a wake-up is the first of its Task, by the Task that created it.
   * @param {number} wake
   */
  isBirth(wake) {
    if (wake === NONE) return false;
    const { wakes, tasks, numbers } = this.picture.trace;
    const task = wakes.task[wake];
    return this.firstWake(task) === wake && wakes.cause[wake] === numbers.get(tasks[task].parent);
  }

  /**
   * Dashed arrows from the lane of a Task to the Tasks that it created.
   * @param {Set<number>} special Tasks that are pointed at; of the others only if they are few
   * @param {boolean} all whether the wake-ups are drawn, those that are births as well
   */
  births(special, all) {
    const { trace, view, lanes } = this.picture;
    const { lives } = view.scale;
    const born = lanes.shown.filter((task) => lives.from[task] >= view.from && lives.from[task] <= view.to);
    for (const task of born) {
      const parent = trace.task(trace.tasks[task].parent);
      if (!parent || (all && this.isBirth(this.firstWake(task)))) continue;
      if (born.length > Arrows.BIRTHS && !special.has(task) && !special.has(parent.index)) continue;
      const [from, to] = [this.strip(parent.index), this.strip(task)];
      if (from === null || to === null || Math.max(from, to) < 0 || Math.min(from, to) > this.ink.height) continue;
      const x = view.x(lives.from[task]) - 1;
      this.ink.context.globalAlpha = special.has(task) || special.has(parent.index) ? 1 : this.strength;
      this.ink.arrow("quiet", x, from + Lanes.STRIP, to, Arrows.DASHES);
      this.ink.context.globalAlpha = 1;
    }
  }

  /**
   * Where the strip of steps of a Task's lane is on the screen, or null without a lane.
   * @param {number} task
   */
  strip(task) {
    const { lanes, scroll } = this.picture;
    const top = lanes.top(task);
    if (top === NONE) return null;
    return top - scroll + (lanes.full ? Lanes.HEAD - Lanes.STRIP : 1);
  }
}

/** So many wake-ups in the view are drawn as arrows. */
Arrows.MOST = 300;
/** More than so many are drawn thinner. */
Arrows.CROWD = 100;
/** So many births in the view are drawn. */
Arrows.BIRTHS = 12;
/** Arrows of births. */
Arrows.DASHES = [2, 3];
/** So many are looked through for those of one Task. */
Arrows.SCAN = 200000;

