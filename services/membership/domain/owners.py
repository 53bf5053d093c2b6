"""Who may give each order of the service: roles by the name of the order's route.

Any other role is refused with `role_not_allowed`, before anything else is looked at.
What a CPTS says of itself alone is judged further, order by order.
"""

from collections.abc import Mapping
from typing import Final

from contracts.roles import Role

ANYBODY_CONCERNED: Final = frozenset({Role.CPTS, Role.CAISSE, Role.ARS, Role.SYSTEM})
SIGNATORIES: Final = frozenset({Role.CAISSE, Role.ARS, Role.SYSTEM})
THE_ARS: Final = frozenset({Role.ARS})

OWNERS: Final[Mapping[str, frozenset[Role]]] = {
    "register_cpts": ANYBODY_CONCERNED,
    "assign_finess": SIGNATORIES,
    "correct_finess": SIGNATORIES,
    "put_lettre": ANYBODY_CONCERNED,
    "validate_lettre": SIGNATORIES,
    "send_projet": ANYBODY_CONCERNED,
    "validate_projet": THE_ARS,
    "object_to_projet": THE_ARS,
    "withdraw_projet": ANYBODY_CONCERNED,
    "put_association": ANYBODY_CONCERNED,
    "sign": SIGNATORIES,
    "correct": SIGNATORIES,
    "end": SIGNATORIES,
    "put_mission": SIGNATORIES,
    "merge": SIGNATORIES,
    "split": SIGNATORIES,
    "add_place": ANYBODY_CONCERNED,
    "add_places": ANYBODY_CONCERNED,
    "correct_entry": ANYBODY_CONCERNED,
    "add_member": ANYBODY_CONCERNED,
    "add_members": ANYBODY_CONCERNED,
    "correct_member": ANYBODY_CONCERNED,
    "add_participation": ANYBODY_CONCERNED,
    "correct_participation": ANYBODY_CONCERNED,
    "put_structure": ANYBODY_CONCERNED,
    "put_professional": ANYBODY_CONCERNED,
    "put_tool": ANYBODY_CONCERNED,
    "import_extract": SIGNATORIES,
    "put_participants": SIGNATORIES,
}
