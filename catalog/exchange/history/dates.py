"""Dates as sites and spreadsheets write them: of 03/04/2021 the whole file says what is the day and what the month."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from enum import StrEnum

from catalog.api.fields import read_day_number, read_number
from catalog.errors import DataFileError

# d/m/y, m.d.yy, yy. m. d. and the like, perhaps with a time behind.
_NUMBERS = re.compile(
    r"(?P<a>\d{1,4})\s?(?P<mark>[/.-])\s?(?P<b>\d{1,2})\s?(?P=mark)\s?(?P<c>\d{1,4})(?P<end>\.?)(?:[,T\s]+(?P<time>.+))?",
    re.ASCII,
)
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?!\d)")
_TIME = re.compile(
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d\d)(?:[:.](?P<second>\d\d))?(?:\.\d+)?\s?(?P<half>[ap])?\.?(?:m\.?)?",
    re.I | re.A,
)
# 12 March 2011; March 12, 2011; Sat Mar 12 00:00:00 2011; 12-Mar-11; 23 de abril de 2024.
_NAMED = (
    re.compile(
        r"(?:.*\W)?(?P<day>\d\d?)(?:\.|[a-z]{2})?[\s-]+(?:de\s+)?"
        r"(?P<month>[^\W\d]+)\.?[\s,-]+(?:de\s+)?(?P<year>\d{4}|\d\d)\b.*",
        re.I,
    ),
    re.compile(
        r"(?:[^\W\d]+\.?,?\s+)?(?P<month>[^\W\d]+)\.?\s+"
        r"(?P<day>\d\d?)(?:[a-z]{2})?,?\s(?:.*\s)?(?P<year>\d{4})\b.*",
        re.I,
    ),
    re.compile(r"(?P<year>\d{4})年(?P<month>\d\d?)月(?P<day>\d\d?)日"),
)
# What names of months begin with, without accents, in any language: no two months share a beginning.
_MONTHS = {
    letters: number
    for number, names in enumerate(
        (
            "jan ene gen", "feb fev", "mar mrz maart mrt",
            "apr abr avr", "may mai mag mei maj", "jun giu juin", "jul lug juil",
            "aug ago aou", "sep set", "oct okt ott out", "nov", "dec dez dic",
        ),
        start=1,
    )
    for letters in names.split()
}  # fmt: skip
_ACCENTS = str.maketrans("äáàâéèêëíîóôöúûüç", "aaaaeeeeiiooouuuc")
_EPOCH_DIGITS = {10: 1, 13: 1000}  # digits of a number of seconds, of milliseconds
_DAY_NUMBER = re.compile(r"\d{5}(?:[.,]\d+)?", re.ASCII)
_PIVOT = 70  # of years in two digits the first of the last century


class DateOrder(StrEnum):
    """The order of day, month and year in numbers."""

    DMY = "dmy"
    MDY = "mdy"
    YMD = "ymd"


class Dates:
    """Reads the dates of one file."""

    def __init__(self, order: DateOrder | None) -> None:
        self._order = order

    def read(self, text: str) -> datetime:
        """Return the moment; a date without a time is its first. Raises ValueError."""
        text = _bare(text)
        readings = None if _ISO.match(text) else _readings(text)
        if readings is None:
            return _read_plain(text)
        day = readings.get(self._order) if self._order else None
        if self._order is None and len(set(readings.values())) == 1:
            day = next(iter(readings.values()))
        if day is None:
            raise ValueError(f"{text[:40]!r} is no date in this order")
        match = _NUMBERS.fullmatch(text)
        return datetime.combine(day, _read_time(match["time"] if match else None), UTC)


def find_date_order(dates: Iterable[tuple[int, str]], file: str, given: DateOrder | None) -> Dates:
    """Find the order in which all dates of a file, each with its line, are dates. Raises DataFileError at the first
    that may mean two days, if no other tells which, or if the dates of two lines allow no order at all."""
    if given is not None:
        return Dates(given)
    possible = {DateOrder.DMY, DateOrder.MDY}
    unclear: tuple[int, str, dict[DateOrder, date]] | None = None
    for line, text in dates:
        readings = _readings(_bare(text)) or {}
        orders = readings.keys() & {DateOrder.DMY, DateOrder.MDY}
        if not orders or (DateOrder.YMD in readings and len(set(readings.values())) == 1):
            continue  # no date at all, or one that can be read in one way only
        if len(orders) == 2 and readings[DateOrder.DMY] != readings[DateOrder.MDY]:
            unclear = unclear or (line, text.strip(), readings)
        if not possible & orders:
            message = f"{text.strip()[:40]!r} is written in another order than the dates above"
            raise DataFileError(file, line, f"{message}: make them alike, or say date_order=dmy or date_order=mdy")
        possible &= orders
    if unclear and len(possible) > 1:
        line, text, readings = unclear
        first, second = (f"{readings[order]:%-d %B %Y}" for order in (DateOrder.DMY, DateOrder.MDY))
        message = f"{text[:40]!r} may be {first} or {second}, and no other date of the file tells which"
        raise DataFileError(file, line, f"{message}: say date_order=dmy or date_order=mdy")
    return Dates(next(iter(possible)) if len(possible) == 1 else None)


def _bare(text: str) -> str:
    """Return a date without what stands around it; an apostrophe says that the cell of a spreadsheet is a text."""
    return text.strip().removeprefix("'")


def _readings(text: str) -> dict[DateOrder, date] | None:
    """Return the days that numbers may mean, by order; None for a text that is not three numbers."""
    match = _NUMBERS.fullmatch(text)
    if match is None:
        return None
    a, b, c = match["a"], match["b"], match["c"]
    if len(a) == 4:
        day = _day(int(a), int(b), int(c)) if len(c) <= 2 else None
        return dict.fromkeys(DateOrder, day) if day else {}
    if len(a) > 2 or len(c) not in (1, 2, 4):
        return {}
    numbers = {DateOrder.YMD: (_century(a), int(b), int(c))} if len(c) <= 2 and len(a) == 2 else {}
    if match["end"] and numbers:  # 23. 4. 1. is written so where the year comes first
        day = _day(*numbers[DateOrder.YMD])
        return dict.fromkeys(DateOrder, day) if day else {}
    if len(c) != 1:
        year = _century(c) if len(c) == 2 else int(c)
        numbers |= {DateOrder.DMY: (year, int(b), int(a)), DateOrder.MDY: (year, int(a), int(b))}
    days = {order: _day(*parts) for order, parts in numbers.items()}
    return {order: day for order, day in days.items() if day}


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _century(two_digits: str) -> int:
    year = int(two_digits)
    return year + (1900 if year >= _PIVOT else 2000)


def _read_time(text: str | None) -> time:
    """Read the time behind a date; what is no time says nothing."""
    match = _TIME.match(text or "")
    if match is None:
        return time()
    hour = int(match["hour"])
    if match["half"]:
        hour = hour % 12 + (12 if match["half"].lower() == "p" else 0)
    return time(hour, int(match["minute"]), int(match["second"] or 0))


def _read_plain(text: str) -> datetime:
    """Read a date that can be read in one way: ISO 8601, seconds since 1970, a spreadsheet's number of a day, or with
    the month's name."""
    if text.isascii() and text.isdigit() and len(text) in _EPOCH_DIGITS:
        return datetime.fromtimestamp(int(text) / _EPOCH_DIGITS[len(text)], UTC)
    if _DAY_NUMBER.fullmatch(text) and (day := read_day_number(read_number(text))):
        return day
    try:
        moment = datetime.fromisoformat(re.sub(r"\s?(UTC|GMT)$", "Z", text))
    except ValueError:
        moment = _read_named(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _read_named(text: str) -> datetime:
    for form in _NAMED:
        match = form.fullmatch(text)
        month = _month(match["month"]) if match else None
        if match and month:
            year = match["year"]
            return datetime(_century(year) if len(year) == 2 else int(year), month, int(match["day"]))
    raise ValueError(f"{text[:40]!r} is no date")


def _month(name: str) -> int | None:
    if name.isdigit():
        return int(name)
    plain = name.lower().translate(_ACCENTS)
    return next((_MONTHS[plain[:length]] for length in (5, 4, 3) if plain[:length] in _MONTHS), None)
