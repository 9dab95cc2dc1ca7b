"""Mouse and keyboard: zoom, pan, search, choosing, and all of it without a mouse."""

import pytest
from page_traces import SOURCE, TRACES
from selenium.webdriver.common.keys import Keys

CENTRE = (700, 400)


def span(opened):
    left, right = opened.view()
    return right - left


def test_keys_zoom_and_zero_shows_everything(page):
    opened = page("1000")
    whole = span(opened)
    opened.keys("+", "+")
    closer = span(opened)
    assert closer == pytest.approx(whole / 2.25, rel=0.03)  # beside the recording is some room
    opened.keys("-")
    assert span(opened) == pytest.approx(closer * 1.5)
    opened.keys("+", "+", "+", "0")
    assert span(opened) == pytest.approx(whole)


def test_the_wheel_zooms_at_the_pointer(page):
    opened = page("1000")
    x = 900

    def time():
        return opened.run("return picture.view.time(arguments[0] - picture.gutter)", x)

    at, before = time(), span(opened)
    opened.wheel(x, 400, -300)
    assert span(opened) < before / 1.5
    assert time() == pytest.approx(at, rel=0.001)
    opened.wheel(x, 400, 5000)
    assert span(opened) == pytest.approx(before)


def test_the_wheel_with_shift_scrolls_the_lanes(page):
    opened = page("1000")
    opened.run("picture.change(() => picture.lanes.size = 'full')")
    before = opened.view()
    opened.wheel(*CENTRE, 300, modifiers=8)
    assert opened.run("return picture.scroll") == 300
    assert opened.view() == before


def test_zoom_has_an_end_on_both_sides(page):
    opened = page("100000")
    for _ in range(20):
        opened.wheel(*CENTRE, -3000)
    assert 100 < span(opened) < 1_000  # nanoseconds
    assert len(opened.colours("lanes")) > 3
    for _ in range(20):
        opened.wheel(*CENTRE, 3000)
    assert span(opened) == pytest.approx(TRACES["100000"]()["duration"], rel=1e-4)


def test_dragging_and_arrow_keys_move(page):
    opened = page("1000")
    opened.keys("+", "+", "+", "+")
    left, right = opened.view()
    opened.mouse("mousePressed", *CENTRE, button="left", clickCount=1)
    for x in (690, 650, 600, 500):
        opened.mouse("mouseMoved", x, 400, button="left", buttons=1)
    opened.mouse("mouseReleased", 500, 400, button="left", clickCount=1)
    opened.settle()
    moved = opened.view()
    pixels = opened.run("return picture.view.width")
    assert moved[0] - left == pytest.approx((right - left) * 200 / pixels, rel=0.05)
    assert moved[1] - moved[0] == pytest.approx(right - left)
    assert opened.run("return picture.chosen") is None  # a drag is no click
    opened.keys(Keys.ARROW_LEFT)
    assert opened.view()[0] < moved[0]
    opened.keys(Keys.HOME)
    assert opened.view()[0] == TRACES["1000"]()["tasks"][0]["created"]
    opened.keys(Keys.END)
    assert opened.view()[1] == pytest.approx(TRACES["1000"]()["duration"], rel=1e-3)


def test_the_overview_travels(page):
    opened = page("1000")
    opened.keys("+", "+", "+", "+", "+", "+", Keys.HOME)
    place = 0.7 * TRACES["1000"]()["duration"]
    x, y = opened.run(
        "const box = picture.canvases.overview.getBoundingClientRect();"
        "return [box.left + picture.gutter + picture.overview.x(arguments[0]), box.top + box.height / 2]",
        place,
    )
    opened.click(x, y)
    left, right = opened.view()
    assert (left + right) / 2 == pytest.approx(place, rel=0.02)


def test_a_click_on_a_wait_shows_its_stack_and_its_source_line(page, screenshot):
    opened = page("10")
    left, top, right, bottom = opened.bar("wait", 0)
    opened.click((left + right) / 2, (top + bottom) / 2)
    screenshot("wait-chosen")
    details = opened.text("#details")
    assert "sleep 20 ms" in details and "Task-1" in details
    assert opened.text("#details .source mark").split() == ["5", "await", "asyncio.sleep(0.02)"]
    chain = [line.strip() for line in opened.text("#details .chain").splitlines()]
    assert chain == ["child()", "main()"]
    assert "example.py:11, main" in details  # where its Task was created
    assert opened.run("return document.getElementById('chosen').textContent").startswith("Task-1 waits 20 ms")


def test_a_click_on_a_coroutine_and_on_a_name(page):
    opened = page("10")
    left, top, right, bottom = opened.bar("coroutine", 2)
    opened.click((left + right) / 2, (top + bottom) / 2)
    assert "the Task's own" in opened.text("#details")
    assert SOURCE.splitlines()[3] in opened.text("#details .source")
    box = opened.run("const b = picture.canvases.lanes.getBoundingClientRect(); return [b.left, b.top]")
    opened.click(box[0] + 30, box[1] + 20)
    assert opened.text("#details h3") == "Task Task-1"
    opened.keys(Keys.ESCAPE)
    assert opened.run("return picture.chosen") is None


def test_a_click_on_an_arrow_tells_the_cause(page):
    opened = page("10")
    x, y = opened.run(
        """
        const {trace, view, lanes, gutter, scroll, canvases} = picture;
        const last = trace.wakes.time.length - 1;
        const box = canvases.lanes.getBoundingClientRect();
        const x = gutter + view.x(trace.wakes.at[last]);
        return [box.left + x, box.top + lanes.top(trace.wakes.task[last]) - scroll + 8];
        """
    )
    opened.click(x, y)
    assert opened.text("#details h3") == "Wake-up of Task-1"
    assert "Task-2" in opened.text("#details dl")


