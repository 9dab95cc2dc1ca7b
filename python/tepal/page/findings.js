/** The list of findings: each a button that goes to the place. */
class Findings {
  /**
   * @param {Picture} picture
   * @param {HTMLElement} place
   */
  constructor(picture, place) {
    this.picture = picture;
    this.place = place;
    const { findings } = picture.trace;
    if (!findings.length) place.append(Details.element("p", "quiet", "Nothing to remark."));
    for (const found of findings) place.append(this.entry(found));
  }

  /**
   * @param {Finding} found
   * @returns {HTMLElement}
   */
  entry(found) {
    const entry = Details.element("details", `finding ${found.severity === "warning" ? "warning" : "note"}`);
    const summary = Details.element("summary");
    summary.append(Details.element("b", "", found.message));
    const place = [found.file && `${Format.fileName(found.file)}:${found.line}`, found.function && `in ${found.function}`];
    const count = found.count > 1 ? `${Format.count(found.count)} ×` : "";
    const cost = found.cost ? Format.duration(found.cost) : "";
    summary.append(Details.element("small", "", [found.kind, ...place, count, cost].filter(Boolean).join(" · ")));
    entry.append(summary);
    if (found.advice) entry.append(Details.element("p", "", found.advice));
    const file = this.picture.trace.files.indexOf(found.file);
    if (file >= 0 && found.line) entry.append(...Details.excerpt(this.picture.trace, file, found.line, found.function));
    this.tasks(entry, found);
    // Opening an entry goes to the place; the list of its Tasks is there for the others.
    summary.addEventListener("click", (event) => {
      event.preventDefault();
      if (entry.toggleAttribute("open")) this.go(found);
    });
    return entry;
  }

  /**
   * @param {HTMLElement} entry
   * @param {Finding} found
   */
  tasks(entry, found) {
    const tasks = found.tasks.map((id) => this.picture.trace.task(id)).filter(Boolean);
    if (!tasks.length) return;
    const list = Details.element("p", "tasks", "Tasks: ");
    for (const task of tasks.slice(0, Findings.SHOWN)) {
      const button = Details.element("button", "link", task.name);
      button.addEventListener("click", () => this.picture.choose({ kind: "task", index: task.index, task: task.index }, true));
      list.append(button, " ");
    }
    if (tasks.length > Findings.SHOWN) list.append(`and ${Format.count(tasks.length - Findings.SHOWN)} more`);
    entry.append(list);
  }

  /**
   * Goes to the first Task of a finding: to its block, if it held the loop.
   * @param {Finding} found
   */
  go(found) {
    const { trace } = this.picture;
    const task = found.tasks.map((id) => trace.task(id)).find(Boolean);
    const { blocks } = trace;
    if (found.kind.includes("block")) {
      for (let i = 0; i < blocks.length; i++) {
        if (task && blocks.columns.task[i] !== task.id) continue;
        return this.picture.choose({ kind: "block", index: i, task: task ? task.index : NONE }, true);
      }
    }
    if (task) this.picture.choose({ kind: "task", index: task.index, task: task.index }, true);
  }
}

/** So many Tasks of a finding have a button. */
Findings.SHOWN = 12;

