"""The check digit of an RPPS (répertoire partagé des professionnels de santé)."""


def has_right_check_digit(rpps: str) -> bool:
    """Whether the last digit is the Luhn digit of the ten between it and the prefix `8`.

    `rpps` is twelve digits. Public examples break the rule, so that nothing is refused for it.
    """
    digits = [int(digit) for digit in reversed(rpps[1:])]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
