"""Every fuzz target for a moment, and that a difference is noticed."""

import random

import fuzz
import fuzz_stream_reader
import pytest


@pytest.fixture
def subjects():
    made = [fuzz.Subject(name) for name in ("asyncio", "tepal")]
    yield made
    for subject in made:
        subject.close()


@pytest.mark.parametrize("name", fuzz.TARGETS)
@pytest.mark.timeout(60)
def test_some_cases(subjects, name):
    target = fuzz.TARGETS[name]
    for number in range(25):
        case = target.make_case(random.Random(f"{name} {number}"))
        assert fuzz.differs(subjects, target, case) is None


def test_a_difference_is_noticed(subjects, monkeypatch):
    oracle, subject = subjects
    case = fuzz_stream_reader.Case(10, [b"abc\n"], [("readline", None)])
    other = fuzz_stream_reader.Case(10, [b"abd\n"], [("readline", None)])
    monkeypatch.setattr(subject, "run", lambda target, case: oracle.run(target, other))
    expected, found = fuzz.differs(subjects, fuzz_stream_reader, case)
    assert expected[0][0] == b"abc\n" and found[0][0] == b"abd\n"
