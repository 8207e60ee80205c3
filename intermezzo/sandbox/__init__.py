"""Running untrusted Python, in layers; every result says which layers held."""

from intermezzo.sandbox.job import Captured, Isolation, Level, Limits, Outcome
from intermezzo.sandbox.levels import Sandbox, code_sandbox, run_python

__all__ = ["Captured", "Isolation", "Level", "Limits", "Outcome", "Sandbox", "code_sandbox", "run_python"]
