"""Days as numbers, counted from 1970-01-01 as Parquet and NumPy do, and back."""

from datetime import date

# Ordinals count from the year 1; the offset turns them into days since 1970-01-01.
_EPOCH = date(1970, 1, 1).toordinal()


def day_number(day: date) -> int:
    """Return the days from 1970-01-01 to a day.

    Examples
    --------
    >>> day_number(date(1970, 1, 31))
    30
    """
    return day.toordinal() - _EPOCH


def date_of(number: int) -> date:
    """Return the day that is so many days after 1970-01-01.

    Examples
    --------
    >>> date_of(30)
    datetime.date(1970, 1, 31)
    """
    return date.fromordinal(number + _EPOCH)
