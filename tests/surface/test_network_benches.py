"""The network benches' own arithmetic: what counts as reached, and that a failed round is no figure."""

import sys
from pathlib import Path

import pytest

BENCHES = str(Path(__file__).resolve().parents[2] / "benches")


@pytest.fixture(autouse=True)
def benches_are_importable(monkeypatch):
    monkeypatch.syspath_prepend(BENCHES)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in ("measure", "cases", "servers")]:
        del sys.modules[name]


def window(requests, cpu, seconds=1.0):
    return {
        "requests": requests,
        "lost": 0,
        "seconds": seconds,
        "server_cpu_seconds": cpu,
        "p50_microseconds": 1.0,
        "p99_microseconds": 2.0,
    }


def judged(ratios, goal):
    """The verdict on figures of one round, in which tepal's ratio to a peer is that of their multiples."""
    from measure.comparison import Comparison
    from measure.network_goals import verdict

    ours = ratios.get("tepal", 0.0)
    rivals = {loop for loop in ratios if loop not in ("tepal", "limit")}
    return verdict(ratios, goal, {loop: Comparison((ours / ratios[loop],)) for loop in rivals})


def test_verdicts():
    from measure.network_goals import NetworkGoal

    ahead = NetworkGoal()
    ratios = {"uvloop": 1.0, "zuvloop": 1.2, "limit": 2.0}
    assert judged(ratios, ahead) == "–"
    assert judged(ratios | {"tepal": 1.3}, ahead) == "yes"
    assert judged(ratios | {"tepal": 1.19}, ahead) == "level with zuvloop"
    assert judged(ratios | {"tepal": 1.0}, ahead) == "no: 0.83 × zuvloop"
    assert judged(ratios | {"tepal": 1.3, "asyncio": 1.5}, ahead) == "no: 0.87 × asyncio"
    goal = NetworkGoal(of_best_peer=1.5, of_uvloop=1.8)
    assert judged(ratios | {"tepal": 1.79}, goal) == "no: 1.49 × zuvloop"
    assert judged(ratios | {"tepal": 1.8}, goal) == "yes"
    assert judged({"uvloop": 1.0, "tepal": 1.7}, goal) == "no: 1.70 × uvloop"
    assert judged(ratios | {"tepal": 1.8}, NetworkGoal(of_limit=0.92)) == "no: 0.90 × limit"


def test_a_peer_is_ahead_only_beyond_noise():
    from measure.comparison import Comparison
    from measure.network_goals import NetworkGoal, verdict

    def of(*ratios):
        return verdict({"uvloop": 1.0, "tepal": 0.9}, NetworkGoal(), {"uvloop": Comparison(ratios)})

    assert of(0.9, 0.9, 0.9, 0.9) == "no: 0.90 × uvloop", "four rounds: the median alone"
    assert of(0.9, 0.9, 0.8, 0.9, 0.95) == "no: 0.90 × uvloop"
    assert of(0.9, 0.9, 0.8, 0.9, 1.05) == "uvloop within noise", "six of 32 runs of two equal loops show this"
    assert of(0.9, 0.9, 0.8, 0.9, 1.05, 0.9, 0.9, 0.9) == "no: 0.90 × uvloop", "nine of 256"
    assert of(0.98, 0.98, 0.98, 0.98, 0.98) == "level with uvloop"
    assert of(0.9, 1.0, 1.0, 1.2, 0.9) == "yes"
    assert Comparison((0.9, 1.0, 1.25)).words() == "1.00 (0.90 to 1.25)"
    assert Comparison((0.9,)).words() == "0.90"


def test_goals_are_those_of_the_rows_they_name():
    from measure import network_goals
    from measure.network_cases import ALL

    goals = network_goals.read()
    assert goals.of(ALL["streams_1k_100"]).of_uvloop == 1.8
    assert goals.of(ALL["streams_100k_100"]).of_uvloop is None
    assert goals.of(ALL["protocol_100k_1"]).of_limit == 0.92
    assert goals.of(ALL["churn_1k_32"]) == network_goals.NetworkGoal()


def test_ratios_are_taken_within_rounds():
    from measure.network_summary import ratio

    slow, fast = [window(100, 2.0), window(100, 1.0)], [window(100, 1.0), window(100, 0.5)]
    assert ratio(slow, fast) == 2.0
    assert ratio([None, window(100, 1.0)], fast) == 2.0
    assert ratio([None, None], fast) is None


def test_a_loop_that_failed_once_has_no_figure():
    from measure import network_goals
    from measure.network_cases import ALL
    from measure.network_rounds import NetworkMeasurement
    from measure.network_summary import summarize_case
    from measure.process import Failure

    found, case = NetworkMeasurement(), ALL["churn_1k_32"]
    for loop, cpu in (("uvloop", 1.0), ("tepal", 0.5), ("rloop", 0.1)):
        found.note(case.name, loop, window(100, cpu))
    found.note(case.name, "rloop", Failure("no answer"))
    assert found.hopeless(case.name, "rloop") and not found.hopeless(case.name, "tepal")
    summary = summarize_case(case, found, network_goals.read())
    assert set(summary["loops"]) == {"uvloop", "tepal"} and summary["failures"] == {"rloop": "no answer"}
    assert summary["loops"]["tepal"]["ratio"] == 2.0 and summary["reached"] == "yes"


