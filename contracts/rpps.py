"""The check digit of an RPPS (répertoire partagé des professionnels de santé)."""

import re

_TWELVE_DIGITS = re.compile(r"[0-9]{12}")


def has_right_check_digit(rpps: str) -> bool:
    """Whether the eleven digits after the prefix `8` satisfy Luhn's formula (ISO/IEC 7812-1).

    False of what is not twelve digits. Public examples break the rule.
    """
    if not _TWELVE_DIGITS.fullmatch(rpps):
        return False
    digits = [int(digit) for digit in reversed(rpps[1:])]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
