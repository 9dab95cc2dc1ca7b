"""The page in a real Chromium. One browser for all tests; each test opens its page anew, from a file.

make page-test                     all; the screenshots land in build/page
make page-test ARGS='-k search'    some
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains

TESTS = Path(__file__).resolve().parents[2]
sys.path += [str(TESTS / "page"), str(TESTS / "ecosystem")]

from page_traces import TRACES  # noqa: E402
from services import debian  # noqa: E402

import tepal.page  # noqa: E402

SIZE = (1440, 900)
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--force-device-scale-factor=1",
)  # fmt: skip
LIMIT = 20  # seconds until a page has drawn itself


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", type=Path, default=None, help="where to put pictures of what was seen")


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """The browser, installed from Debian's packages if need be and root."""
    options = webdriver.ChromeOptions()
    options.binary_location = debian.require("chromium", "chromium")
    for word in (*QUIET, f"--window-size={SIZE[0]},{SIZE[1]}", f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = Service(debian.require("chromedriver", "chromium-driver"))
    browser = webdriver.Chrome(options=options, service=service)
    yield browser
    browser.quit()


class Page:
    """A page of a trace, open in the browser."""

    def __init__(self, driver: webdriver.Chrome, file: Path) -> None:
        self.driver = driver
        self.file = file

    def open(self) -> Page:
        """Load the page and wait for its first picture."""
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.driver.get(self.file.as_uri())
        deadline = time.monotonic() + LIMIT
        while self.first_picture is None:
            assert time.monotonic() < deadline, self.errors()
            time.sleep(0.02)
        self.settle()
        return self

    @property
    def first_picture(self) -> int | None:
        """Milliseconds from the beginning of the navigation to the first picture."""
        drawn = self.run("return document.documentElement.dataset.drawn")
        return None if drawn is None else int(drawn)

    def run(self, script: str, *arguments: Any) -> Any:
        """Run JavaScript in the page."""
        return self.driver.execute_script(script, *arguments)

    def settle(self) -> None:
        """Wait until what has changed is drawn."""
        self.driver.execute_async_script(
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0)))"
        )

    def keys(self, *keys: str) -> None:
        """Press keys, one after the other."""
        ActionChains(self.driver).send_keys(*keys).perform()
        self.settle()

    def press_with(self, modifier: str, key: str) -> None:
        """Press a key while another one is held."""
        ActionChains(self.driver).key_down(modifier).send_keys(key).key_up(modifier).perform()
        self.settle()

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """Send one mouse event as the operating system would."""
        self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **more})

    def click(self, x: float, y: float) -> None:
        """Click with the left button."""
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y, button="left", clickCount=1)
        self.mouse("mouseReleased", x, y, button="left", clickCount=1)
        self.settle()

    def wheel(self, x: float, y: float, down: float, **more: Any) -> None:
        """Turn the wheel."""
        self.mouse("mouseWheel", x, y, deltaX=0, deltaY=down, **more)
        self.settle()

    def view(self) -> tuple[float, float]:
        """The nanoseconds at the left and the right edge."""
        left, right = self.run("const v = picture.view; return [v.scale.time(v.from), v.scale.time(v.to)]")
        return left, right

    def bar(self, kind: str, index: int) -> tuple[float, float, float, float]:
        """The box on the screen (left, top, right, bottom) of a coroutine or a wait in a full lane."""
        left, top, right, bottom = self.run(
            """
            const [kind, index] = arguments;
            const {trace, view, lanes, gutter, scroll, canvases, painter} = picture;
            const spans = kind === "wait" ? trace.waits : trace.coroutines;
            const task = kind === "wait" ? spans.row[index] : spans.columns.task[index];
            const place = canvases.lanes.getBoundingClientRect();
            const y = place.top + painter.rowTop(lanes.top(task) - scroll, spans.columns.depth[index]);
            const x = place.left + gutter;
            return [x + view.x(spans.from[index]), y, x + view.x(spans.to[index]), y + lanes.row - 2];
            """,
            kind,
            index,
        )
        return left, top, right, bottom

    def text(self, selector: str) -> str:
        """What an element says; half a surrogate pair, which cannot be sent here, as a replacement character."""
        text: str = self.run("return document.querySelector(arguments[0]).innerText.toWellFormed()", selector)
        return text

    def errors(self) -> list[str]:
        """What the page complained about since it was opened; that a test reads a canvas is none of that."""
        messages = [entry["message"] for entry in self.driver.get_log("browser")]
        return [message for message in messages if "willReadFrequently" not in message]

    def requests(self) -> list[str]:
        """Every address that was asked for since the page was opened."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]

    def colours(self, canvas: str) -> dict[str, int]:
        """How many pixels of a canvas have each colour, as "r,g,b"."""
        counts: dict[str, int] = self.run(
            """
            const canvas = document.getElementById(arguments[0]);
            const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const counts = {};
            for (let i = 0; i < data.length; i += 4) {
              const key = `${data[i]},${data[i + 1]},${data[i + 2]}`;
              counts[key] = (counts[key] || 0) + 1;
            }
            return counts;
            """,
            canvas,
        )
        return counts

    def colour(self, name: str) -> str:
        """What a colour of the palette is now, as ``colours`` writes it."""
        colour: str = self.run("return picture.palette.get(arguments[0])", name)
        return colour.removeprefix("rgb(").removesuffix(")").replace(" ", "")


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Writes the page of a trace, once."""
    folder = tmp_path_factory.mktemp("pages")

    def file(name: str) -> Path:
        path = folder / f"{name}.html"
        if not path.exists():
            tepal.page.write(TRACES[name](), path)
        return path

    return file


@pytest.fixture
def dark(driver: webdriver.Chrome) -> Iterator[Callable[[bool], None]]:
    """Says whether the system likes it dark."""

    def prefer(wanted: bool) -> None:
        value = "dark" if wanted else "light"
        driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": value}]}
        )

    yield prefer
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.fixture
def page(driver: webdriver.Chrome, files: Callable[[str], Path]) -> Iterator[Callable[[str], Page]]:
    """Opens the page of a trace; after the test, the page must have had nothing to complain about."""
    opened: list[Page] = []

    def open_page(name: str) -> Page:
        opened.append(Page(driver, files(name)).open())
        return opened[-1]

    yield open_page
    for one in opened[-1:]:
        assert one.errors() == []


@pytest.fixture
def screenshot(request: pytest.FixtureRequest, driver: webdriver.Chrome) -> Callable[[str], None]:
    """Keeps a picture of the screen, if a place for it was named."""
    folder: Path | None = request.config.getoption("--screenshots")

    def save(name: str) -> None:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            assert driver.save_screenshot(str(folder / f"{name}.png"))

    return save
