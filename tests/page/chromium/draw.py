"""Draws docs/picture.png anew: a real run of examples/one_lane_or_two.py, as a browser shows it.

make picture
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "tests" / "ecosystem"))

from services import debian  # noqa: E402

SIZE = (1300, 470)
# Of the Tasks with which asyncio.run() ends its loop, nothing is to be learnt.
PREPARE = """
const own = picture.trace.tasks.filter((task) => !picture.trace.code[task.code][0].includes("shutdown"));
picture.change(() => {
  const {scale} = picture.view;
  const from = scale.place(own[0].created);
  const to = scale.place(Math.max(...own.map((task) => task.ended)));
  picture.view.show(from - 0.02 * (to - from), to + 0.02 * (to - from));
  picture.lanes.which = "alive";
  picture.controls.which.value = "alive";
});
const child = picture.trace.code.findIndex((code) => code[0] === "child");
const {columns} = picture.trace.coroutines;
const bare = columns.code.findIndex((code, i) => code === child && columns.depth[i] > 0);
picture.choose({kind: "coroutine", index: bare, task: columns.task[bare]}, false);
"""


def main() -> None:
    """Runs the example, opens its page, and writes the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    output = parser.parse_args().output
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "run.html"
        words = [sys.executable, "-m", "tepal", "run", "--html", str(page), "examples/one_lane_or_two.py"]
        subprocess.run(words, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, timeout=60)
        options = webdriver.ChromeOptions()
        options.binary_location = debian.require("chromium", "chromium")
        for word in ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile"):
            options.add_argument(word)
        browser = webdriver.Chrome(options=options, service=Service(debian.require("chromedriver", "chromium-driver")))
        try:
            metrics = {"width": SIZE[0], "height": SIZE[1], "deviceScaleFactor": 1, "mobile": False}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            browser.get(page.as_uri())
            while not browser.execute_script("return document.documentElement.dataset.drawn"):
                time.sleep(0.05)
            browser.execute_script(PREPARE)
            time.sleep(0.5)
            assert browser.save_screenshot(str(output))
        finally:
            browser.quit()


if __name__ == "__main__":
    main()
