"""Names in paths: whatever characters a room or a session is called by, slashes and newlines too."""

from typing import Final

from starlette.convertors import Convertor, register_url_convertor

NAME: Final = "name"
"""How a path parameter asks for it: `{room:name}`."""


class NameConvertor(Convertor[str]):
    """Takes the rest of the path as it is; Starlette's own `path` ends at a newline."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        """Return the name."""
        return value

    def to_string(self, value: str) -> str:
        """Return the name as it stands in a path."""
        return value


register_url_convertor(NAME, NameConvertor())
