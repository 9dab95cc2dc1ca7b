/** Draws the whole recording as a strip: how busy the loop was, what held it, and which part is shown below. */
class Overview {
  /** @param {Picture} picture */
  constructor(picture) {
    this.picture = picture;
    this.ink = picture.inks.overview;
  }

  /**
   * The pixel of a place, from the left of the lanes.
   * @param {number} place
   */
  x(place) {
    const { view } = this.picture;
    return ((place - view.least) / view.most) * view.width;
  }

  /**
   * The place at a pixel.
   * @param {number} x
   */
  place(x) {
    const { view } = this.picture;
    return (x / view.width) * view.most + view.least;
  }

  /** Draws the strip. */
  draw() {
    const { view, gutter } = this.picture;
    this.ink.begin("panel");
    const { context, height } = this.ink;
    this.ink.font("600");
    const width = this.ink.text("text", "Whole run", 8, height / 2, gutter - 12);
    this.ink.font();
    this.ink.text("quiet", "how busy", 8 + width + 6, height / 2, gutter - width - 20);
    context.save();
    context.beginPath();
    context.rect(gutter, 0, view.width, height);
    context.clip();
    context.translate(gutter, 0);
    this.load();
    this.window();
    context.restore();
    this.ink.fill("line", 0, height - 1, this.ink.width, 1);
    this.ink.fill("line", gutter - 1, 0, 1, height);
  }

  /** How busy the loop was, and what held it. */
  load() {
    const { view, trace } = this.picture;
    const { context, height } = this.ink;
    context.fillStyle = this.ink.palette.get("run");
    this.shares(Math.max(1, Math.round(view.width))).forEach((share, x) => {
      const high = share > 0 ? Math.max(1.5, share * (height - 8)) : 0;
      if (high) context.fillRect(x, height - 2 - high, 1, high);
    });
    for (let i = 0; i < trace.blocks.length; i++) {
      const x = this.x(trace.blocks.from[i]);
      this.ink.fill("block", x, 0, Math.max(this.x(trace.blocks.to[i]) - x, 2), 4);
    }
  }

  /** The frame around what is shown, if that is not everything. */
  window() {
    const { view } = this.picture;
    const { context, height } = this.ink;
    if (view.whole) return;
    const [from, to] = [this.x(view.from), this.x(view.to)];
    context.globalAlpha = 0.6;
    this.ink.fill("panel", 0, 0, from, height);
    this.ink.fill("panel", to, 0, view.width - to, height);
    context.globalAlpha = 1;
    this.ink.frame("chosen", from - 1, 0, Math.max(to - from, 3) + 2, height, 2);
  }

  /**
   * The share of each pixel in which a step or a callback ran; counted anew only for another width or scale.
   * @param {number} count
   * @returns {Float64Array}
   */
  shares(count) {
    const { view, trace } = this.picture;
    if (this.counted && this.counted.length === count && this.countedFor === view.scale) return this.counted;
    const shares = new Float64Array(count);
    const pixel = count / view.most;
    for (const spans of [trace.running, trace.callbacks]) {
      for (let i = 0; i < spans.length; i++) {
        const [from, to] = [(spans.from[i] - view.least) * pixel, (spans.to[i] - view.least) * pixel];
        for (let x = Math.max(0, Math.floor(from)); x < Math.min(count, to); x++) {
          shares[x] += Math.min(to, x + 1) - Math.max(from, x);
        }
      }
    }
    this.counted = shares.map((share) => Math.min(share, 1));
    this.countedFor = view.scale;
    return this.counted;
  }
}

