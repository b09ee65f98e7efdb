"""TMDB's languages as BCP 47 tags."""

import re

from catalog.sources.regions import LANGUAGE_OF_REGION

# The region whose form of a language goes without it: de-DE is de, de-AT stays. Else the region of the same letters.
_HOME = {tag: region for region, tag in LANGUAGE_OF_REGION.items() if "-" not in tag} | {
    "en": "US", "ar": "SA", "hi": "IN", "ta": "IN", "te": "IN", "ml": "IN", "kn": "IN", "mr": "IN", "pa": "IN",
    "bn": "BD", "ca": "ES", "eu": "ES", "gl": "ES", "nb": "NO", "sq": "AL", "bs": "BA", "be": "BY", "kk": "KZ",
    "hy": "AM", "ms": "MY", "ur": "PK", "tl": "PH", "af": "ZA", "ga": "IE", "cy": "GB",
}  # fmt: skip
_WITH_REGION = frozenset({"pt", "zh"})  # none of two forms is the language's own
_CODE = re.compile(r"[a-z]{2,3}\Z")
_REGION = re.compile(r"[A-Z]{2}\Z")
_OWN_CODES = {"xx": "", "cn": "zh-HK"}  # no language; Cantonese


def language_tag(language: str, region: str = "") -> str:
    """Return the tag of a language, in a region's form where it has one of its own; "" for none."""
    language, region = language.strip().lower(), region.strip().upper()
    if language in _OWN_CODES:
        return _OWN_CODES[language]
    if not _CODE.match(language):
        return ""
    is_home = region == _HOME.get(language, language.upper()) and language not in _WITH_REGION
    return language if is_home or not _REGION.match(region) else f"{language}-{region}"
