"""Findings as a table for people, as JSON, and as SARIF for code scanning."""

from __future__ import annotations

import json
import os
from typing import Any

from cnbkit_policy.findings import Finding

__all__ = ["line", "write_reports"]


def line(finding: Finding) -> str:
    """A finding in one line, with what became of it."""
    text = f"{finding.where}: {finding.rule}: {finding.message}"
    if finding.exempt:
        return f"{text} (allowed until {finding.exempt.until}: {finding.exempt.reason})"
    if finding.expired:
        return f"{text} (an exception ended on {finding.expired.until})"
    return text


def write_reports(folder: str, findings: list[Finding], packages: int) -> None:
    """Write policy.json and policy.sarif.

    Raises:
        OSError: the folder cannot be written to.
    """
    os.makedirs(folder, exist_ok=True)
    for name, document in (
        ("policy.json", _document(findings, packages)),
        ("policy.sarif", _sarif(findings)),
    ):
        with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
            file.write("\n")


def _document(findings: list[Finding], packages: int) -> dict[str, Any]:
    return {
        "packages": packages,
        "failed": any(each.fails for each in findings),
        "findings": [
            {
                "rule": each.rule,
                "package": each.package,
                "ids": each.ids,
                "message": each.message,
                "where": each.where,
                "mode": each.mode,
                "exception": each.exempt.to_plain() if each.exempt else None,
            }
            for each in findings
        ],
    }


def _sarif(findings: list[Finding]) -> dict[str, Any]:
    rules = sorted({each.rule for each in findings})
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "cnbkit/policy", "rules": [{"id": r} for r in rules]}},
                "results": [_result(each) for each in findings],
            }
        ],
    }


def _result(finding: Finding) -> dict[str, Any]:
    file, _, number = finding.where.rpartition(":")
    physical: dict[str, Any] = {"artifactLocation": {"uri": file or finding.where}}
    if number.isdigit():
        physical["region"] = {"startLine": int(number)}
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "level": "error" if finding.mode == "fail" else "warning",
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": physical}],
    }
    if finding.exempt:
        text = f"{finding.exempt.reason} (until {finding.exempt.until})"
        result["suppressions"] = [{"kind": "external", "justification": text}]
    return result
