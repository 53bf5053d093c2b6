"""Orders that set the levels of a figure."""

import secrets
from collections.abc import Callable, Collection, Sequence
from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Response, post
from litestar.params import FromPath, JSONBody

from contracts.events.indicators import FigureLevelSet, SampleDrawn
from contracts.indicators import LOCAL, indicators
from services.indicators.domain.days import local_day
from services.indicators.domain.declared import evidence_of
from services.indicators.domain.figures import ContractYear, FigureKey
from services.indicators.domain.levels import (
    Asked,
    Ground,
    Level,
    Reply,
    draw_sample,
    levels_subject,
    samples_subject,
    set_level,
)
from services.indicators.domain.owners import OWNERS
from services.indicators.domain.refusals import Refusal
from services.indicators.domain.rule import CountingRule
from services.indicators.domain.values import year_of
from services.indicators.handlers.recording import Said, announce
from services.indicators.http.asking import (
    Count,
    Evidence,
    HttpRequest,
    PathId,
    refused,
    unless_refused,
)
from services.indicators.http.ordering import locked_departement, recorded
from services.indicators.store import answers, declarations, entries, membership_facts
from services.messaging.database import Connection
from services.messaging.orders import Answer, Order, Role, carry_out

FIGURE = "/cpts/{cpts_id:str}/contract-years/{starts_on:date}/figures/{indicator:str}"
Seed = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]
Number = Annotated[int, msgspec.Meta(ge=1, lt=2**31)]
Size = Annotated[int, msgspec.Meta(ge=1, le=100)]


class VerificationOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the caisse found on looking at a sample of the evidence: the one of `sample_number`,
    drawn before, or one of `sample_size` pieces, fewer where there are fewer.

    Without `seed` one is drawn, which nobody knew before; with it the verification says that the
    caisse chose it. `evidence_ids`, if said, are the pieces that were looked at, in any order: they
    must be those that the seed draws. `ground`: why the caisse holds another value than declared.
    """

    value: Count
    decided_on: date
    sample_number: Number | None = None
    sample_size: Size | None = None
    seed: Seed | None = None
    evidence_ids: Evidence | None = None
    ground: Ground | None = None

    def __post_init__(self) -> None:
        """Refuse a sample that is both drawn before and to be drawn, or neither."""
        if (self.sample_number is None) == (self.sample_size is None):
            raise ValueError("either `sample_number` or `sample_size` is said")
        if self.sample_size is None and self.seed is not None:
            raise ValueError("`seed` is that of a sample to be drawn")


class StanceOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether the CPTS agrees with a value; of a disagreement the reason, and as evidence what it
    was written in.
    """

    value: Count
    decided_on: date
    answer: Reply
    reason: Ground | None = None
    evidence_ids: Evidence = ()

    def __post_init__(self) -> None:
        """Refuse a disagreement without its reason, a reason without one, and a silence."""
        if self.answer is Reply.SILENT:
            raise ValueError("`answer` is `agreed` or `disagreed`")
        if (self.answer is Reply.DISAGREED) != (self.reason is not None):
            raise ValueError("`reason` is that of a disagreement, which has one")


class ValidationOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the caisse validates; `ground`: why it holds another value than declared.

    The answer of the CPTS is its own order's, on the same value.
    """

    value: Count
    decided_on: date
    ground: Ground | None = None
    evidence_ids: Evidence = ()


class VisaOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The validated value on which the ARS puts its visa."""

    value: Count
    decided_on: date


class LevelAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A level as it stands now; `missing` are the pieces of evidence that name no file."""

    cpts_id: str
    contract_year_starts_on: date
    indicator: str
    level: str
    value: int
    decided_on: date
    by_role: str
    revision: int
    figure_revision: int
    answer: str | None
    reason: str | None
    seed: int | None
    evidence_ids: Sequence[str]
    is_seed_chosen: bool
    sample_number: int | None
    ground: str | None
    stance_revision: int | None
    said_by: str | None
    missing: Sequence[str]


async def figure_asked(
    connection: Connection, cpts_id: str, starts_on: date, indicator: str
) -> tuple[FigureKey, ContractYear]:
    """A figure that may be, a line's own too; raises `Refused` where there is none."""
    known = indicators().get(indicator)
    if known is None and not LOCAL.fullmatch(indicator):
        raise refused(Refusal.UNKNOWN_INDICATOR)
    years = await membership_facts.contract_years(connection, [cpts_id])
    year = unless_refused(year_of(years.get(cpts_id, ()), starts_on))
    if known is not None and not known.holds(starts_on):
        raise refused(Refusal.INDICATOR_NOT_OF_THAT_YEAR)
    return FigureKey(cpts_id, indicator, starts_on), year


async def evidence_behind(
    connection: Connection, key: FigureKey, year: ContractYear, rule: CountingRule
) -> set[str]:
    """All the evidence behind a figure."""
    declared = await declarations.of_cpts(connection, [key.cpts_id])
    return evidence_of(key, year, declared, rule)


async def _set(order: Order, asked: Asked, key: FigureKey, departement: str) -> Answer:
    """Sets a level of a figure whose CPTS is locked: 201 when it is news, 200 when it stood."""
    connection = order.unit.connection
    subject = levels_subject(key)
    said = await entries.life(connection, FigureLevelSet, subject)
    figure = await answers.figure(connection, key.cpts_id, key.indicator, key.starts_on)
    event = unless_refused(
        set_level(
            asked,
            key,
            said=said,
            figure_revision=figure["revision"] if figure else 0,
            today=local_day(order.instant),
        )
    )
    if event is not None:
        news = Said(subject=subject, departement=departement, event=event)
        await announce(order.unit, [news], order.cause)
    stands = event or [one for one in said if one.level == asked.level][-1]
    told = msgspec.structs.asdict(stands)
    told["missing"] = await declarations.missing_evidence(
        connection, key.cpts_id, stands.evidence_ids
    )
    shown = LevelAnswer(**{name: told[name] for name in LevelAnswer.__struct_fields__})
    return Answer(body=shown, status=200 if event is None else 201)


