"""What `MODULE:FLOW` names: the file to load a flow from.

Imports no Prefect, so that a typing error is found before a server is started.
"""

import importlib.util
from pathlib import Path

from intermezzo.errors import DefinitionError


def entrypoint_of(target: str) -> tuple[str, Path]:
    """The file entrypoint of `MODULE:FLOW` or `path/to/file.py:FLOW`, and the folder it is imported from.

    Raises:
        DefinitionError: there is no such module or file, or the target is spelled otherwise.
    """
    where, colon, name = target.rpartition(":")
    if not colon or not where or not name.isidentifier():
        raise DefinitionError(f"name a flow as MODULE:FLOW or path/to/file.py:FLOW, got {target!r}")
    if where.endswith(".py"):
        file = Path(where).resolve()
        if not file.is_file():
            raise DefinitionError(f"there is no file {where!r}")
        return f"{file}:{name}", file.parent
    try:
        spec = importlib.util.find_spec(where)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        raise DefinitionError(f"there is no module {where!r} to import; is it on the path, spelled a.b.c?")
    file = Path(spec.origin).resolve()
    return f"{file}:{name}", file.parents[where.count(".") + (file.name == "__init__.py")]
