"""Falsifies levels of figures, in indicators and as payments knows them, the evidence behind them,
and what a settlement says of them.

As in `sabotage_dues`, by SQL behind the services' backs.
"""

from collections.abc import Awaitable, Callable

from deploy.local.demo.chain import Chain
from deploy.local.demo.sabotage_dues import once_there

# Once both validations are heard: what was verified before them counts again.
_NEVER_VALIDATED = """
    delete from figure_level
    where cpts_id = '95-haut-val' and indicator = 'prevention_participants' and level = 'validated'
      and (select count(*) from figure_level as kept
           where (kept.cpts_id, kept.starts_on, kept.indicator, kept.level)
               = (figure_level.cpts_id, figure_level.starts_on, figure_level.indicator, 'validated')
          ) = 2
"""
# Once another value is validated: the visa is taken for one on this.
_VISA_OUTLIVES = """
    with last as (
        select subject, max((event ->> 'revision')::int) as revision from history
        where event ->> 'level' = 'validated'
          and event ->> 'cpts_id' = '95-haut-val'
          and event ->> 'indicator' = 'prevention_participants'
        group by subject having count(*) = 2
    )
    update history set event = jsonb_set(event, '{validated_revision}', to_jsonb(last.revision))
    from last where history.subject = last.subject and event ->> 'level' = 'visa'
"""
_AGREEMENT_INVENTED = """
    update settlement set event = jsonb_set(event, '{without_agreement}', '[]')
    where cpts_id = '95-parisis-est' and event -> 'without_agreement' <> '[]'
"""
# Of a file that is there only in name.
_ANOTHER_FILE = """
    update history set event = jsonb_set(event, '{sha256}', to_jsonb(repeat('0', 64)))
    where type = 'indicators.EvidenceRecorded.v1' and event ->> 'evidence_id' = 'g0-emargement'
"""


async def _forget_level(chain: Chain) -> None:
    await once_there(chain, _NEVER_VALIDATED)


async def _keep_visa(chain: Chain) -> None:
    await once_there(chain, _VISA_OUTLIVES, service="indicators")


async def _invent_agreement(chain: Chain) -> None:
    """As soon as a year is settled: the CPTS has agreed with all of it."""
    await once_there(chain, _AGREEMENT_INVENTED)


async def _lose_evidence(chain: Chain) -> None:
    await once_there(chain, _ANOTHER_FILE, service="indicators")


SABOTAGES_OF_LEVELS: dict[str, Callable[[Chain], Awaitable[None]]] = {
    "level-forgotten": _forget_level,
    "visa-outlived": _keep_visa,
    "agreement-invented": _invent_agreement,
    "evidence-lost": _lose_evidence,
}
