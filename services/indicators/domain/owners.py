"""Who may give each order of the service: roles by the name of the order's route.

Any other role is refused with `role_not_allowed`, before anything else is looked at.
"""

from collections.abc import Mapping
from typing import Final

from contracts.roles import Role

ANYBODY_CONCERNED: Final = frozenset({Role.CPTS, Role.CAISSE, Role.ARS, Role.SYSTEM})
THE_CPTS: Final = frozenset({Role.CPTS})
THE_CAISSE: Final = frozenset({Role.CAISSE})
THE_ARS: Final = frozenset({Role.ARS})

OWNERS: Final[Mapping[str, frozenset[Role]]] = {
    "put_activity": ANYBODY_CONCERNED,
    "put_evidence": ANYBODY_CONCERNED,
    "put_declaration": THE_CPTS,
    "take_file": THE_CAISSE,
    "take_sample": THE_CAISSE,
    "verify_figure": THE_CAISSE,
    "take_stance": THE_CPTS,
    "validate_figure": THE_CAISSE,
    "put_visa": THE_ARS,
    "put_plan": THE_CPTS,
    "recognise_crisis": THE_ARS,
    "put_response": THE_CPTS,
    "decide_attribution": THE_CPTS | THE_CAISSE,
}