def test_latencies_are_compared_with_the_best_peer():
    from measure import latency, latency_page

    def verdict(percentile, **microseconds):
        """Each loop's p50 in every round; p99 is twice, p99.9 three times as long."""
        answers = {
            loop: {number: {f"{name}_microseconds": times * value for times, name in enumerate(latency.PERCENTILES, 1)}
                   for number, value in enumerate(values)}
            for loop, values in microseconds.items()
        }  # fmt: skip
        for of_loop in answers.values():
            for answer in of_loop.values():
                answer |= {"server_cpu_seconds": 1.0, "seconds": 2.0}
        loops = {loop: latency.medians(list(of_loop.values())) for loop, of_loop in answers.items()}
        return latency_page.verdict({"loops": loops, "beside": latency.beside_peers(answers)}, percentile)

    assert verdict("p50", uvloop=[100], rloop=[90], tepal=[80]) == "yes: 0.89 × rloop"
    assert verdict("p99", uvloop=[100], rloop=[90], tepal=[92]) == "level: 1.02 × rloop"
    assert verdict("p999", uvloop=[100], rloop=[90], tepal=[180]) == "no: 2.00 × rloop"
    assert verdict("p50", uvloop=[100], rloop=[90]) == "–"
    assert verdict("p99", rloop=[50, 50, 50, 50, 50], tepal=[60, 60, 60, 60, 60]) == "no: 1.20 × rloop"
    assert verdict("p99", rloop=[50, 50, 50, 50, 90], tepal=[60, 60, 60, 60, 60]) == "within noise: 1.20 × rloop"


def test_which_limit_stands_beside_a_row():
    from measure.network_cases import ALL, IDLE_TLS
    from measure.network_rounds import LIMIT, TLS_LIMIT, column_of, kind_of

    assert kind_of(ALL["protocol_1k_1"], LIMIT) == kind_of(ALL["tls_streams_1k_1"], TLS_LIMIT) == "echo"
    assert kind_of(ALL["protocol_1k_1"], TLS_LIMIT) is kind_of(ALL["tls_streams_1k_1"], LIMIT) is None
    assert kind_of(ALL["tls_handshakes_1"], TLS_LIMIT) == "churn"
    assert kind_of(ALL["uvicorn_100"], LIMIT) is kind_of(IDLE_TLS, LIMIT) is None
    assert kind_of(IDLE_TLS, TLS_LIMIT) == "echo"
    assert kind_of(ALL["tls_streams_1k_1"], "tepal") == "tls_streams"
    assert column_of(TLS_LIMIT) == column_of(LIMIT) == LIMIT
    assert column_of("uvloop") == "uvloop"


def test_rows_measured_again_say_so():
    from measure import network_page, network_summary
    from measure.markdown import Footnotes

    run = {
        "python": "3.14.0",
        "machine": {},
        "versions": {"tepal": "1"},
        "date": "2026-11-26",
        "idle": 1,
        "idle_tls": 2,
    }
    before = run | {"effort": {"rounds": 5}, "cases": {"a": {"title": "A"}, "b": {"title": "B"}}}
    again = {"rounds": 8, "samples": 2, "seconds": 0.2}
    after = run | {"effort": again, "cases": {"b": {"title": "B", "new": True}}, "idle": None, "idle_tls": 3}
    both = network_summary.renewed(before, after)
    assert both["effort"] == {"rounds": 5} and (both["idle"], both["idle_tls"]) == (1, 3)
    assert list(both["cases"]) == ["a", "b"] and both["cases"]["b"]["new"]
    notes = Footnotes()
    assert network_page.row_title(both["cases"]["a"], notes) == "A"
    assert network_page.row_title(both["cases"]["b"], notes) == "B <sup>1</sup>"
    assert notes.reasons == ["measured again: 2026-11-26, 8 rounds, best of 2 windows of 0.2 s"]
    with pytest.raises(ValueError, match="another versions"):
        network_summary.renewed(before, after | {"versions": {"tepal": "2"}})


def test_a_table_with_rows_measured_again():
    from measure import network_goals, network_page, network_summary
    from measure.markdown import Footnotes
    from measure.network_cases import ALL
    from measure.network_rounds import NetworkMeasurement

    found, case = NetworkMeasurement(), ALL["churn_1k_32"]
    for loop, cpu in (("uvloop", 1.0), ("tepal", 0.5)):
        found.versions[loop] = "1"
        found.note(case.name, loop, window(100, cpu))
    row = network_summary.summarize_case(case, found, network_goals.read())
    row |= {"effort": {"rounds": 5, "samples": 2, "seconds": 0.2}, "date": "2026-11-26"}
    summary = {"versions": found.versions, "absent": {}, "cases": {case.name: row}}
    lines = network_page.ratio_table(summary, Footnotes())
    assert any("1 KiB, 32 at a time <sup>1</sup>" in line and "**2.00**" in line for line in lines)
