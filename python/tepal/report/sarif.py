"""Findings as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), for CI."""

from __future__ import annotations

import os
import pathlib
import urllib.parse
from collections.abc import Iterable
from importlib import metadata
from typing import Any

from tepal.report.finding import KINDS, Finding

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def _location(directory: str, file: str, line: int, text: str | None = None) -> dict[str, Any]:
    path = pathlib.Path("/", directory, os.path.normpath(file))
    try:
        relative = path.relative_to(pathlib.Path("/", directory)).as_posix()
        artifact = {"uri": urllib.parse.quote_from_bytes(os.fsencode(relative)), "uriBaseId": "%SRCROOT%"}
    except ValueError:
        artifact = {"uri": path.as_uri()}
    physical: dict[str, Any] = {"artifactLocation": artifact}
    if line > 0:
        physical["region"] = {"startLine": line}
    location: dict[str, Any] = {"physicalLocation": physical}
    if text is not None:
        location["message"] = {"text": text}
    return location


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _result(directory: str, finding: Finding, rules: list[str]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": f"tepal/{finding.kind}",
        "ruleIndex": rules.index(finding.kind),
        "level": finding.severity,
        "message": {"text": f"{finding.message}. {_sentence(finding.advice)}".rstrip(" ")},
        "occurrenceCount": finding.count,
    }
    if finding.file:
        location = _location(directory, finding.file, finding.line)
        location["logicalLocations"] = [{"fullyQualifiedName": finding.function, "kind": "function"}]
        result["locations"] = [location]
    if finding.related:
        result["relatedLocations"] = [
            {"id": number, **_location(directory, file, line, text)}
            for number, (file, line, text) in enumerate(finding.related, start=1)
        ]
    if finding.cost is not None:
        result["properties"] = {"costNanoseconds": finding.cost}
    return result


def document(findings: Iterable[Finding], directory: str) -> dict[str, Any]:
    """A SARIF log with one run, of a program that was started in ``directory``."""
    version = metadata.version("tepal")
    kinds = list(KINDS)
    rules = [
        {
            "id": f"tepal/{kind.name}",
            "name": kind.title.title().replace(" ", ""),
            "shortDescription": {"text": kind.title},
            "help": {"text": kind.help},
            "defaultConfiguration": {"level": kind.severity, "enabled": kind.default},
        }
        for kind in KINDS.values()
    ]
    driver = {"name": "tepal", "version": version, "semanticVersion": version, "rules": rules}
    root = pathlib.Path("/", directory).as_uri().rstrip("/") + "/"
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"%SRCROOT%": {"uri": root}},
        "results": [_result(directory, finding, kinds) for finding in findings],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
