"""HTTP: the native API under /v1, for requesters, workers and operators. `intermezzo serve` runs it."""

from intermezzo.server.app import create_app
from intermezzo.server.listening import listening

__all__ = ["create_app", "listening"]
