"""Titles as film sites write them: "City of Lost Children, The (Cité des enfants perdus, La) (1995)"."""

import re
from typing import NamedTuple

from catalog.limits import MAX_YEAR, MIN_YEAR

# Of the languages that MovieLens writes with the article behind: en fr it de es pt nl sv da no.
_ARTICLES = (
    "The|An?|Les?|La|L['\u2019]|Une?|Gli|Il?|Lo|Un[oa]|Der|Die|Das|Eine?|El|Los|Las|Os?|As|Um|Uma"
    "|De|Het|Een|Den|Det|En|Et|Ett"
)
_TRAILING_ARTICLE = re.compile(rf"^(?P<rest>.+),\s+(?P<article>{_ARTICLES})$", re.IGNORECASE | re.DOTALL)
_YEAR = re.compile(r"^(?P<year>\d{4})(\s*[-\u2013\u2014]\s*(\d{4})?)?$", re.ASCII)
_ALSO_KNOWN_AS = re.compile(r"^a\.?\s?k\.?\s?a\.?\s+", re.IGNORECASE)
_BETWEEN_NAMES = re.compile(r"\s+(?:/|a\.?k\.?a\.?)\s+", re.IGNORECASE)
# Parentheses that are part of the title, not another title.
_QUALIFIER = re.compile(
    r"^(part|vol\.?|volume|chapter|episode|season|act|disc)\b.*$|^[ivx]+$|^\d+$|^(yellow|blue|uncut|director'?s cut)$",
    re.IGNORECASE,
)
# What IMDb wrote behind the year of what was no film of the cinema: for video, for television, a game.
_KIND = re.compile(r"^(V|TV|VG)$")


class Title(NamedTuple):
    """The parts of a title."""

    title: str
    original_title: str  # "" where only one title is given
    year: int | None


def parse_title(text: str) -> Title:
    """Parse a title. Never fails, and never returns an empty title for a text that is not blank."""
    rest, names, year = _take_apart(text)
    return Title(move_article(rest), _original(names), year)


def parse_names(text: str) -> tuple[list[str], int | None]:
    """Return all names in a title, the first the title itself, and the year in parentheses; a blank text has none."""
    rest, names, year = _take_apart(text)
    parts = [part for name in (rest, *names) for part in _BETWEEN_NAMES.split(_ALSO_KNOWN_AS.sub("", name))]
    return list(dict.fromkeys(move_article(part) for part in parts if part)), year


def _take_apart(text: str) -> tuple[str, list[str], int | None]:
    rest, groups = _peel(" ".join(text.split()))
    year = None
    names: list[str] = []
    for group in reversed(groups):
        match = _YEAR.match(group)
        if year is None and match and MIN_YEAR <= int(match["year"]) <= MAX_YEAR:
            year = int(match["year"])
            names = [name for name in names if not _KIND.match(name)]
        else:
            names.insert(0, group)
    while names and _QUALIFIER.match(names[0]):
        rest = f"{rest} ({names.pop(0)})"
    return rest, names, year


def move_article(title: str) -> str:
    """Move the article to the front: "Atalante, L'" → "L'Atalante", "American President, The" likewise."""
    match = _TRAILING_ARTICLE.match(title)
    if not match:
        return title
    article = match["article"][0].upper() + match["article"][1:]
    return article + match["rest"] if article[-1] in "'\u2019" else f"{article} {match['rest']}"


def _peel(text: str) -> tuple[str, list[str]]:
    """Split closing parentheses off the text. Returns the rest and their contents; the first word always stays."""
    groups: list[str] = []
    while text.endswith(")"):
        opening = _opening(text)
        if opening is None and text.count(")") > text.count("(") > 0:
            text = text[:-1].rstrip()  # one closing parenthesis too many
            continue
        if not opening or text[opening - 1] != " ":
            break
        groups.insert(0, text[opening + 1 : -1].strip())
        text = text[:opening].rstrip()
    return text, [group for group in groups if group]


def _opening(text: str) -> int | None:
    """Find where the parenthesis that the text ends with was opened."""
    depth = 0
    for place in range(len(text) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(text[place], 0)
        if depth == 0:
            return place
    return None


def _original(names: list[str]) -> str:
    """Choose the original title: the last foreign one, else the first "a.k.a." title."""
    foreign = [name for name in names if not _ALSO_KNOWN_AS.match(name)]
    if foreign:
        return move_article(foreign[-1])
    return move_article(_ALSO_KNOWN_AS.sub("", names[0])) if names else ""
