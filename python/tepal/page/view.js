/** The stretch of the scale that is on the screen, `from` to `to`, and the pixels that it has. */
class View {
  /** @param {Scale} scale */
  constructor(scale) {
    /** Pixels. */
    this.width = 1;
    this.scale = scale;
    /** The places at the left and the right edge. */
    this.from = 0;
    this.to = 0;
    this.fit();
  }

  /** Places beside the scale that can be seen, so that its ends do not stand on the edge. */
  get margin() {
    return this.scale.length * View.MARGIN;
  }

  /** The first place that can be seen. */
  get least() {
    return this.scale.begin - this.margin;
  }

  /** How much can be shown. */
  get most() {
    return this.scale.length + 2 * this.margin;
  }

  /**
   * Changes the scale and shows the same times as before.
   * @param {Scale} scale
   */
  use(scale) {
    const [start, end] = [this.scale.time(this.from), this.scale.time(this.to)];
    this.scale = scale;
    this.show(scale.place(start), scale.place(end));
  }

  /** Pixels per unit of the scale. */
  get pixels() {
    return this.width / (this.to - this.from);
  }

  /** Whether all of it is shown. */
  get whole() {
    return this.to - this.from > this.most * 0.999;
  }

  /** @param {number} place */
  x(place) {
    return (place - this.from) * this.pixels;
  }

  /** @param {number} x */
  place(x) {
    return this.from + x / this.pixels;
  }

  /** @param {number} x */
  time(x) {
    return this.scale.time(this.place(x));
  }

  /**
   * Shows a stretch, moved and cut so that it lies on the scale.
   * @param {number} from
   * @param {number} to
   */
  show(from, to) {
    const length = this.scale.length;
    const least = this.scale.kind === "time" ? Math.min(View.LEAST, length) : length * 1e-6;
    const shown = Math.min(Math.max(to - from, least), this.most);
    const middle = (from + to) / 2;
    [this.from, this.to] = this.inside(middle - shown / 2, middle + shown / 2);
  }

  /**
   * A stretch as long as the given one, moved so that it lies on the scale.
   * @param {number} from
   * @param {number} to
   * @returns {[number, number]}
   */
  inside(from, to) {
    const start = Math.min(Math.max(from, this.least), this.least + this.most - (to - from));
    return [start, start + to - from];
  }

  /** Shows everything. */
  fit() {
    this.show(this.least, this.least + this.most);
  }

  /**
   * Zooms; what is at pixel x stays there.
   * @param {number} factor above 1: closer
   * @param {number} x
   */
  zoom(factor, x) {
    const fixed = this.place(x);
    const shown = Math.min((this.to - this.from) / factor, this.most);
    const from = fixed - (x / this.width) * shown;
    this.show(from, from + shown);
  }

  /** @param {number} pixels to the right */
  pan(pixels) {
    const places = pixels / this.pixels;
    this.show(...this.inside(this.from + places, this.to + places));
  }

  /**
   * Shows some nanoseconds with room on both sides.
   * @param {number} start
   * @param {number} end
   */
  frame(start, end) {
    const [from, to] = [this.scale.place(start), this.scale.place(end)];
    const room = Math.max((to - from) * 0.15, this.scale.length * 1e-7);
    this.show(from - room, to + room);
  }
}

/** Share of the scale that can be seen beside it. */
View.MARGIN = 0.012;
/** Nanoseconds that fill the screen at the closest. */
View.LEAST = 200;

