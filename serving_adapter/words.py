"""Foreign words inside a sentence for the operator: short, on one line."""

LONGEST_QUOTE = 300


def quote(data: bytes, longest: int = LONGEST_QUOTE) -> str:
    """Returns the beginning of what a server or a program said, without a full stop at its end.

    Args:
        data: Bytes of unknown origin.
        longest: Most characters that are kept.
    """
    text = data[: 4 * longest].decode("utf-8", errors="replace")
    words = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    kept = words if len(words) <= longest else words[:longest].rstrip() + "…"
    return kept.rstrip(".") or "nothing"


def describe(error: BaseException) -> str:
    """Returns an exception as a few words: its type and the first line of its message, without a full stop."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0].rstrip('.')}" if lines else type(error).__name__
