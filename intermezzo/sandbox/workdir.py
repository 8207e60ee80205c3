"""The temporary folder of one sandboxed run: made fresh, and removed whatever the run left in it."""

import logging
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WorkDir:
    """A folder with the program's current directory, `work/main.py` in it, and the file of its stdin."""

    path: Path

    @classmethod
    def create(cls) -> "WorkDir":
        """Make an empty one, readable by this user alone."""
        return cls(Path(tempfile.mkdtemp(prefix="intermezzo-run-")))

    @property
    def work(self) -> Path:
        """The program's current directory."""
        return self.path / "work"

    @property
    def stdin(self) -> Path:
        """File the program reads as its standard input."""
        return self.path / "stdin"

    def fill(self, code: bytes, stdin: bytes) -> None:
        """Write the program and its input."""
        self.work.mkdir()
        (self.work / "main.py").write_bytes(code)
        self.stdin.write_bytes(stdin)

    def remove(self) -> None:
        """Remove the folder and everything in it; what cannot be removed is logged, not raised."""
        try:
            _empty(self.path)
            self.path.rmdir()
        except FileNotFoundError:
            pass  # The program has removed it itself.
        except OSError as error:
            logger.warning("could not remove the folder of a sandboxed run, remove it by hand: %s", error)


def _empty(folder: Path) -> None:
    """Remove what is in `folder`, however deep and whatever its modes.

    Subfolders are moved up next to each other instead of being descended into: a tree of any depth needs
    neither a long path, nor recursion, nor a descriptor per level.
    """
    if stat.S_ISDIR(folder.lstat().st_mode):
        folder.chmod(0o700)
    root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        moved = 0
        while names := os.listdir(root):  # noqa: PTH208 - pathlib knows no descriptors
            for name in names:
                if not _unlink(name, root):
                    moved = _hoist_children(name, root, moved)
                    os.rmdir(name, dir_fd=root)
    finally:
        os.close(root)


def _unlink(name: str, folder: int) -> bool:
    """Remove `name` unless it is a directory; says whether it is gone."""
    if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        # Moving a directory rewrites its `..`, and emptying it needs its listing: both need these bits.
        os.chmod(name, 0o700, dir_fd=folder)
        return False
    os.unlink(name, dir_fd=folder)
    return True


def _hoist_children(name: str, root: int, moved: int) -> int:
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=root)
    try:
        for child in os.listdir(folder):  # noqa: PTH208 - pathlib knows no descriptors
            if not _unlink(child, folder):
                os.rename(child, f"{name[:8]}.{moved}", src_dir_fd=folder, dst_dir_fd=root)
                moved += 1
    finally:
        os.close(folder)
    return moved
