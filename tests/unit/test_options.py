"""fastserve/options.py: one table, and everything that is made from it."""

from __future__ import annotations

import io
import math
from configparser import RawConfigParser
from pathlib import Path

import pytest

from fastserve.cli import command
from fastserve.config import HTTP_IMPLEMENTATIONS, LOOP_FACTORIES, STAND_INS, Config
from fastserve.errors import OptionError
from fastserve.options import BY_NAME, GROUPS, OPTIONS, Option, _markdown

DOCUMENT = Path(__file__).parents[2] / "docs" / "options.md"
NUMBERS = [option for option in OPTIONS if option.minimum is not None]
LIMITS = [option for option in OPTIONS if option.group == "limits"]


def names(options: list[Option]) -> list[str]:
    return [option.name for option in options]


def test_names_are_unique() -> None:
    assert len(BY_NAME) == len(OPTIONS)


def test_config_declares_the_rows_of_the_table_with_their_types() -> None:
    declared = {}
    for option in OPTIONS:
        if not option.argument:
            item = "tuple[str, str]" if option.paired else option.type.__name__
            kind = f"list[{item}]" if option.repeatable else item
            kind += " | Callable[..., Any]" if option.importable else " | int" if option.numbered else ""
            declared[option.name] = kind + (" | None" if option.default is None else "")
    declared["log_config"] = "Any"  # also whatever else logging.config takes
    assert Config.__annotations__ == declared


def test_a_number_stands_for_a_name_in_python_only() -> None:
    level = BY_NAME["log_level"]
    assert level.convert(15) == 15
    assert level.convert("DEBUG") == "debug"
    for value in ("15", -1, True, 1.0):
        with pytest.raises(OptionError, match="is not one of critical"):
            level.convert(value)


def test_the_command_has_the_rows_of_the_table() -> None:
    own = {"config", "check", "print_config", "version"}
    spelled = {param.name: param for param in command.params if param.name not in own}
    assert list(spelled) == [option.name for option in OPTIONS]
    for option in OPTIONS:
        if not option.argument:
            param = spelled[option.name]
            assert "/".join([*param.opts, *param.secondary_opts]) == option.spelling


def test_the_document_is_made_from_the_table() -> None:
    assert DOCUMENT.read_text() == _markdown(), "run `python -m fastserve.options > docs/options.md`"


def test_choices_are_what_can_be_resolved() -> None:
    assert BY_NAME["http"].choices == tuple(HTTP_IMPLEMENTATIONS)
    assert BY_NAME["loop"].choices == ("auto", *LOOP_FACTORIES, *STAND_INS["loop"][0])
    for name, (names, _) in STAND_INS.items():
        assert set(names) < set(BY_NAME[name].choices)


@pytest.mark.parametrize("name", ["loop", "http"])
def test_an_importable_option_takes_what_it_would_import(name: str) -> None:
    convert = BY_NAME[name].convert
    assert convert("Some.Where:Made") == "Some.Where:Made"
    assert convert("AUTO") == "auto"
    assert convert(object) is object
    for value in ("where", ":made", "where:", 7):
        with pytest.raises(OptionError, match=r"(zttp|zuvloop) or MODULE:ATTRIBUTE"):
            convert(value)


def test_a_path_is_text() -> None:
    assert BY_NAME["uds"].convert(Path("/run/app.sock")) == "/run/app.sock"


def test_spellings() -> None:
    spelled = {option.name: option.spelling for option in OPTIONS}
    assert spelled["app"] == "APP"
    assert spelled["timeout_keep_alive"] == "--timeout-keep-alive"
    assert spelled["headers"] == "--header"
    assert spelled["access_log"] == "--access-log/--no-access-log"
    assert spelled["use_colors"] == "--use-colors/--no-use-colors"
    assert spelled["factory"] == "--factory"
    assert BY_NAME["header_bytes_max"].environment == "FASTSERVE_HEADER_BYTES_MAX"


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_a_default_is_a_value(option: Option) -> None:
    expected = list(option.default) if option.repeatable else option.default
    assert option.convert(option.default) == expected
    assert option.group in GROUPS


@pytest.mark.parametrize("option", LIMITS, ids=lambda option: option.name)
def test_a_limit_ends_in_its_unit_and_has_a_range(option: Option) -> None:
    if option.name != "timeout_keep_alive":  # uvicorn's name
        assert option.name.endswith(("_bytes_max", "_count_max", "_requests_max", "_s"))
    assert option.minimum is not None
    assert option.maximum is not None


@pytest.mark.parametrize("option", NUMBERS, ids=lambda option: option.name)
def test_a_number_has_inclusive_bounds(option: Option) -> None:
    assert option.minimum is not None
    assert option.maximum is not None
    for bound, step in ((option.minimum, -1), (option.maximum, 1)):
        inside = option.type(bound)
        assert option.convert(inside) == inside
        assert option.convert(str(inside)) == inside
        with pytest.raises(OptionError, match=option.name):
            option.convert(option.type(bound + step))


