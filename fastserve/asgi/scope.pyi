from typing import Any

from typing_extensions import Self

ASGI_VERSION: str
SPEC_VERSION: str

class ScopeMaker:
    """Makes the scopes of one application. `state` is the lifespan's; each scope gets a shallow copy."""

    def __new__(
        cls, root_path: str, state: dict[str, Any], is_stripped: bool = True, pathsend: bool = False
    ) -> Self: ...
