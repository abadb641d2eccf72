"""Numbers, times and dates as they are said in English."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
_IRREGULAR_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_MONTHS = ("January February March April May June July August September October November December").split()
_HOURS_OF_HALF_A_DAY = 12
_FIRST_HOUR_OF_EVENING = 18
_FIRST_TWO_DIGIT_NUMBER = 10
LARGEST_NUMBER = 100


def number_words(number: int) -> str:
    """Return 0 to 100 in words."""
    if number == LARGEST_NUMBER:
        return "one hundred"
    if number < len(_UNITS):
        return _UNITS[number]
    tens, unit = divmod(number, 10)
    return f"{_TENS[tens]}-{_UNITS[unit]}" if unit else _TENS[tens]


def parse_number(text: str) -> int | None:
    """Return the number from 0 to 100 that a text is, in digits or words; None if it is none."""
    words = re.sub(r"[\s-]+", "-", text.strip().lower())
    if words.isdecimal():
        return int(words) if int(words) <= LARGEST_NUMBER else None
    if words in {"hundred", "a-hundred"}:
        return LARGEST_NUMBER
    for number in range(LARGEST_NUMBER + 1):
        if number_words(number).replace(" ", "-") == words:
            return number
    return None


def ordinal_words(number: int) -> str:
    """Return 1st to 99th in words."""
    head, dash, last = number_words(number).rpartition("-")
    if last in _IRREGULAR_ORDINALS:
        return head + dash + _IRREGULAR_ORDINALS[last]
    return head + dash + (last[:-1] + "ieth" if last.endswith("y") else last + "th")


def year_words(year: int) -> str:
    """Return a year from 1000 to 9999 as it is said in English: pairs of digits, or thousands."""
    century, rest = divmod(year, 100)
    if rest == 0:
        thousands, hundreds = divmod(century, 10)
        return f"{number_words(thousands)} thousand" if hundreds == 0 else f"{number_words(century)} hundred"
    if rest >= _FIRST_TWO_DIGIT_NUMBER:
        return f"{number_words(century)} {number_words(rest)}"
    if century % 10 == 0:
        return f"{number_words(century // 10)} thousand {number_words(rest)}"
    return f"{number_words(century)} oh {number_words(rest)}"


def time_words(now: datetime) -> str:
    """Return the time of day: `four twenty-three in the afternoon`."""
    hour = number_words((now.hour - 1) % _HOURS_OF_HALF_A_DAY + 1)
    if now.minute == 0:
        minute = "o'clock"
    elif now.minute < _FIRST_TWO_DIGIT_NUMBER:
        minute = f"oh {number_words(now.minute)}"
    else:
        minute = number_words(now.minute)
    if now.hour < _HOURS_OF_HALF_A_DAY:
        part = "in the morning"
    else:
        part = "in the afternoon" if now.hour < _FIRST_HOUR_OF_EVENING else "in the evening"
    return f"{hour} {minute} {part}"


def weekday_words(now: datetime) -> str:
    """Return the day of the week."""
    return _WEEKDAYS[now.weekday()]


def date_words(now: datetime) -> str:
    """Return the date: `Saturday, the twenty-first of November, twenty twenty-six`."""
    return f"{weekday_words(now)}, the {ordinal_words(now.day)} of {_MONTHS[now.month - 1]}, {year_words(now.year)}"
