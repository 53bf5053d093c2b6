"""From the commit of each acceptance to the commit of the estimate row that it caused.

By the databases' commit timestamps (`track_commit_timestamp`), over every acceptance of the run.
"""

from datetime import datetime

import msgspec

from deploy.local.demo.chain import Chain

ACCEPTANCES = """
    select subject, pg_xact_commit_timestamp(xmin) as committed_at
    from history where type = 'referrals.ReferralAccepted.v1'
"""
# Of each fact, the revision that first counted it; then the first estimate that read that revision.
ESTIMATES = """
    with counted as (
        select cpts_id, starts_on, fact_id, min(revision) as revision
        from figure_fact
        where indicator = $1 and is_counted and fact_id like 'referral:%'
        group by cpts_id, starts_on, fact_id
    ), priced as (
        select cpts_id, starts_on, sequence, figure_revision,
               pg_xact_commit_timestamp(xmin) as committed_at
        from estimate where indicator = $1
    )
    select substr(counted.fact_id, length('referral:') + 1) as subject,
           min(priced.committed_at) as committed_at, counted.cpts_id, counted.starts_on
    from counted
    join priced on priced.cpts_id = counted.cpts_id and priced.starts_on = counted.starts_on
               and priced.figure_revision >= counted.revision
    group by counted.fact_id, counted.cpts_id, counted.starts_on
"""
# An acceptance before its contract was known is counted because of the contract, which opened the
# figure; a contract year has another row once its ACI ends early.
_CONTRACTS = """
    select split_part(subject, '/', 1) as cpts_id, split_part(subject, '/', 3)::date as starts_on,
           pg_xact_commit_timestamp(xmin) as committed_at
    from history
    where type = 'indicators.FigureChanged.v1' and sequence = 1
      and split_part(subject, '/', 2) = $1
"""
INDICATOR = "sas_demandes_avec_rdv"
_FIRST_EVENT = "select min(pg_xact_commit_timestamp(xmin)) from history"


class Percentiles(msgspec.Struct, frozen=True, kw_only=True):
    """Nearest-rank percentiles in milliseconds; None without samples."""

    p50: float | None
    p95: float | None
    p99: float | None
    samples: int


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """The run's latency, without and with the kill in the way.

    Apart: acceptances estimated later, when the contract was signed, and those without an estimate
    of their own, because they were cancelled or returned before indicators had counted them.
    `typical_referral` is the one whose latency is the median.
    """

    undisturbed: Percentiles
    behind_kill: Percentiles
    before_contract: int
    without_estimate: int
    typical_referral: str | None


async def measure(chain: Chain, away: tuple[float, float] | None) -> Latency:
    """Latency of every acceptance; `away` is when the killed service was away (epoch seconds)."""
    accepted = {
        row["subject"]: row["committed_at"]
        for row in await chain.databases["referrals"].fetch(ACCEPTANCES)
    }
    known_since = {
        (row["cpts_id"], row["starts_on"]): row["committed_at"]
        for row in await chain.databases["indicators"].fetch(_CONTRACTS, INDICATOR)
    }
    undisturbed: list[tuple[float, str]] = []
    behind: list[float] = []
    before_contract = estimated = 0
    for row in await chain.databases["payments"].fetch(ESTIMATES, INDICATOR):
        since, until = accepted[row["subject"]], row["committed_at"]
        estimated += 1
        if since < known_since[row["cpts_id"], row["starts_on"]]:
            before_contract += 1
        elif away and since.timestamp() <= away[1] and until.timestamp() >= away[0]:
            behind.append(_milliseconds(since, until))
        else:
            undisturbed.append((_milliseconds(since, until), row["subject"]))
    undisturbed.sort()
    return Latency(
        undisturbed=percentiles([took for took, _ in undisturbed]),
        behind_kill=percentiles(behind),
        before_contract=before_contract,
        without_estimate=len(accepted) - estimated,
        typical_referral=undisturbed[len(undisturbed) // 2][1] if undisturbed else None,
    )


async def first_event_at(chain: Chain) -> datetime | None:
    """When the first event of all was committed."""
    moments = [await one.fetchval(_FIRST_EVENT) for one in chain.databases.values()]
    return min((moment for moment in moments if moment is not None), default=None)


def _milliseconds(since: datetime, until: datetime) -> float:
    return (until - since).total_seconds() * 1000


def percentiles(milliseconds: list[float]) -> Percentiles:
    """The nearest-rank percentiles of samples."""
    ordered = sorted(milliseconds)

    def rank(percent: int) -> float | None:
        if not ordered:
            return None
        return round(ordered[-(-percent * len(ordered) // 100) - 1], 1)

    return Percentiles(p50=rank(50), p95=rank(95), p99=rank(99), samples=len(ordered))
