"""The `intermezzo` command: for schedulers, operators and workers at a terminal."""

from intermezzo.cli.app import main

__all__ = ["main"]
