/** A canvas that knows the screen's pixels, and draws what the picture is made of. All lengths are CSS pixels. */
class Ink {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Palette} palette
   */
  constructor(canvas, palette) {
    this.canvas = canvas;
    this.palette = palette;
    this.context = canvas.getContext("2d");
    this.width = 0;
    this.height = 0;
    /** @type {Map<string, number>} */
    this.widths = new Map();
  }

  /**
   * Takes the canvas' size from the page, and empties it.
   * @param {string} background a colour's name
   */
  begin(background) {
    const ratio = window.devicePixelRatio || 1;
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    const [width, height] = [Math.round(this.width * ratio), Math.round(this.height * ratio)];
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.context.textBaseline = "middle";
    this.font();
    this.fill(background, 0, 0, this.width, this.height);
  }

  /** @param {string} weight */
  font(weight = "") {
    this.context.font = `${weight} 11px system-ui, "Segoe UI", "DejaVu Sans", sans-serif`.trim();
  }

  /**
   * @param {string} colour
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   */
  fill(colour, x, y, width, height) {
    this.context.fillStyle = this.palette.get(colour);
    this.context.fillRect(x, y, width, height);
  }

  /**
   * A box with a line around it.
   * @param {string} colour
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   * @param {number} thick
   */
  frame(colour, x, y, width, height, thick = 1) {
    this.context.strokeStyle = this.palette.get(colour);
    this.context.lineWidth = thick;
    this.context.strokeRect(x + thick / 2, y + thick / 2, Math.max(width - thick, 0.5), Math.max(height - thick, 0.5));
  }

  /**
   * @param {string} colour
   * @param {number} x
   * @param {number} from
   * @param {number} to
   * @param {number[]} dashes
   */
  vertical(colour, x, from, to, dashes = []) {
    const { context } = this;
    context.strokeStyle = this.palette.get(colour);
    context.lineWidth = 1;
    context.setLineDash(dashes);
    context.beginPath();
    context.moveTo(Math.round(x) + 0.5, from);
    context.lineTo(Math.round(x) + 0.5, to);
    context.stroke();
    if (dashes.length) context.setLineDash([]);
  }

  /**
   * An arrow straight up or down.
   * @param {string} colour
   * @param {number} x
   * @param {number} from
   * @param {number} to where the point is
   * @param {number[]} dashes
   */
  arrow(colour, x, from, to, dashes = []) {
    const { context } = this;
    const back = to > from ? -1 : 1;
    this.vertical(colour, x, from, to + back * 4, dashes);
    const middle = Math.round(x) + 0.5;
    context.fillStyle = this.palette.get(colour);
    context.beginPath();
    context.moveTo(middle, to);
    context.lineTo(middle - 3, to + back * 6);
    context.lineTo(middle + 3, to + back * 6);
    context.fill();
  }

  /**
   * A text, cut with an ellipsis where there is no room for it; nothing where there is room for less than two characters.
   * @param {string} colour
   * @param {string} text
   * @param {number} x
   * @param {number} y its middle
   * @param {number} room pixels
   * @returns {number} pixels that it took
   */
  text(colour, text, x, y, room) {
    const shown = this.fitting(text, room);
    if (!shown) return 0;
    this.context.fillStyle = this.palette.get(colour);
    this.context.fillText(shown, x, y + 0.5);
    return this.measure(shown);
  }

  /**
   * @param {string} text
   * @param {number} room
   * @returns {string}
   */
  fitting(text, room) {
    if (room < 12) return "";
    if (text.length > Ink.LONGEST) text = `${text.slice(0, Ink.LONGEST)}…`;
    if (this.measure(text) <= room) return text;
    let [low, high] = [0, text.length];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.measure(`${text.slice(0, middle)}…`) <= room) low = middle;
      else high = middle - 1;
    }
    return low < 2 ? "" : `${text.slice(0, low)}…`;
  }

  /** @param {string} text */
  measure(text) {
    const key = this.context.font + text;
    let width = this.widths.get(key);
    if (width === undefined) {
      if (this.widths.size > 20000) this.widths.clear();
      width = this.context.measureText(text).width;
      this.widths.set(key, width);
    }
    return width;
  }
}

/** Characters of a text that are looked at: a name may be a book. */
Ink.LONGEST = 200;

