"""How is one option spelled, and what may its value be?

An `Option` is a row of the table in `options.py`. All sources of values are judged here, so that a bad one is
told in the same words wherever it comes from.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from fastserve.errors import OptionError

__all__ = [
    "BYTES_MAX",
    "ENVIRONMENT_PREFIX",
    "SECONDS_MAX",
    "UVICORN_OPTIONS",
    "Option",
    "bytes_option",
    "count_option",
    "seconds_option",
]

ENVIRONMENT_PREFIX = "FASTSERVE_"
UVICORN_PREFIX = "UVICORN_"

#: The options of uvicorn 0.54's command, by its keywords. What is not in the table below is still to come.
_UVICORN_OPTIONS = """
    app factory app_dir lifespan interface root_path env_file reset_contextvars
    host port uds fd backlog
    loop http http2 h11_max_incomplete_event_size
    ws ws_max_size ws_max_queue ws_ping_interval ws_ping_timeout ws_per_message_deflate
    workers timeout_worker_healthcheck reload reload_dirs reload_includes reload_excludes reload_delay
    limit_concurrency limit_max_requests limit_max_requests_jitter
    timeout_keep_alive timeout_graceful_shutdown
    log_config log_level access_log use_colors
    headers server_header date_header proxy_headers forwarded_allow_ips
    ssl_keyfile ssl_certfile ssl_keyfile_password ssl_version ssl_cert_reqs ssl_ca_certs ssl_ciphers
"""
UVICORN_OPTIONS = frozenset(_UVICORN_OPTIONS.split())

_TRUE = frozenset(("1", "true", "t", "yes", "y", "on"))
_FALSE = frozenset(("0", "false", "f", "no", "n", "off"))
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
#: A default for one of these would contradict the framing that the server chooses for each response.
_FRAMING = frozenset(
    ("connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
)


BYTES_MAX = 2**30
SECONDS_MAX = 10**7  # about 116 days: what a deadline can mean, and no sum with the clock overflows


# Without what nobody asks of a row: to make it takes milliseconds of each start.
@dataclass(frozen=True, eq=False, repr=False, match_args=False)
class Option:
    """One row of the table.

    `name` is the keyword of `fastserve.run()` and `Config`; everything else that is spelled comes from it,
    except where `flag` names another spelling on the command line. `minimum` and `maximum` are inclusive.
    `unit` is for the reader. An option whose default is None may be None; a repeatable option is a list of
    texts, or, if it is `paired`, of (name, value). An importable one is a choice, an import string, or what
    that would name. A `numbered` one may be an integer in Python. A `valued` one is true or false, and the
    command line says so by a word behind its flag. A `listed` one is text with commas, for which a list of
    texts is taken too; its choices are those of each element. `pattern` is what a text has to
    look like, told as `unit`. `judge`, where that does not suffice, raises ValueError for what is not of the
    form that `form` names; it may let other things than text pass, from Python code. `variable` names one
    more variable of the environment that stands for the option, as it does with uvicorn. `uvicorn` tells in
    what the option differs from uvicorn's of the same name, which `UVICORN_OPTIONS` must then have; nothing
    means that it does not differ.
    """

    name: str
    type: type[str] | type[int] | type[float] | type[bool]
    default: Any
    group: str
    help: str
    unit: str = ""
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    flag: str = ""
    argument: bool = False
    repeatable: bool = False
    paired: bool = False
    importable: bool = False
    numbered: bool = False
    valued: bool = False
    listed: bool = False
    pattern: str = ""
    variable: str = ""
    uvicorn: str = ""
    judge: Callable[[Any], None] | None = None
    form: str = ""

    @property
    def spelling(self) -> str:
        """How the command line spells it: `--port`, `--access-log/--no-access-log`, `APP`."""
        if self.argument:
            return self.name.upper()
        flag = self.flag or "--" + self.name.replace("_", "-")
        if self.is_switch and self.default is not False:
            return f"{flag}/--no-{flag[2:]}"
        return flag

    @property
    def is_switch(self) -> bool:
        """Whether its flag alone says it all."""
        return self.type is bool and not self.valued

    @property
    def environment(self) -> str:
        """The name of the environment variable that sets this option."""
        return ENVIRONMENT_PREFIX + self.name.upper()

    @property
    def uvicorn_environment(self) -> str | None:
        """The name of uvicorn's variable for this option, if uvicorn has it."""
        return UVICORN_PREFIX + self.name.upper() if self.name in UVICORN_OPTIONS else None

    @property
    def expects(self) -> str:
        """What a value has to be, as the end of a sentence: `a whole number from 0 to 65535`."""
        if self.paired:
            return '"Name:Value"'
        if self.form:
            return self.form
        if self.choices:
            own = " or MODULE:ATTRIBUTE" if self.importable else ""
            return ("some of " if self.listed else "one of ") + ", ".join(self.choices) + own
        if self.type is str:
            return self.unit or "text"
        if self.type is bool:
            return "true or false"
        return ("a whole number" if self.type is int else "a number") + self._range()

    def convert(self, value: object, label: str = "") -> Any:
        """Return `value` as this option's type. Text is parsed: all sources of values are judged here.

        `label` is what the message calls the option: the flag or the variable that the value came from.
        Raises OptionError.
        """
        if value is None and self.default is None:
            return None
        try:
            if self.repeatable:
                return self._items(value)
            return self._scalar(value)
        except ValueError as reason:
            raise OptionError(f"Invalid value for {label or self.name}: {reason}.") from None

    def _range(self) -> str:
        if self.minimum is None:
            return ""
        if self.maximum is None:
            return f", at least {self.minimum:g}"
        return f" from {_number(self.minimum)} to {_number(self.maximum)}"

    def _scalar(self, value: object) -> Any:
        if self.judge is not None:
            self.judge(value)
            return value
        if self.type is str:
            return self._text(value)
        parsed = _parse(self.type, value.strip()) if isinstance(value, str) else value
        if self.type is float and type(parsed) is int:
            parsed = float(parsed)
        # The exact type: a bool is an int to isinstance, and `port=True` is a mistake.
        if self.type is int and isinstance(parsed, int) and type(parsed) is not bool:
            parsed = int(parsed)  # a constant of the ssl module is an IntEnum
        if type(parsed) is not self.type or (self.minimum is not None and not self._within(parsed)):
            raise ValueError(f"{value!r} is not {self.expects}")
        return parsed

    def _within(self, number: Any) -> bool:
        """NaN and the infinities are in no range: they would make a deadline that no comparison meets."""
        assert self.minimum is not None
        return math.isfinite(number) and self.minimum <= number <= (self.maximum or math.inf)

    def _text(self, value: object) -> Any:
        if self.listed:
            return self._list(value)
        if isinstance(value, os.PathLike):
            value = os.fspath(value)
        if self.numbered and type(value) is int and value >= 0:
            return value
        if self.importable and (callable(value) or (isinstance(value, str) and all(value.partition(":")))):
            return value
        if self.pattern and not (isinstance(value, str) and re.fullmatch(self.pattern, value)):
            raise ValueError(f"{value!r} is not {self.expects}")
        if not isinstance(value, str):
            raise ValueError(f"{value!r} is not {self.expects}")
        if self.choices:
            value = value.strip().lower()
            if value not in self.choices:
                raise ValueError(f"{value!r} is not {self.expects}")
        return value

    def _list(self, value: object) -> str:
        texts = value.split(",") if isinstance(value, str) else value
        if not isinstance(texts, (list, tuple)) or not all(isinstance(text, str) for text in texts):
            raise ValueError(f"{value!r} is not {self.expects}")
        texts = [text.strip() for text in texts]
        if self.choices:
            texts = [text.lower() for text in texts if text]
            for text in texts:
                if text not in self.choices:
                    raise ValueError(f"{text!r} is not one of {', '.join(self.choices)}")
        return ",".join(texts)

    def _items(self, value: object) -> list[Any]:
        # One text is what the environment gives: an item on each line.
        lines: object = value.splitlines() if isinstance(value, str) else value
        if lines is None:
            return []
        if not isinstance(lines, Iterable):
            raise ValueError(f"{value!r} is not a list of {'headers' if self.paired else 'texts'}")
        if self.paired:
            return [_header(item) for item in lines if item != ""]
        items = [os.fspath(item) if isinstance(item, os.PathLike) else item for item in lines if item != ""]
        for item in items:
            if not isinstance(item, str):
                raise ValueError(f"{item!r} is not text")
            if self.judge is not None:
                self.judge(item)
        return items


