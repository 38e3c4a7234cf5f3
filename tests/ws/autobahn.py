"""What does the Autobahn test suite say? `make autobahn`; of some cases: `AUTOBAHN_ARGS="1.* 2.*"`.

Its code is Python 2: it runs in a virtual environment of CPython 2.7, made in build/autobahn where such an
interpreter is found. The whole run takes an hour or so, most of it the compression cases; `--short` has those
that take no time, and some of each kind of the others. Prints a table for docs/websocket.md. Exit status 1 if
a case is neither OK nor informational.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build" / "autobahn"
SUITE = "autobahntestsuite==25.10.1"
CASES = ["*"]
SHORT = [
    *("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"),
    *("9.1.1", "9.2.1", "9.3.5", "9.5.5", "9.7.1", "9.8.1"),
    *("12.1.1", "12.2.5", "12.3.1", "12.5.3", "13.1.1", "13.2.1", "13.3.1", "13.5.1"),
]
AGENT = "fastserve"
GOOD = {"OK", "INFORMATIONAL"}
GROUPS = {
    "1": "framing",
    "2": "pings and pongs",
    "3": "reserved bits",
    "4": "opcodes",
    "5": "fragmentation",
    "6": "UTF-8",
    "7": "closing",
    "9": "limits and performance",
    "10": "automatic fragmentation",
    "12": "compression",
    "13": "compression, with parameters",
}

Verdicts = dict[str, dict[str, str]]


def find_python2() -> str | None:
    """A CPython 2.7: one of pyenv's (its shims may lead nowhere), or what is on the PATH."""
    pyenv = sorted(Path.home().glob(".pyenv/versions/2.7.*/bin/python2.7"))
    return str(pyenv[-1]) if pyenv else shutil.which("python2.7")


def find_wstest() -> Path | None:
    """The suite's command, installed when it is missing; None where that cannot be."""
    wstest = BUILD / "bin" / "wstest"
    if wstest.exists():
        return wstest
    python2 = find_python2()
    if python2 is None:
        print("autobahn: skipped, there is no CPython 2.7 here (pyenv install 2.7.18)")
        return None
    # The last that makes environments of 2.7, run by that itself.
    tool = BUILD / "virtualenv"
    pip = [python2, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--target", str(tool), "virtualenv==20.15.1"], check=True)
    environment = {**os.environ, "PYTHONPATH": str(tool)}
    subprocess.run([python2, "-m", "virtualenv", "--quiet", str(BUILD)], check=True, env=environment)
    subprocess.run([str(BUILD / "bin" / "pip"), "install", "--quiet", SUITE], check=True)
    return wstest


def run(wstest: Path, port: int, cases: list[str]) -> Verdicts:
    """The suite's verdicts by case; its pages lie in build/autobahn/report."""
    report = BUILD / "report"
    specification = {
        "outdir": str(report),
        "servers": [{"agent": AGENT, "url": f"ws://127.0.0.1:{port}"}],
        "cases": cases,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(specification, file)
        file.flush()
        said = subprocess.DEVNULL if cases is SHORT else None
        subprocess.run([str(wstest), "-m", "fuzzingclient", "-s", file.name], check=True, stdout=said)
    verdicts: Verdicts = json.loads((report / "index.json").read_text())[AGENT]
    return verdicts


def table(verdicts: Verdicts) -> str:
    """By group, in Markdown: what was said of the cases."""
    lines = ["| group | cases | OK | informational | non-strict | failed |", "|---|---|---|---|---|---|"]
    for group, about in GROUPS.items():
        said = [verdict["behavior"] for case, verdict in verdicts.items() if case.split(".")[0] == group]
        if said:
            known = [said.count(word) for word in ("OK", "INFORMATIONAL", "NON-STRICT")]
            row = [len(said), *known, len(said) - sum(known)]
            lines.append(f"| {group}: {about} | {' | '.join(map(str, row))} |")
    return "\n".join(lines)


def main(cases: list[str]) -> int:
    wstest = find_wstest()
    if wstest is None:
        return 0
    sys.path.insert(0, str(HERE.parent))
    from server.process import running

    with tempfile.TemporaryDirectory() as directory:
        words = ("--port", "0", "--app-dir", str(HERE), "--ws-ping-interval", "0")
        with running(Path(directory), *words) as server:
            verdicts = run(wstest, server.port, cases or CASES)
    print(table(verdicts))
    counts = collections.Counter(verdict["behavior"] for verdict in verdicts.values())
    print(f"autobahn: {len(verdicts)} cases:", ", ".join(f"{n} {name}" for name, n in counts.most_common()))
    bad = {
        case: verdict
        for case, verdict in verdicts.items()
        if not {verdict["behavior"], verdict["behaviorClose"]} <= GOOD
    }
    for case, verdict in bad.items():
        print(f"  {case}: {verdict['behavior']}, close {verdict['behaviorClose']}")
    return 1 if bad else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The Autobahn test suite, against a server of its own.")
    parser.add_argument("--short", action="store_true", help="a selection that takes half a minute")
    parser.add_argument("cases", nargs="*", help="as the suite spells them: 1.* 9.1.1")
    options = parser.parse_args()
    sys.exit(main(SHORT if options.short else options.cases))
