"""What the page shows: lanes, bars, arrows, light and dark, ten events and a hundred thousand."""

import pytest
from page_traces import HOSTILE, TRACES

SECOND = 1_000  # milliseconds


@pytest.mark.parametrize("name", ["10", "1000", "100000"])
def test_the_first_picture_comes_within_two_seconds(page, screenshot, name):
    opened = page(name)
    screenshot(name)
    print(f"first picture of {name} events after {opened.first_picture} ms")
    assert opened.first_picture < 2 * SECOND
    colours = opened.colours("lanes")
    assert colours.get(opened.colour("run"), 0) > 100  # steps
    assert colours.get(opened.colour("wait-socket-fill" if name != "10" else "wait-timer-fill"), 0) > 100  # waits
    assert opened.colours("overview").get(opened.colour("run"), 0) > 100
    assert opened.colours("ruler").get(opened.colour("run"), 0) > 100


@pytest.mark.parametrize("name", ["10", "1000", "100000", "hostile"])
def test_no_request_leaves_the_page(page, name):
    opened = page(name)
    opened.keys("t", "+", "+", "j", "n", "d", "?")
    assert opened.requests() == [opened.file.as_uri()]
    assert opened.run("return performance.getEntriesByType('resource').length") == 0


def test_the_policy_refuses_what_would_leave(page):
    """So that the test above would have seen a request if there had been one: the page itself is asked to send it."""
    opened = page("10")
    refused = opened.driver.execute_async_script(
        "const done = arguments[0]; fetch('http://127.0.0.1:9/x').then(() => done(false), () => done(true))"
    )
    assert refused
    assert any("Content Security Policy" in message for message in opened.errors())


def test_names_of_the_program_cannot_act(page, screenshot):
    opened = page("hostile")
    for key in ("j", "n", "n", "n", "n", "n"):
        opened.keys(key)
    opened.run("for (const summary of document.querySelectorAll('aside summary')) summary.click()")
    opened.settle()
    screenshot("hostile")
    assert opened.run("return window.hacked") is None
    assert opened.run("return document.scripts.length") == 2
    assert opened.run("return document.images.length") == 0
    assert opened.text("#details").count("window.hacked=1") >= 1  # as text it is there
    assert opened.run("return document.title").startswith(HOSTILE[0])


def test_a_coroutine_lies_in_the_lane_of_its_caller_and_a_task_in_its_own(page, screenshot):
    opened = page("10")
    screenshot("coroutine-or-task")
    trace = TRACES["10"]()
    names = [trace["code"][row[4]][0] for row in trace["coroutines"]]
    assert names == ["main", "child", "child"]
    codes = opened.run(
        "const c = picture.trace.coroutines.columns; return [...c.code].map((code, i) => [c.task[i], c.depth[i], code])"
    )
    main, inner, outer = (opened.bar("coroutine", i) for i in range(3))
    assert codes == [[0, 0, 0], [0, 1, 1], [1, 0, 1]]
    assert main[1] < inner[1] < outer[1]  # in this order from top to bottom
    assert main[0] < inner[0] and inner[2] < main[2]  # within its caller
    lane = opened.run("return [...picture.lanes.tops]")
    top = opened.run("return picture.canvases.lanes.getBoundingClientRect().top")
    assert lane[0] <= inner[1] - top < lane[1] <= outer[1] - top < lane[2]


def test_bars_are_where_they_are_said_to_be(page):
    """What is on the canvas at the middle of a wait is the colour of its kind."""
    opened = page("10")
    for index, kind in enumerate(("timer", "task", "timer")):
        left, _, right, bottom = opened.bar("wait", index)
        pixel = opened.run(
            """
            const [x, y] = arguments;
            const canvas = picture.canvases.lanes;
            const box = canvas.getBoundingClientRect();
            return [...canvas.getContext("2d").getImageData(x - box.left, y - box.top, 1, 1).data].slice(0, 3).join();
            """,
            (left + right) / 2 + 30,
            bottom - 4,
        )
        assert pixel == opened.colour(f"wait-{kind}-fill")


def test_wake_ups_are_arrows(page):
    opened = page("10")
    with_arrows = opened.colours("lanes")
    opened.keys("a")
    without = opened.colours("lanes")
    quiet = opened.colour("page")
    assert without[quiet] > with_arrows[quiet]
    assert opened.run("return document.getElementById('arrows').getAttribute('aria-pressed')") == "false"


@pytest.mark.parametrize("wanted", [False, True])
def test_light_and_dark_as_the_system_likes_it_and_by_key(page, dark, screenshot, wanted):
    dark(wanted)
    opened = page("1000")
    screenshot("dark" if wanted else "light")

    def brightness():
        return [sum(map(int, opened.colour(name).split(","))) for name in ("page", "text")]

    background, text = brightness()
    assert (background < text) == wanted
    assert opened.colours("lanes").get(opened.colour("page"), 0) > 1000
    opened.keys("d")
    background, text = brightness()
    assert (background < text) != wanted
    assert opened.colours("lanes").get(opened.colour("page"), 0) > 1000
    opened.keys("d")
    dark(not wanted)  # the switch outlives a change of the system
    assert (brightness()[0] < brightness()[1]) == wanted


