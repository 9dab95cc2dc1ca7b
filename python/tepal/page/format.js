/** Numbers as people read them. All times are nanoseconds. */
class Format {
  /**
   * A length of time with three significant digits: "1.23 s", "20 ms", "3.4 µs".
   * @param {number} ns
   * @returns {string}
   */
  static duration(ns) {
    for (const [unit, size] of Format.UNITS) {
      if (Math.abs(ns) >= size) {
        const value = ns / size;
        const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
        return `${Format.trimmed(value.toFixed(digits))} ${unit}`;
      }
    }
    return ns === 0 ? "0" : `${Math.round(ns)} ns`;
  }

  /**
   * A moment since the beginning, as exact as `step` asks: "1.234 567 s" where the neighbours are a microsecond away.
   * @param {number} ns
   * @param {number} step nanoseconds between what has to be told apart
   * @returns {string}
   */
  static moment(ns, step) {
    let unit = "ns";
    let size = 1;
    for (const [name, length] of Format.UNITS) {
      if (ns >= length || length === 1) {
        [unit, size] = [name, length];
        break;
      }
    }
    const digits = Math.max(0, Math.min(9, Math.ceil(Math.log10(size / Math.max(step, 1)) - 1e-9)));
    const [whole, decimals] = (ns / size).toFixed(digits).split(".");
    const grouped = decimals ? `.${decimals.replace(/(\d{3})(?=\d)/g, "$1\u2009")}` : "";
    return `${whole}${grouped} ${unit}`;
  }

  /**
   * A count with thousands apart: "100,000".
   * @param {number} value
   * @returns {string}
   */
  static count(value) {
    return Math.round(value).toLocaleString("en-US");
  }

  /**
   * A share of one: "12 %", "0.03 %".
   * @param {number} share
   * @returns {string}
   */
  static percent(share) {
    const percent = share * 100;
    return `${percent >= 10 || percent === 0 ? Math.round(percent) : Format.trimmed(percent.toPrecision(2))} %`;
  }

  /**
   * "1 Task", "2 Tasks".
   * @param {number} count
   * @param {string} noun
   * @returns {string}
   */
  static plural(count, noun) {
    return `${Format.count(count)} ${noun}${count === 1 ? "" : "s"}`;
  }

  /**
   * Without zeros behind the point.
   * @param {string} number
   * @returns {string}
   */
  static trimmed(number) {
    return number.includes(".") && !number.includes("e") ? number.replace(/\.?0+$/, "") : number;
  }

  /**
   * The last part of a path, which is enough where the whole is one click away.
   * @param {string} path
   * @returns {string}
   */
  static fileName(path) {
    return path.slice(path.lastIndexOf("/") + 1) || path;
  }
}

/** @type {[string, number][]} units of time and their nanoseconds, the largest first */
Format.UNITS = [
  ["s", 1e9],
  ["ms", 1e6],
  ["µs", 1e3],
  ["ns", 1],
];

