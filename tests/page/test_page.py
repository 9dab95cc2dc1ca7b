"""The page as a file: what stands in it, and what of a program's names does not."""

import base64
import gzip
import hashlib
import importlib.resources
import json
import re
from html.parser import HTMLParser

import pytest
from page_traces import TRACES, coroutine_or_task, hostile

import tepal.page
from tepal.page.packing import pack


class Parts(HTMLParser):
    """What an HTML parser sees: elements with attributes, and the text of scripts, styles and the title."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts = [], {}
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.inside = True

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.texts[len(self.elements) - 1] = self.texts.get(len(self.elements) - 1, "") + data

    def of(self, tag):
        return [
            (attributes, self.texts.get(i, "")) for i, (name, attributes) in enumerate(self.elements) if name == tag
        ]


@pytest.mark.parametrize("name", TRACES)
def test_the_trace_in_the_page_is_the_packed_trace(name):
    trace = TRACES[name]()
    scripts = Parts(tepal.page.page(trace)).of("script")
    assert [attributes.get("id") for attributes, _ in scripts] == ["trace", None]
    packed = json.loads(gzip.decompress(base64.b64decode(scripts[0][1], validate=True)))
    assert packed == json.loads(json.dumps(pack(trace)))


def test_the_same_trace_gives_the_same_page():
    assert tepal.page.page(coroutine_or_task()) == tepal.page.page(coroutine_or_task())


def test_names_add_no_element_and_no_attribute():
    plain, attacked = Parts(tepal.page.page(coroutine_or_task())), Parts(tepal.page.page(hostile()))
    assert [tag for tag, _ in plain.elements] == [tag for tag, _ in attacked.elements]
    assert [sorted(attributes) for _, attributes in plain.elements] == [
        sorted(attributes) for _, attributes in attacked.elements
    ]
    assert "window.hacked" not in attacked.of("script")[1][1]


def test_the_title_is_escaped_and_no_place_is_filled_twice():
    text = tepal.page.page(hostile())
    title = re.search(r"<title>(.*?)</title>", text, re.DOTALL)[1]
    assert "<script>" not in title and "&lt;script&gt;" in title
    assert "{{script}}{{trace}}" in title  # a name that looks like a place of the template stays a name


def test_the_policy_lets_only_our_script_and_style_run():
    parts = Parts(tepal.page.page(coroutine_or_task()))
    (policy,) = (
        attributes["content"]
        for attributes, _ in parts.of("meta")
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    digest = lambda text: "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"  # noqa: E731
    assert rules == {
        "default-src": "'none'", "base-uri": "'none'", "form-action": "'none'",
        "script-src": digest(parts.of("script")[1][1]), "style-src": digest(parts.of("style")[0][1]),
    }  # fmt: skip


def test_nothing_is_fetched_from_elsewhere():
    parts = Parts(tepal.page.page(coroutine_or_task()))
    assert not [element for element in parts.elements if {"src", "href", "srcset", "action"} & set(element[1])]
    script, style = parts.of("script")[1][1], parts.of("style")[0][1]
    assert not re.search(r"https?:|fetch\(|XMLHttpRequest|WebSocket|import\(|sendBeacon", script)
    assert not re.search(r"url\(|@import", style)


def test_scripts_build_no_markup():
    script = Parts(tepal.page.page(coroutine_or_task())).of("script")[1][1]
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", script)


def test_every_part_is_installed_and_used():
    folder = importlib.resources.files("tepal.page")
    names = {part.name for part in folder.iterdir() if not part.name.startswith("__pycache__")}
    assert {name.removesuffix(".js") for name in names if name.endswith(".js")} == set(tepal.page.SCRIPTS)
    assert {"page.html", "page.css", "__init__.py", "packing.py"} <= names


def test_write_replaces_a_file(tmp_path):
    file = tmp_path / "report.html"
    file.write_text("x" * 1_000_000)
    tepal.page.write(coroutine_or_task(), file)
    assert file.read_text(encoding="utf-8") == tepal.page.page(coroutine_or_task())


def test_a_hundred_thousand_events_are_less_than_three_megabytes():
    assert len(tepal.page.page(TRACES["100000"]())) < 3_000_000