def test_texts_have_contrast(page, dark):
    """WCAG's 4.5 for every text on its ground, in light and in dark."""

    def luminance(colour):
        channels = [int(value) / 255 for value in colour.split(",")]
        linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    kinds = ("task", "future", "timer", "socket", "lock", "queue", "event", "executor", "other")
    pairs = [
        ("text", ground) for ground in ("page", "panel", "stripe", "hover", *(f"wait-{kind}-fill" for kind in kinds))
    ]
    pairs += [("quiet", ground) for ground in ("page", "panel", "stripe", "hover")]
    pairs += [
        ("bar-text", "bar"),
        ("run-text", "run"),
        ("run-text", "wait-future"),
        ("found", "page"),
        ("block", "page"),
    ]
    for wanted in (False, True):
        dark(wanted)
        opened = page("10")
        for text, ground in pairs:
            light, deep = sorted((luminance(opened.colour(text)), luminance(opened.colour(ground))), reverse=True)
            assert (light + 0.05) / (deep + 0.05) >= 4.5, (wanted, text, ground)


def test_a_frame_costs_what_the_screen_has_pixels(page):
    """Not what the recording is long: strokes of the pen are counted, at every distance."""
    opened = page("100000")
    opened.run(
        """
        window.strokes = 0;
        for (const name of ["fillRect", "fillText", "stroke", "strokeRect", "fill"]) {
          const plain = CanvasRenderingContext2D.prototype[name];
          CanvasRenderingContext2D.prototype[name] = function (...all) {
            window.strokes++;
            return plain.apply(this, all);
          };
        }
        """
    )
    for size in ("auto", "full", "small", "tiny", "shared"):
        for share in (1, 0.1, 0.01, 0.001):
            strokes = opened.run(
                """
                const [size, share] = arguments;
                const {view, lanes} = picture;
                window.strokes = 0;
                const from = 0.4 * view.scale.length;
                picture.change(() => { lanes.size = size; view.show(from, from + 0.5 * share * view.scale.length); });
                picture.draw();
                return window.strokes;
                """,
                size,
                share,
            )
            assert strokes < 40_000, (size, share)


def test_what_is_wide_is_never_drawn_as_a_crowd(page):
    """A long span that begins in the same pixel as many short ones keeps its name and its place."""
    opened = page("100000")
    wrong = opened.run(
        """
        const {painter, trace, view} = picture;
        const wrong = [];
        for (const share of [1, 0.1, 0.01, 0.001]) {
          view.show(0.4 * view.scale.length, (0.4 + share * 0.5) * view.scale.length);
          for (const spans of [trace.waits, trace.coroutines]) {
            const rows = spans.first.length - 1;
            for (let row = 0; row < rows; row++) {
              const seen = [];
              painter.each(spans, row, (i, x, width, count) => seen.push([i, x, width, count]));
              for (const [i, x, width, count] of seen) {
                for (let k = i; k < i + count; k++) {
                  const wide = view.x(spans.to[k]) - view.x(spans.from[k]) > 2;
                  if (wide && count > 1) wrong.push([share, row, i, k]);
                }
              }
              const drawn = new Set(seen.flatMap(([i, , , count]) => Array.from({length: count}, (_, n) => i + n)));
              for (let k = spans.first[row]; k < spans.first[row + 1]; k++) {
                if (spans.to[k] > view.from && spans.from[k] <= view.to && !drawn.has(k)) wrong.push([share, row, k]);
              }
            }
          }
        }
        return wrong.slice(0, 5);
        """
    )
    assert wrong == []


def test_lanes_are_drawn_only_where_they_are_seen(page):
    opened = page("100000")
    height, screen = opened.run(
        "picture.change(() => { picture.lanes.size = 'full'; picture.lanes.which = 'all'; });"
        "return [picture.lanes.height, picture.canvases.lanes.clientHeight]"
    )
    assert height > 100 * screen
    drawn = opened.run(
        "let lanes = 0; const {lane} = picture.painter;"
        "picture.painter.lane = (...all) => { lanes++; lane.apply(picture.painter, all); };"
        "picture.scroller.scrollTop = picture.lanes.height / 2; picture.draw(); return lanes"
    )
    assert 3 < drawn < 30
    assert len(opened.colours("lanes")) > 5


def test_tasks_that_share_a_lane_do_not_live_at_the_same_time(page):
    opened = page("100000")
    overlaps = opened.run(
        """
        const {lanes, trace} = picture;
        let overlaps = 0;
        for (let lane = 0; lane < lanes.count; lane++) {
          const tasks = [...lanes.tasksOf(lane)].map((task) => trace.tasks[task]);
          tasks.forEach((task, i) => { if (i && tasks[i - 1].ended > task.created) overlaps++; });
        }
        return [lanes.effective, lanes.count, lanes.shown.length, overlaps];
        """
    )
    assert overlaps[0] == "shared" and overlaps[1] < 60 and overlaps[2] > 5_000 and overlaps[3] == 0


def test_what_was_lost_is_said(page, driver, tmp_path):
    import tepal.page

    trace = TRACES["10"]()
    trace["dropped"] = 12_345
    file = tmp_path / "dropped.html"
    tepal.page.write(trace, file)
    opened = page("10")
    assert "lost" not in opened.text("#sums")
    opened.file = file
    opened.open()
    assert "12,345 events lost" in opened.text("#sums")


def test_sums_agree_with_the_trace(page):
    opened = page("1000")
    trace = TRACES["1000"]()
    sums = opened.text("#sums")
    assert f"{len(trace['tasks'])} Tasks" in sums and f"{len(trace['steps'])} steps" in sums
    opened.run("document.querySelector('aside details.table').open = true")
    opened.settle()
    rows = dict(line.split("\t")[:2] for line in opened.text("#by-coroutine").splitlines()[1:])
    calls = {name: sum(row[4] == code for row in trace["coroutines"]) for code, (name, *_) in enumerate(trace["code"])}
    assert {name: int(count.replace(",", "")) for name, count in rows.items()} == calls
