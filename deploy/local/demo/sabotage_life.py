"""Falsifies what membership knows of the life of CPTS, and others of it: lettres d'intention,
projets de santé, associations, structures, the deadlines of their missions, a merger, a split.

As in `sabotage`, by SQL behind the service's back.
"""

from collections.abc import Awaitable, Callable

from deploy.local.demo.chain import Chain
from deploy.local.demo.sabotage_dues import once_there

_YEAR_LATER = """
    update mission_deadline set due_on = due_on + 365
    where cpts_id = '95-haut-val' and mission = 'prevention' and step = 'start'
      and not is_missed_said
"""
# For indicators its FINESS goes on meaning the CPTS that is gone.
_NEVER_MERGED = """
    update cpts set merged_on = null, into_cpts_id = null where merged_on is not null
"""
# For referrals the place is still the one's from which it was split.
_NEVER_SPLIT = """
    update territory_entry
    set cpts_id = case cpts_id when '95-rive' then '95-vexin-nouveau' else '95-rive' end
    where commune = '95039' and cpts_id in ('95-rive', '95-vexin-nouveau')
      and exists (select from territory_entry where cpts_id = '95-vexin-nouveau')
"""
# Not before the projet: an order on the lettre that is under way would keep it again.
_LETTRE_LOST = """
    delete from entry where cpts_id = '95-ysieux' and kind = 'LettreIntentionRecorded'
      and exists (select from projet_de_sante as one where one.cpts_id = entry.cpts_id)
"""
# Its ACI cannot be signed on the day on which it is.
_SILENCE_LONGER = """
    update projet_de_sante set silence_ends_on = silence_ends_on + 60
    where cpts_id = '95-plaine-de-france' and outcome = 'pending' and projet_id = 'projet-2'
"""
# For referrals who works in it is no member.
_STRUCTURE_IGNORED = """
    update member set is_withdrawn = true
    where cpts_id = '95-plaine-de-france' and member_id = 'cds:trois'
"""
# For referrals who works in it did not go with it to the CPTS that was split off.
_STAYED_BEHIND = """
    update member set is_withdrawn = true
    where cpts_id = '95-vexin-nouveau' and member_id = '95-rive~95-vexin~centre:cinq'
"""
# Not before the tool that is told after it: the same order again would put it right.
_ANOTHER_NUMBER = """
    update history set event = jsonb_set(event, '{siren}', '"952019016"')
    where event ->> 'cpts_id' = '95-haut-val' and event ->> 'siret' is not null
      and type = 'membership.AssociationRecorded.v1'
      and exists (
        select from history as later
        where later.type = 'membership.ToolRecorded.v1'
          and later.event ->> 'cpts_id' = '95-haut-val'
          and later.event ->> 'is_dmp_compatible' = 'true')
"""


async def _put_deadline_off(chain: Chain) -> None:
    """Before it is missed, it has another day; nothing is told of those missions any more."""
    await once_there(chain, _YEAR_LATER, service="membership")


async def _forget_merger(chain: Chain) -> None:
    await once_there(chain, _NEVER_MERGED, service="indicators")


async def _forget_split(chain: Chain) -> None:
    """As soon as it is known: the demands of the day from which it holds go to the other."""
    await once_there(chain, _NEVER_SPLIT, service="referrals")


async def _lose_lettre(chain: Chain) -> None:
    await once_there(chain, _LETTRE_LOST, service="membership")


async def _lengthen_silence(chain: Chain) -> None:
    """While a projet waits: the ARS may object for two months more."""
    await once_there(chain, _SILENCE_LONGER, service="membership")


async def _ignore_structure(chain: Chain) -> None:
    """Before a demand is accepted with one who belongs through a structure."""
    await once_there(chain, _STRUCTURE_IGNORED, service="referrals")


async def _leave_behind(chain: Chain) -> None:
    await once_there(chain, _STAYED_BEHIND, service="referrals")


async def _misread_association(chain: Chain) -> None:
    """Once it is told with the number of its seat: it has another one."""
    await once_there(chain, _ANOTHER_NUMBER, service="membership")


SABOTAGES_OF_LIFE: dict[str, Callable[[Chain], Awaitable[None]]] = {
    "deadline-put-off": _put_deadline_off,
    "merger-forgotten": _forget_merger,
    "split-forgotten": _forget_split,
    "lettre-lost": _lose_lettre,
    "silence-longer": _lengthen_silence,
    "structure-ignored": _ignore_structure,
    "structure-left-behind": _leave_behind,
    "association-misread": _misread_association,
}
