"""The check digit of an RPPS (répertoire partagé des professionnels de santé)."""


def has_right_check_digit(rpps: str) -> bool:
    """Whether the eleven digits after the prefix `8` satisfy Luhn's formula (ISO/IEC 7812-1).

    `rpps` is twelve digits. Public examples break the rule.
    """
    digits = [int(digit) for digit in reversed(rpps[1:])]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