def bytes_option(
    name: str, default: int, minimum: int, help: str, maximum: int = BYTES_MAX, group: str = "limits"
) -> Option:
    return Option(name, int, default, group, help, "bytes", minimum=minimum, maximum=maximum)


def count_option(
    name: str, default: int, maximum: int, help: str, group: str = "limits", minimum: int = 1
) -> Option:
    return Option(name, int, default, group, help, minimum=minimum, maximum=maximum)


def seconds_option(name: str, default: float | None, help: str, group: str = "limits") -> Option:
    return Option(name, float, default, group, help, "seconds", minimum=0, maximum=SECONDS_MAX)


def _number(bound: float) -> str:
    return str(int(bound)) if bound == int(bound) else f"{bound:g}"


def _parse(wanted: type, text: str) -> Any:
    """Return the text as the wanted type, or the text itself where it is nothing of the kind."""
    if wanted is bool:
        lowered = text.lower()
        return True if lowered in _TRUE else False if lowered in _FALSE else text
    try:
        return wanted(text)
    except ValueError:
        return text


def _header(item: Any) -> tuple[str, str]:
    """Return a header as (name, value), both fit for the wire (RFC 9110, section 5). Raises ValueError."""
    pair = item.partition(":")[::2] if isinstance(item, str) and ":" in item else item
    try:
        name, value = (part.strip(" \t") for part in pair)
    except (TypeError, ValueError, AttributeError):
        raise ValueError(f'{item!r} is not "Name:Value"') from None
    if not name or not _TOKEN.issuperset(name):
        raise ValueError(f"{name!r} is not a header name")
    if name.lower() in _FRAMING:
        raise ValueError(f"{name!r} belongs to the framing of each response")
    if any((c < " " and c != "\t") or c == "\x7f" or c > "\xff" for c in value):
        raise ValueError(f"{value!r} is not a header value")
    return name, value
