"""Languages by their BCP 47 tags: what a client asks for, and in which order a text is looked for (RFC 4647)."""

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

MAX_PREFERENCES = 10  # languages of one Accept-Language that are looked at
_TAG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8}){0,3}\Z")
_QUALITY = re.compile(r"q=([01](?:\.[0-9]{0,3})?)\Z")


class LanguageWish(NamedTuple):
    """The languages that a call asks for, in small letters."""

    named: str = ""  # by the parameter `language`: it is taken, whatever the catalogue has
    accepted: tuple[str, ...] = ()  # by Accept-Language, the dearest first: what the catalogue has of them


NO_WISH = LanguageWish()


def parse_accept_language(header: str) -> tuple[str, ...]:
    """Return the tags of an Accept-Language header in small letters, by quality; what is no tag is passed over."""
    preferences: list[tuple[float, str]] = []
    for item in header.lower().split(",", MAX_PREFERENCES)[:MAX_PREFERENCES]:
        tag, *parameters = (part.strip() for part in item.split(";"))
        qualities = [match[1] for part in parameters if (match := _QUALITY.match(part))]
        quality = float(qualities[0]) if qualities else 1.0
        if _TAG.match(tag) and quality > 0 and len(qualities) == len(parameters):
            preferences.append((-quality, tag))
    return tuple(dict.fromkeys(tag for _, tag in sorted(preferences, key=lambda item: item[0])))


def language_chain(wish: LanguageWish, own: str, offered: Collection[str], first: str) -> tuple[str, ...]:
    """Return the languages, in small letters, in which a text is looked for before its first form is taken.

    `own`: the viewer's, where the call asks for none. `offered`: those that the catalogue has texts in. `first`: that
    of every movie's first title, behind which no other is looked for. de-AT stands for de too; and de for de-AT where
    the catalogue has that one alone.
    """
    if wish.named:
        tags: tuple[str, ...] = (wish.named.lower(),)
    elif wish.accepted:
        tags = wish.accepted
    else:
        tags = (own.lower(),) if own else ()
    chain: list[str] = []
    for tag in tags:
        wider = list(_with_wider_tags(tag))
        narrower = sorted(known for known in offered if known.startswith(f"{wider[-1]}-"))
        found = [known for known in wider if known in offered] + narrower
        chain += found if wish.accepted and not wish.named else [*wider, *narrower]
        if first in wider:
            break
    return tuple(dict.fromkeys(chain))


def _with_wider_tags(tag: str) -> Iterator[str]:
    """Yield the tag and what remains as its subtags go, the last first: zh-hant-tw, zh-hant, zh."""
    while tag:
        yield tag
        tag = tag.rpartition("-")[0]


def canonical_tag(tag: str) -> str:
    """Return a tag as it is stored: de-AT, zh-Hant-TW."""
    language, *subtags = tag.lower().split("-")
    cased = [part.upper() if len(part) == 2 else part.title() if len(part) == 4 else part for part in subtags]
    return "-".join([language, *cased])
