"""Age certificates: those of each country, in order, each with the youngest age that may watch.

Where a board names no age (PG, M), the age follows the board's advice or the country's practice. A certificate that is
not here counts as none: the setting UNCERTIFIED_AGE says how, instead of a guess.
"""

from functools import cache

# Country (ISO 3166) -> certificate -> years.
CERTIFICATES: dict[str, dict[str, int]] = {
    "US": {
        "G": 0, "TV-Y": 0, "TV-G": 0, "TV-Y7": 7, "TV-Y7-FV": 7, "PG": 8, "TV-PG": 8, "PG-13": 13, "TV-14": 14,
        "R": 17, "TV-MA": 17, "NC-17": 18, "X": 18,
    },
    "GB": {"U": 0, "Uc": 0, "PG": 8, "12A": 12, "12": 12, "15": 15, "18": 18, "R18": 18},
    "IE": {"G": 0, "PG": 8, "12A": 12, "12": 12, "15A": 15, "15": 15, "16": 16, "18": 18},
    "DE": {"0": 0, "6": 6, "12": 12, "16": 16, "18": 18},
    "FR": {"U": 0, "TP": 0, "10": 10, "12": 12, "16": 16, "18": 18},
    "ES": {"A": 0, "APTA": 0, "TP": 0, "7": 7, "12": 12, "16": 16, "18": 18, "X": 18},
    "IT": {"T": 0, "6+": 6, "VM12": 12, "VM14": 14, "14+": 14, "VM18": 18, "18+": 18},
    "NL": {"AL": 0, "6": 6, "9": 9, "12": 12, "14": 14, "16": 16, "18": 18},
    "PT": {"3": 3, "M/3": 3, "6": 6, "M/6": 6, "12": 12, "M/12": 12, "14": 14, "M/14": 14, "16": 16, "M/16": 16,
           "18": 18, "M/18": 18},
    "SE": {"Btl": 0, "7": 7, "11": 11, "15": 15},
    "DK": {"A": 0, "7": 7, "11": 11, "15": 15},
    "NO": {"A": 0, "6": 6, "9": 9, "12": 12, "15": 15, "18": 18},
    "FI": {"S": 0, "7": 7, "12": 12, "16": 16, "18": 18},
    "BR": {"L": 0, "6": 6, "10": 10, "12": 12, "14": 14, "16": 16, "18": 18},
    "MX": {"AA": 0, "A": 0, "B": 12, "B15": 15, "C": 18, "D": 18},
    "CA": {"G": 0, "PG": 8, "14A": 14, "18A": 18, "R": 18, "A": 18},
    "AU": {"G": 0, "PG": 8, "M": 15, "MA15+": 15, "R18+": 18, "X18+": 18},
    "NZ": {"G": 0, "PG": 8, "R13": 13, "RP13": 13, "R15": 15, "M": 16, "R16": 16, "RP16": 16, "R18": 18, "RP18": 18},
    "IN": {"U": 0, "UA 7+": 7, "UA": 12, "UA 13+": 13, "UA 16+": 16, "A": 18, "S": 18},
    "JP": {"G": 0, "PG12": 12, "R15+": 15, "R18+": 18},
    "KR": {"ALL": 0, "12": 12, "15": 15, "18": 18, "19": 19},
}  # fmt: skip


def minimum_age(certificate: str, country: str) -> int | None:
    """Return the youngest age that may watch; None where that is not known.

    `certificate` is one of `country`'s ("R"), or names its own country ("GB:15"). Case, spaces and signs do not count.
    """
    named_country, colon, name = certificate.rpartition(":")
    return _ages(named_country.strip().upper() if colon else country).get(_letters(name))


def accepted_spellings(country: str) -> list[str]:
    """List every certificate as it may be written, by age in each country; those of `country` need not name it."""
    return list(CERTIFICATES.get(country, {})) + [
        f"{other}:{name}" for other, names in CERTIFICATES.items() for name in names
    ]


@cache
def _ages(country: str) -> dict[str, int]:
    return {_letters(name): age for name, age in CERTIFICATES.get(country, {}).items()}


def _letters(name: str) -> str:
    return "".join(letter for letter in name.upper() if letter.isalnum())
