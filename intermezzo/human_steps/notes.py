"""What people write beside answers, and ids they look for: refused before a database has to refuse them."""

from intermezzo.errors import WorkerError

MAX_NOTE_CHARACTERS = 5_000
MAX_NAME_CHARACTERS = 200
"""As many as the store keeps of a name."""

_MAX_ID_CHARACTERS = 64


def check_text(text: str, what: str, *, most: int = MAX_NOTE_CHARACTERS) -> None:
    """Refuse text that no database keeps.

    Args:
        what: it is, for the message.
        most: characters.

    Raises:
        WorkerError: it is too long, or holds NUL or half characters.
    """
    if len(text) > most or not _is_storable(text):
        raise WorkerError(f"{what} has at most {most:,} characters, without NUL and half ones, got {text[:100]!r}")


def check_id(id: str, error: type[WorkerError]) -> None:
    """Refuse what is nobody's id.

    Raises:
        WorkerError: of the class `error`.
    """
    if len(id) > _MAX_ID_CHARACTERS or not _is_storable(id):
        raise error(f"there is nothing of the id {id[:_MAX_ID_CHARACTERS]!r}")


def _is_storable(text: str) -> bool:
    # PostgreSQL has no NUL in text, and a lone surrogate has no UTF-8.
    return "\x00" not in text and (text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text))
