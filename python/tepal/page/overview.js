/** Draws the whole recording as a strip: how busy the loop was, what held it, and which part is shown below. */
class Overview {
  /** @param {Picture} picture */
  constructor(picture) {
    this.picture = picture;
    this.ink = picture.inks.overview;
  }

  /** Draws the strip. */
  draw() {
    const { view, trace } = this.picture;
    this.ink.begin("panel");
    const { width, height } = this.ink;
    const busy = this.shares(Math.max(1, Math.round(width)));
    this.ink.context.fillStyle = this.ink.palette.get("run");
    busy.forEach((share, x) => {
      if (share > 0) this.ink.context.fillRect(x, height - 2 - Math.max(1.5, share * (height - 6)), 1, Math.max(1.5, share * (height - 6)));
    });
    for (let i = 0; i < trace.blocks.length; i++) {
      const x = (trace.blocks.from[i] / view.scale.length) * width;
      const end = (trace.blocks.to[i] / view.scale.length) * width;
      this.ink.fill("block", x, 0, Math.max(end - x, 2), 4);
    }
    const [from, to] = [(view.from / view.scale.length) * width, (view.to / view.scale.length) * width];
    if (!view.whole) {
      this.ink.context.globalAlpha = 0.6;
      this.ink.fill("panel", 0, 0, from, height);
      this.ink.fill("panel", to, 0, width - to, height);
      this.ink.context.globalAlpha = 1;
      this.ink.frame("chosen", from - 1, 0, Math.max(to - from, 3) + 2, height, 2);
    }
    this.ink.fill("line", 0, height - 1, width, 1);
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
    const unit = view.scale.length / count;
    for (const spans of [trace.running, trace.callbacks]) {
      for (let i = 0; i < spans.length; i++) {
        const [from, to] = [spans.from[i] / unit, spans.to[i] / unit];
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

