# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy the recordings that are used into tests/fixtures/recorded/: `python -m conformance.import_recordings FOLDER`.

Left out are headers that nobody reads, what an HTML page holds beside the marker that clients rely on, and the
answers of exchanges that are out of scope.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from conformance.arrangements import NOT_REPLAYED, RECORDINGS
from conformance.recording import LEFT_OUT, RECORDED, Line

REQUEST_HEADERS = {
    "accept",
    "accept-language",
    "authorization",
    "content-type",
    "cookie",
    "host",
    "ocs-apirequest",
    "requesttoken",
    "user-agent",
    "x-requested-with",
}
ANSWER_HEADERS = {"content-type", "location", "retry-after", "x-nextcloud-maintenance-mode"}
MARKER = re.compile(
    r'<input[^>]* id="initial-state-(?:integration_openproject-|core-loginFlowAuth|settings-app_tokens)[^>]*>'
)
MARKUP = re.compile(r"\s*<(!DOCTYPE html|html)", re.IGNORECASE)


def _escaped(text: str) -> str:
    """JSON with typographic quotes as escapes, which say the same: ansible-test wants none of them in a file."""
    return re.sub("[\u2018\u2019\u201c\u201d]", lambda quote: f"\\u{ord(quote.group()):04x}", text)


def slim(line: Line) -> dict[str, Any]:
    """What of a line is kept."""
    data = {key: value for key, value in line.data.items() if value not in (None, "", {}) or key in ("cmd", "stdin")}
    data.pop("seconds", None)
    data.pop("cwd", None)
    if not line.is_exchange:
        return {key: data[key] for key in ("kind", "note", "query") if data.get(key)}
    if line.kind == "http":
        data["request"] = dict(data["request"])
        headers = data["request"].get("headers") or {}
        data["request"]["headers"] = {key: value for key, value in headers.items() if key.lower() in REQUEST_HEADERS}
        data["response"] = _slim_answer(data["response"])
    if line.kind == "runner":
        return {key: data[key] for key in ("kind", "note", "stdin", "stdout") if key in data}
    if not line.in_scope:
        for key in ("response", "stdout", "stderr"):
            data.pop(key, None)
    return data


def _slim_answer(answer: dict[str, Any]) -> dict[str, Any]:
    headers = {key: value for key, value in answer["headers"] if key.lower() in ANSWER_HEADERS}
    body = answer["body"]
    if isinstance(body, str) and MARKUP.match(body):
        body = "<!DOCTYPE html>\n" + "\n".join(MARKER.findall(body))
    return {"status": answer["status"], "headers": headers, "body": body}


def import_all(source: Path) -> None:
    for name in RECORDINGS:
        target = RECORDED / f"{name}.jsonl"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(
            "".join(
                _escaped(json.dumps({"line": line.number, **slim(line)}, ensure_ascii=False)) + "\n"
                for line in _lines(source, name)
            ),
            encoding="utf-8",
        )
    counts = {name: sum(line.is_exchange for line in _lines(source, name)) for name in NOT_REPLAYED}
    LEFT_OUT.write_text(json.dumps(counts, indent=2) + "\n", encoding="utf-8")


def _lines(source: Path, name: str) -> list[Line]:
    rows = (source / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [Line(number, json.loads(row)) for number, row in enumerate(rows)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="folder that holds a folder for each server")
    import_all(parser.parse_args().source)
