"""Running untrusted Python, in layers; every result says which layers held."""

from intermezzo.sandbox.job import Captured, Isolation, Limits, Outcome
from intermezzo.sandbox.process import run_python

__all__ = ["Captured", "Isolation", "Limits", "Outcome", "run_python"]
