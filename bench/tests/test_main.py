"""The whole benchmark once, on the floor alone: it runs, prints, and leaves no file behind."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import plan

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmark needs Linux")


def bench(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=100,
    )


@pytest.mark.skipif(shutil.which("wrk") is None, reason="needs wrk")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="needs two cores")
def test_a_run_gives_a_table_and_json(tmp_path: Path) -> None:
    output = tmp_path / "result.json"
    run = bench(
        "--quick",
        "--rounds=1",
        "--only=hello,start",
        "--servers=floor",
        f"--results={output}",
        TMPDIR=str(tmp_path),
    )
    assert run.returncode == 0, run.stderr
    assert "hello, access log off" in run.stdout
    assert list(tmp_path.iterdir()) == [output]
    workloads = json.loads(output.read_text())["workloads"]
    assert [*workloads] == ["hello", "start"]
    assert [*workloads["hello"]] == ["floor"]
    (sample,) = workloads["hello"]["floor"]["samples"]
    assert 0 < sample["value"] < 1000
    assert [*workloads["start"]] == ["floor", "import uvloop"]

    again = bench(
        "--quick", "--only=start", "--servers=floor", f"--results={output}", "--resume", "--rounds=2"
    )
    assert again.returncode == 0, again.stderr
    resumed = json.loads(output.read_text())["workloads"]
    assert resumed["hello"] == workloads["hello"]
    assert [len(row["samples"]) for row in resumed["start"].values()] == [2, 2]
    assert resumed["start"]["floor"]["samples"][0] == workloads["start"]["floor"]["samples"][0]


def test_without_wrk_one_line_says_what_to_do(tmp_path: Path) -> None:
    run = bench(PATH=str(tmp_path))
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1
    assert "install" in run.stderr


def test_an_unknown_workload_is_named() -> None:
    run = bench("--only=hello,nonesuch")
    assert run.returncode == 2
    assert "no workload 'nonesuch'" in run.stderr


def test_a_workload_whose_load_client_is_missing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = ["hello", "hello_h2load"]
    monkeypatch.setattr("bench.__main__.path_of", lambda program: "/bin/" + program)
    assert [result.workload.name for result in plan(chosen, ["floor"])] == chosen
    monkeypatch.setattr("bench.__main__.path_of", lambda program: None)
    assert [result.workload.name for result in plan(chosen, ["floor"])] == ["hello"]
