"""The client where there is nothing but httpx, pydantic and what these need."""

import subprocess
import sys
from importlib.metadata import packages_distributions, requires

from packaging.requirements import Requirement

BARE = """
import sys
from importlib.abc import MetaPathFinder

ALLOWED = set(sys.argv[1].split(","))

class Absent(MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        known = ALLOWED | sys.stdlib_module_names
        if fullname.partition(".")[0] not in known and not fullname.startswith("_sysconfigdata"):
            raise ModuleNotFoundError(fullname)

sys.meta_path.insert(0, Absent())
from intermezzo.client import *
from intermezzo import client
from intermezzo.client import Client, ConnectionFailedError, verify_webhook
for absent in ("sqlalchemy", "prefect", "fastapi", "pydantic_settings"):
    try:
        __import__(absent)
    except ModuleNotFoundError:
        continue
    raise SystemExit(f"{absent} is there")
assert not verify_webhook(b"", "secret", "t=1,v1=2")
try:
    Client("csk_x", base_url="http://127.0.0.1:1", retries=0).credits.balance()
except ConnectionFailedError:
    loaded = {name.split(".")[1] for name in sys.modules if name.startswith("intermezzo.")}
    print(sorted(loaded))
"""


def needed(*distributions: str) -> set[str]:
    """These, and all that they need."""
    found: set[str] = set()
    left = list(distributions)
    while left:
        name = left.pop().lower().replace("_", "-")
        if name in found:
            continue
        found.add(name)
        wanted = [Requirement(text) for text in requires(name) or ()]
        left += [one.name for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    return found


def test_the_client_needs_nothing_but_httpx_and_pydantic() -> None:
    there = needed("httpx", "pydantic")
    assert "sqlalchemy" not in there
    modules = {
        module
        for module, owners in packages_distributions().items()
        if {owner.lower().replace("_", "-") for owner in owners} & there
    }
    told = subprocess.run(
        [sys.executable, "-c", BARE, ",".join(sorted(modules | {"intermezzo"}))],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout == "['client', 'errors', 'retry_after']\n"
