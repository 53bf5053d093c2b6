"""What is wrong with a request at a door: told with a code, a French text and where."""

import msgspec


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request is not taken.

    `is_rule`: it is well formed and a rule says no (422); else it cannot be read (400). `code` is
    FHIR's issue type, `expression` the path of the element.
    """

    reason: str
    text: str
    code: str = "invalid"
    expression: str = ""
    is_rule: bool = False