def test_links_lead_to_the_task(page):
    opened = page("10")
    left, top, right, bottom = opened.bar("wait", 1)
    opened.click((left + right) / 2, (top + bottom) / 2)
    opened.run("[...document.querySelectorAll('#details .link')].find((link) => link.textContent === 'Task-2').click()")
    opened.settle()
    assert opened.text("#details h3") == "Task Task-2"


def test_search_marks_counts_and_goes_there(page, screenshot):
    opened = page("100000")
    opened.keys("/")
    assert opened.run("return document.activeElement.id") == "search"
    opened.keys("AUDIT-11")
    trace = TRACES["100000"]()
    found = [task["name"] for task in trace["tasks"] if "audit-11" in task["name"]]
    waits = [wait for wait in trace["waits"] if "audit-11" in wait[4]]
    assert opened.text("#found") == f"{len(found) + len(waits):,} places"
    opened.keys(Keys.ENTER)
    assert opened.text("#found").startswith("1 of ")
    first = opened.run("return document.getElementById('chosen').textContent")
    opened.keys(Keys.ENTER)
    screenshot("search")
    second = opened.run("return document.getElementById('chosen').textContent")
    assert "audit-11" in first and "audit-11" in second and first != second
    assert opened.colours("lanes").get(opened.colour("found"), 0) > 20
    opened.press_with(Keys.SHIFT, Keys.ENTER)
    assert opened.run("return document.getElementById('chosen').textContent") == first
    opened.keys(Keys.ESCAPE)
    assert opened.run("return picture.search.active") is False
    opened.keys("/", "no such thing")
    assert opened.text("#found") == "nothing found"


@pytest.mark.parametrize("index", [0, 1])
def test_a_finding_goes_to_its_place(page, screenshot, index):
    opened = page("100000")
    trace = TRACES["100000"]()
    opened.run("document.querySelectorAll('#findings summary')[arguments[0]].click()", index)
    opened.settle()
    screenshot(f"finding-{index}")
    chosen = opened.run("return picture.chosen")
    task = trace["findings"][index]["tasks"][0]
    assert opened.run("return picture.trace.tasks[arguments[0]].id", chosen["task"]) == task
    if trace["findings"][index]["kind"] == "blocking":
        start, length = trace["blocks"][0][:2]
        left, right = opened.view()
        assert chosen["kind"] == "block" and left <= start and start + length <= right
        assert (right - left) < 20 * length
    lane = opened.run("const {lanes, scroll} = picture; return lanes.top(arguments[0]) - scroll", chosen["task"])
    assert 0 <= lane < opened.run("return picture.canvases.lanes.clientHeight")


def test_everything_without_a_mouse(page, screenshot):
    opened = page("1000")
    for _ in range(40):
        opened.keys(Keys.TAB)
        if opened.run("return document.activeElement.id") == "stage":
            break
    assert opened.run("return document.activeElement.id") == "stage"
    opened.keys("j")
    said = [opened.run("return document.getElementById('chosen').textContent")]
    for key in "jnnnp":
        opened.keys(key)
        said.append(opened.run("return document.getElementById('chosen').textContent"))
    assert said[0].startswith("Task Task-1") and said[1].startswith("Task watcher")
    assert said[5] == said[3] and len(set(said)) == 5
    before = span(opened)
    opened.keys("f")
    assert span(opened) != before
    opened.keys("?")
    screenshot("legend")
    assert opened.run("return document.getElementById('legend').hidden") is False
    opened.keys(Keys.ESCAPE)
    assert opened.run("return document.getElementById('legend').hidden") is True
    names = opened.run(
        "return [...document.querySelectorAll('button, select, input')].filter((e) =>"
        " !(e.ariaLabel || e.textContent.trim() || e.closest('label'))).length"
    )
    assert names == 0  # every control says what it is


def test_time_by_events_keeps_the_order_and_shows_every_step(page, screenshot):
    opened = page("10")
    widths = (
        "const {steps} = picture.trace;"
        "return [...steps.from].map((from, i) => (steps.to[i] - from) * picture.view.pixels)"
    )
    assert opened.run("return picture.view.scale.kind") == "events"
    assert min(opened.run(widths)) > 20
    opened.keys("t")
    screenshot("to-scale")
    assert opened.run("return picture.view.scale.kind") == "time"
    assert max(opened.run(widths)) < 1
    order = opened.run(
        "const s = new Scale('events', picture.trace); return s.places.every((p, i) => !i || p > s.places[i - 1])"
    )
    assert order is True


def test_the_clock_by_events_never_goes_back(page):
    """After a long wait and before the next: 51.12 ms, then 51.30 ms, not 51 ms."""
    said = page("10").run(
        """
        const times = [51.12e6, 51.3e6, 62.04e6, 71.86e6, 72.07e6], places = [0, 1, 2, 3, 4];
        const view = {scale: {times, places}, from: 0, to: 4, pixels: Ruler.APART};
        return Ruler.placedTicks(view).map(([time, step]) => Format.moment(time, step));
        """
    )
    assert said[:4] == ["51.12 ms", "51.30 ms", "62.0 ms", "71.86 ms"]


def test_a_narrow_window_has_everything(page, driver):
    try:
        driver.set_window_size(620, 800)
        opened = page("1000")
        assert opened.run("return document.documentElement.scrollWidth <= innerWidth")
        assert opened.run("return picture.canvases.lanes.clientHeight") > 120
        top, bottom = opened.run(
            "const b = document.querySelector('aside').getBoundingClientRect(); return [b.top, b.bottom]"
        )
        assert bottom - top > 120 and bottom <= opened.run("return innerHeight")
        assert opened.colours("lanes").get(opened.colour("run"), 0) > 50
    finally:
        driver.set_window_size(1440, 900)