async def _carry(
    request: HttpRequest,
    roles: Collection[Role],
    cpts_id: str,
    starts_on: date,
    indicator: str,
    asked: Callable[[Order], Asked],
) -> Response[LevelAnswer]:
    """Carries out an order that sets a level which rests on nothing but what it says."""

    async def body(order: Order) -> Answer:
        departement = await locked_departement(order, cpts_id)
        key, _ = await figure_asked(order.unit.connection, cpts_id, starts_on, indicator)
        return await _set(order, asked(order), key, departement)

    return await carry_out(request, roles, body)


async def _sample(
    connection: Connection, key: FigureKey, data: VerificationOrder, evidence: Collection[str]
) -> tuple[int, tuple[str, ...]]:
    """The seed of a verification and its sample, drawn before or now; raises `Refused` when there
    is none of that number, or another one was seen.
    """
    if data.sample_size is None:
        drawn = await entries.life(connection, SampleDrawn, samples_subject(key))
        found = next((one for one in drawn if one.number == data.sample_number), None)
        if found is None:
            raise refused(Refusal.UNKNOWN_SAMPLE)
        seed, sample = found.seed, found.evidence_ids
    else:
        # Drawn from the order a seed could be chosen after all: by trying keys of idempotency.
        seed = secrets.randbits(32) if data.seed is None else data.seed
        sample = draw_sample(evidence, seed=seed, size=data.sample_size)
    if data.evidence_ids is not None and set(data.evidence_ids) != set(sample):
        raise refused(Refusal.ANOTHER_SAMPLE, seed=seed, evidence_ids=list(sample))
    return seed, sample


@post(FIGURE + "/stance", responses=recorded(LevelAnswer), status_code=200)
async def take_stance(
    request: HttpRequest,
    cpts_id: PathId,
    starts_on: FromPath[date],
    indicator: FromPath[str],
    data: JSONBody[StanceOrder],
) -> Response[LevelAnswer]:
    """Says whether the CPTS agrees with a value, or why it disagrees; the last word stands."""

    def asked(order: Order) -> Asked:
        return Asked(
            level=Level.STANCE,
            value=data.value,
            decided_on=data.decided_on,
            by_role=order.role,
            said_by=order.person,
            answer=data.answer,
            reason=data.reason,
            evidence_ids=tuple(sorted(set(data.evidence_ids))),
        )

    return await _carry(request, OWNERS["take_stance"], cpts_id, starts_on, indicator, asked)


@post(FIGURE + "/validation", responses=recorded(LevelAnswer), status_code=200)
async def validate_figure(
    request: HttpRequest,
    cpts_id: PathId,
    starts_on: FromPath[date],
    indicator: FromPath[str],
    data: JSONBody[ValidationOrder],
) -> Response[LevelAnswer]:
    """Validates a figure, with the agreement, the disagreement or the silence of the CPTS."""

    def asked(order: Order) -> Asked:
        return Asked(
            level=Level.VALIDATED,
            value=data.value,
            decided_on=data.decided_on,
            by_role=order.role,
            said_by=order.person,
            ground=data.ground,
            evidence_ids=tuple(sorted(set(data.evidence_ids))),
        )

    return await _carry(request, OWNERS["validate_figure"], cpts_id, starts_on, indicator, asked)


@post(FIGURE + "/visa", responses=recorded(LevelAnswer), status_code=200)
async def put_visa(
    request: HttpRequest,
    cpts_id: PathId,
    starts_on: FromPath[date],
    indicator: FromPath[str],
    data: JSONBody[VisaOrder],
) -> Response[LevelAnswer]:
    """Puts the visa of the ARS on the value that the caisse validated."""

    def asked(order: Order) -> Asked:
        return Asked(
            level=Level.VISA,
            value=data.value,
            decided_on=data.decided_on,
            by_role=order.role,
            said_by=order.person,
        )

    return await _carry(request, OWNERS["put_visa"], cpts_id, starts_on, indicator, asked)


def make_routes(rule: CountingRule) -> tuple[Any, ...]:
    """The routes, of which samples follow what activities add."""

    @post(FIGURE + "/verification", responses=recorded(LevelAnswer), status_code=200)
    async def verify_figure(
        request: HttpRequest,
        cpts_id: PathId,
        starts_on: FromPath[date],
        indicator: FromPath[str],
        data: JSONBody[VerificationOrder],
    ) -> Response[LevelAnswer]:
        """Verifies a figure on a sample of its evidence; the seed and the sample are kept."""

        async def body(order: Order) -> Answer:
            departement = await locked_departement(order, cpts_id)
            connection = order.unit.connection
            key, year = await figure_asked(connection, cpts_id, starts_on, indicator)
            evidence = await evidence_behind(connection, key, year, rule)
            seed, sample = await _sample(connection, key, data, evidence)
            asked = Asked(
                level=Level.VERIFIED,
                value=data.value,
                decided_on=data.decided_on,
                by_role=order.role,
                said_by=order.person,
                ground=data.ground,
                seed=seed,
                is_seed_chosen=data.seed is not None,
                evidence_ids=sample,
                sample_number=data.sample_number,
            )
            return await _set(order, asked, key, departement)

        return await carry_out(request, OWNERS["verify_figure"], body)

    return (verify_figure, take_stance, validate_figure, put_visa)
