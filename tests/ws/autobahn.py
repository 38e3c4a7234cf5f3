"""What does the Autobahn test suite say? `make autobahn`; some cases: `python tests/ws/autobahn.py 1.* 2.*`.

Its code is Python 2: it runs in a virtual environment of CPython 2.7, made in build/autobahn where such an
interpreter is found. The whole run takes an hour or so, most of it the compression cases. Exit status 1 if a
case is neither OK nor informational.
"""

from __future__ import annotations

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
AGENT = "fastserve"
GOOD = {"OK", "INFORMATIONAL"}


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


def run(wstest: Path, port: int, cases: list[str]) -> dict[str, dict[str, str]]:
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
        subprocess.run([str(wstest), "-m", "fuzzingclient", "-s", file.name], check=True)
    verdicts: dict[str, dict[str, str]] = json.loads((report / "index.json").read_text())[AGENT]
    return verdicts


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
    sys.exit(main(sys.argv[1:]))
