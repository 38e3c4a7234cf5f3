"""deploy/ and docs/: every option that a command line of fastserve's has exists, and numbers agree."""

from __future__ import annotations

import configparser
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fastserve.options import BY_NAME, OPTIONS

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
if not DEPLOY.is_dir():
    pytest.skip("the files are not here: these tests ran for an installed wheel", allow_module_level=True)

PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", *sorted(DEPLOY.iterdir())]

FLAGS = {flag for option in OPTIONS for flag in option.spelling.split("/")}
FLAGS |= {"--help", "--version", "--config", "--check", "--print-config"}
#: Of `fastserve ctl`.
FLAGS |= {"--socket", "--json"}
#: Of `fastserve bench`.
FLAGS |= {"--against", "--path", "--rounds", "--seconds", "--connections"}

_FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]+")
#: A command line: what stands behind the word, to the end of the line or of its quotes.
_COMMAND = re.compile(r"(?<![\w./-])(?:\S*/bin/)?(?:python -m )?fastserve(?: ctl)? [^`\n]*")
_CONTINUED = re.compile(r"\\\n\s*|\n#   (?=--)")


def command_lines(text: str) -> list[str]:
    return _COMMAND.findall(_CONTINUED.sub(" ", text))


def test_command_lines_are_found() -> None:
    text = (
        "$ fastserve a:b --port 1 \\\n    --uds s\n# for: /x/bin/fastserve a:b\n#   --fd 3\nuvicorn a:b --x\n"
    )
    assert [_FLAG.findall(line) for line in command_lines(text)] == [["--port", "--uds"], ["--fd"]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.name}")
def test_options_of_command_lines_exist(page: Path) -> None:
    flags = {
        flag
        for line in command_lines(page.read_text(encoding="utf-8"))
        for flag in _FLAG.findall(line.partition(" | ")[0])
    }
    assert flags - FLAGS == set()


#: Pages about fastserve's options only: whatever looks like one has to be one.
OURS = ["deployment", "limits", "proxies", "reload", "scaling", "tls", "workers"]


@pytest.mark.parametrize("name", OURS)
def test_options_that_a_page_names_exist(name: str) -> None:
    text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert {*_FLAG.findall(text)} - FLAGS == set()


# ---- the files ----


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string((DEPLOY / name).read_text())
    return parser


def dockerfile(instruction: str) -> list[str]:
    (words,) = re.findall(rf"^{instruction} (\[.*\])$", (DEPLOY / "Dockerfile").read_text(), re.M)
    found: list[str] = json.loads(words)
    return found


def manifests() -> dict[str, Any]:
    documents = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())
    return {document["kind"]: document for document in documents}


def container() -> dict[str, Any]:
    (found,) = manifests()["Deployment"]["spec"]["template"]["spec"]["containers"]
    return dict(found)


def words_of_deployments() -> Iterator[tuple[str, list[str]]]:
    yield "systemd", shlex.split(unit("fastserve.service")["Service"]["ExecStart"])
    yield "Dockerfile", dockerfile("ENTRYPOINT") + dockerfile("CMD")
    yield "Kubernetes", dockerfile("ENTRYPOINT") + container()["args"]


def values(words: list[str]) -> dict[str, str]:
    """Option → value, of a command line of options with values."""
    found = {}
    rest = iter(words[2:])
    for word in rest:
        flag, equals, value = word.partition("=")
        found[flag] = value if equals else next(rest)
    return found


DEPLOYMENTS = dict(words_of_deployments())


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_every_option_of_a_deployment_takes_its_value(name: str) -> None:
    words = DEPLOYMENTS[name]
    assert words[0].rpartition("/")[2] == "fastserve"
    for flag, value in values(words).items():
        assert flag in FLAGS
        option = BY_NAME[flag[2:].replace("-", "_")]
        option.convert([value] if option.repeatable else value)


def test_probes_ask_where_health_is_told() -> None:
    of_image = values(dockerfile("ENTRYPOINT"))
    ports = {port["name"]: port["containerPort"] for port in container()["ports"]}
    assert of_image["--bind"] == f"0.0.0.0:{ports['http']}"
    assert of_image["--health-bind"] == f"0.0.0.0:{ports['health']}"
    exposed = re.findall(r"^EXPOSE (.*)$", (DEPLOY / "Dockerfile").read_text(), re.M)[0].split()
    assert exposed == [str(port) for port in ports.values()]
    for probe, path in (("startup", "/readyz"), ("readiness", "/readyz"), ("liveness", "/livez")):
        assert container()[f"{probe}Probe"]["httpGet"] == {"path": path, "port": "health"}
    (port,) = manifests()["Service"]["spec"]["ports"]
    assert port["targetPort"] == "http"


def test_selectors_select() -> None:
    of_pod = manifests()["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert manifests()["Deployment"]["spec"]["selector"]["matchLabels"] == of_pod
    assert manifests()["Service"]["spec"]["selector"] == of_pod
    assert manifests()["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == of_pod


def test_a_pod_has_the_time_that_it_needs_to_end() -> None:
    given = values(DEPLOYMENTS["Kubernetes"])
    delay_s, graceful_s = int(given["--shutdown-delay-s"]), int(given["--timeout-graceful-shutdown"])
    spec = manifests()["Deployment"]["spec"]["template"]["spec"]
    assert spec["terminationGracePeriodSeconds"] > delay_s + graceful_s
    readiness = container()["readinessProbe"]
    assert delay_s > readiness["periodSeconds"] * readiness["failureThreshold"]


def test_a_service_has_the_time_that_it_needs_to_end() -> None:
    service = unit("fastserve.service")["Service"]
    given = values(DEPLOYMENTS["systemd"])
    assert int(service["TimeoutStopSec"]) > int(given["--timeout-graceful-shutdown"])
    assert service["Type"] == "notify-reload"
    # What it writes is where it may write.
    assert given["--control-socket"].startswith(f"/run/{service['RuntimeDirectory']}/")
    assert unit("fastserve.service")["Unit"]["Requires"] == "fastserve.socket"