@pytest.mark.parametrize("option", NUMBERS, ids=lambda option: option.name)
@pytest.mark.parametrize("value", ["", "x", "1x", True, [], math.nan, math.inf, "nan", "inf", -math.inf])
def test_what_is_no_number_is_refused(option: Option, value: object) -> None:
    with pytest.raises(OptionError, match=f"Invalid value for {option.name}: .* is not a "):
        option.convert(value)


def test_a_whole_number_is_not_a_fraction_but_a_fraction_may_be_whole() -> None:
    with pytest.raises(OptionError):
        BY_NAME["port"].convert(80.5)
    seconds = BY_NAME["head_timeout_s"].convert(2)
    assert seconds == 2.0
    assert type(seconds) is float


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("Yes", True), ("on", True), ("0", False), ("OFF", False)]
)
def test_text_for_a_switch(text: str, value: bool) -> None:
    assert BY_NAME["access_log"].convert(text) is value


@pytest.mark.parametrize("value", ["maybe", 1, None])
def test_what_is_no_switch_is_refused(value: object) -> None:
    with pytest.raises(OptionError, match=r"access_log: .* is not true or false"):
        BY_NAME["access_log"].convert(value)


def test_a_choice_is_told_with_its_alternatives() -> None:
    assert BY_NAME["log_level"].convert("INFO") == "info"
    with pytest.raises(
        OptionError, match=r"Invalid value for --lifespan: 'maybe' is not one of auto, on, off\."
    ):
        BY_NAME["lifespan"].convert("maybe", "--lifespan")


def test_only_an_option_without_a_default_may_be_none() -> None:
    assert BY_NAME["uds"].convert(None) is None
    assert BY_NAME["headers"].convert(None) == []
    for name in ("host", "port", "loop"):
        with pytest.raises(OptionError, match=name):
            BY_NAME[name].convert(None)


def test_a_logging_configuration_is_whatever_python_configures_logging_from(tmp_path: Path) -> None:
    for value in ("a.json", tmp_path, {"version": 1}, io.StringIO(), RawConfigParser(), None, ""):
        assert BY_NAME["log_config"].convert(value) is value
    with pytest.raises(OptionError, match=r"Invalid value for log_config: 7 is no logging configuration\."):
        BY_NAME["log_config"].convert(7)


def test_a_rotation_is_judged_and_stays_text() -> None:
    assert BY_NAME["log_rotate"].convert("10MB") == "10MB"
    for value in ("weekly", 7):
        with pytest.raises(OptionError, match="Invalid value for --log-rotate: "):
            BY_NAME["log_rotate"].convert(value, "--log-rotate")


def test_a_list_is_text_with_commas_or_a_list_of_texts() -> None:
    convert = BY_NAME["forwarded_allow_ips"].convert
    assert convert(" 1.1.1.1 ,unix:") == "1.1.1.1,unix:"
    assert convert(["1.1.1.1", "2.2.2.2"]) == "1.1.1.1,2.2.2.2"
    assert convert("") == ""
    assert convert(None) is None
    with pytest.raises(OptionError, match="forwarded_allow_ips: 7 is not a list with commas"):
        convert(7)
    with pytest.raises(OptionError, match="is not a list with commas"):
        convert(["1.1.1.1", 7])


def test_a_list_may_have_choices() -> None:
    convert = BY_NAME["forwarded_headers"].convert
    assert convert("Forwarded, x-forwarded-for,") == "forwarded,x-forwarded-for"
    assert convert([]) == ""
    with pytest.raises(OptionError, match="'x-real-ip' is not one of x-forwarded-for, "):
        convert("forwarded,x-real-ip")


def test_headers_are_pairs_text_or_lines_of_text() -> None:
    convert = BY_NAME["headers"].convert
    assert convert([("X-A", " 1 "), ["x-b", ""]]) == [("X-A", "1"), ("x-b", "")]
    assert convert(["X-A: 1:2"]) == [("X-A", "1:2")]
    assert convert("X-A: a b\nX-B:2\n") == [("X-A", "a b"), ("X-B", "2")]


@pytest.mark.parametrize(
    "header",
    [
        "X-A",
        ": 1",
        "X A: 1",
        "X-Ä: 1",
        ("X-A", "1\r\nX-B: 2"),
        ("X-A\r\nX-B", "2"),
        ("X-A", "\0"),
        ("X-A", "\x7f"),
        ("X-A", "€"),
        ("X-A",),
        ("X-A", "1", "2"),
        ("X-A", 1),
        7,
        "Content-Length: 5",
        "transfer-encoding: chunked",
        "Connection: close",
    ],
)
def test_a_header_that_must_not_reach_the_wire(header: object) -> None:
    with pytest.raises(OptionError, match="Invalid value for headers: "):
        BY_NAME["headers"].convert([header])


def test_headers_are_a_list() -> None:
    with pytest.raises(OptionError, match="7 is not a list of headers"):
        BY_NAME["headers"].convert(7)
