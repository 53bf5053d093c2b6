"""What the indicators service says: figures, and what CPTS and caisse declare behind them.

Of a figure the aggregate is `<cpts_id>/<indicator>/<contract year's first day>`, of an activity
`<cpts_id>/activities/<activity_id>`, of a value `<figure>/value`, of levels `<figure>/levels`; the
key is the CPTS's. Of a decision about an appointment it is `attributions/<appointment_id>`, under
the key `00`. Consumers keep the figure with the highest `revision`, and of an entry that is
declared the highest sequence. What people say has the role in which they did (`by_role`) and the
organisation's own id of the one who did (`said_by`), both None where it was said before they were
kept; an entry that is corrected or withdrawn may tell why: `mistyped`, `evidence_changed`,
`facts_changed`, `asked_by_caisse`.
"""

from datetime import date

import msgspec


class FactChange(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that this figure began to count, counts otherwise, or no longer counts.

    `fact_id` is `referral:<id>`, `appointment:<platform id>`, `rpps:<number>`, or of what a CPTS
    declares `activity:<cpts_id>/<id>`, `participant:<cpts_id>/<rpps>`, `value:<cpts_id>`,
    `plan:<cpts_id>`, `mobilised:<cpts_id>/<rpps>`, `response:<cpts_id>/<crisis_id>`. Per fact, the
    highest revision stands. `quantity` is what the fact adds to the figure while it
    counts, and `from_on` the day from which it does; None where it was said before days were told.
    """

    fact_id: str
    is_counted: bool
    quantity: int = 1
    from_on: date | None = None


class FigureChanged(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="indicators.FigureChanged.v1"
):
    """A figure has a new value. Both dates of the contract year are included in it.

    `revision` is the number of facts recorded behind the figure, so it only grows, and `facts` is
    what changed since the revision announced before. `indicator` is a code of
    `contracts/data/indicators.toml`, or `sas_medecins_participants_via_cpts`.
    """

    cpts_id: str
    indicator: str
    contract_year_starts_on: date
    contract_year_ends_on: date
    value: int
    revision: int
    facts: tuple[FactChange, ...] = ()


class Quantity(msgspec.Struct, frozen=True, kw_only=True):
    """How much of something an activity had; `unit` is one that `GET /activity-kinds` names."""

    unit: str
    count: int


class ActivityRecorded(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="indicators.ActivityRecorded.v1",
):
    """An activity that a CPTS declares, whole, as it is from now on.

    `kind` is a code of `GET /activity-kinds`. `participants` are the RPPS of the professionals who
    took part. `is_withdrawn`: it was declared by mistake.
    """

    cpts_id: str
    activity_id: str
    kind: str
    mission: str
    held_on: date
    participants: tuple[str, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    evidence_ids: tuple[str, ...] = ()
    is_withdrawn: bool = False
    by_role: str | None = None
    said_by: str | None = None
    reason: str | None = None


class ValueRecorded(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="indicators.ValueRecorded.v1"
):
    """The value of an indicator in a contract year, as it is from now on: the figure is that value.

    `by`: `cpts`, which declares it, or `caisse`, from a file whose digest is `file_sha256`. It was
    true on `true_on`. `is_withdrawn`: it was recorded by mistake.
    """

    cpts_id: str
    indicator: str
    contract_year_starts_on: date
    value: int
    true_on: date
    by: str
    evidence_ids: tuple[str, ...] = ()
    file_sha256: str | None = None
    is_withdrawn: bool = False
    said_by: str | None = None
    reason: str | None = None


class CaisseFileTaken(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="indicators.CaisseFileTaken.v1"
):
    """A file of the caisse was taken whole; its values are events of their own.

    The subject is `caisse-files/<file_sha256>` and the key `00`.
    """

    file_sha256: str
    rows_count: int


class FigureLevelSet(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="indicators.FigureLevelSet.v1"
):
    """Somebody set a level of a figure: `verified` or `validated` by the caisse, `visa` by the ARS;
    or the CPTS said whether it agrees with a value, `stance`.

    `revision` is its place among all that was said of that figure; of one level the highest stands,
    and a visa as long as `validated_revision` is that of the standing validation.
    `figure_revision` is that of the live figure on that day. A verification looked at the evidence
    `evidence_ids`, drawn by `seed`: as the sample `sample_number`, or else here; `is_seed_chosen`:
    the caisse said that seed. `ground` is why the caisse holds another value than was declared, a
    code like `reason`. A stance has an `answer`, `agreed` or `disagreed`, and of a disagreement the
    `reason` (`value_contested`, `evidence_left_out`, `period_contested`, `rule_contested`) and what
    it was written in, as `evidence_ids`. A validation has the `answer` and `reason` of the stance
    on its value that stood then, which is `stance_revision`, or `silent`.
    """

    cpts_id: str
    indicator: str
    contract_year_starts_on: date
    level: str
    value: int
    decided_on: date
    by_role: str
    revision: int
    figure_revision: int = 0
    answer: str | None = None
    reason: str | None = None
    seed: int | None = None
    evidence_ids: tuple[str, ...] = ()
    validated_revision: int | None = None
    is_seed_chosen: bool = False
    ground: str | None = None
    stance_revision: int | None = None
    said_by: str | None = None
    sample_number: int | None = None


class SampleDrawn(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="indicators.SampleDrawn.v1"
):
    """The caisse had a sample drawn of the evidence behind a figure, to look at before it verifies.

    `number` is its place among all that were drawn of that figure. `evidence_ids` are the `size`
    pieces, fewer where there were fewer, that `seed` draws of the `evidence_count` there were then.
    """

    cpts_id: str
    indicator: str
    contract_year_starts_on: date
    number: int
    seed: int
    size: int
    evidence_ids: tuple[str, ...]
    evidence_count: int
    by_role: str
    said_by: str | None = None


class EvidenceRecorded(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="indicators.EvidenceRecorded.v1",
):
    """A piece of evidence was stored under its digest; it never changes.

    `media_type`: `application/pdf`, `image/png`, `image/jpeg`, `application/zip`, `text/csv`,
    `application/vnd.openxmlformats-officedocument.spreadsheetml.sheet`, as its bytes say.
    """

    cpts_id: str
    evidence_id: str
    sha256: str
    size_bytes: int
    media_type: str


class CrisisPlanRecorded(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="indicators.CrisisPlanRecorded.v1",
):
    """The plan of a CPTS for exceptional health crises, whole, as it is from now on.

    `typologies` that it covers: `blesses`, `malades`, `agent_infectieux`, `nrc`,
    `offre_de_soins`. `updated_on` are the days of all its updates, in order.
    """

    cpts_id: str
    typologies: tuple[str, ...]
    written_on: date
    sent_to_ars_on: date | None = None
    updated_on: tuple[date, ...] = ()
    evidence_ids: tuple[str, ...] = ()
    is_withdrawn: bool = False
    by_role: str | None = None
    said_by: str | None = None
    reason: str | None = None


class CrisisRecognised(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="indicators.CrisisRecognised.v1",
):
    """The ARS recognises a crisis in some départements, whole, as it is from now on.

    `typology` is one of those of plans. The subject is `crises/<crisis_id>` and the key `00`.
    """

    crisis_id: str
    departements: tuple[str, ...]
    typology: str
    from_on: date
    to_on: date | None = None
    is_withdrawn: bool = False
    by_role: str | None = None
    said_by: str | None = None
    reason: str | None = None


class CrisisResponseRecorded(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="indicators.CrisisResponseRecorded.v1",
):
    """What a CPTS did in a recognised crisis, whole: `professionals` are the RPPS it mobilised."""

    cpts_id: str
    crisis_id: str
    professionals: tuple[str, ...] = ()
    actions_count: int = 0
    evidence_ids: tuple[str, ...] = ()
    is_withdrawn: bool = False
    by_role: str | None = None
    said_by: str | None = None
    reason: str | None = None


class AttributionDecided(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="indicators.AttributionDecided.v1",
):
    """Somebody decided where a doubtful appointment of the platform counts, as it is from now on.

    `decision`: `count_for` (that `for_cpts_id`), `count_apart` (it is no twin of `twins`; for
    `for_cpts_id` if said), `leave_out` (nobody counts it), `as_ruled` (as the counting rule says).
    `reason`: `confirmed_by_cpts`, `confirmed_by_practitioner`, `confirmed_by_platform`,
    `membership_not_recorded`, `wrong_number`, `same_appointment`, `two_appointments`,
    `outside_cpts`, `decided_by_mistake`. `by_role`: `caisse`, or `cpts` with `by_cpts_id`;
    `decided_by` is an opaque id. `candidates` and `twins` (fact ids) are what was looked at.
    """

    appointment_id: str
    decision: str
    reason: str
    by_role: str
    decided_by: str
    by_cpts_id: str | None = None
    for_cpts_id: str | None = None
    candidates: tuple[str, ...] = ()
    twins: tuple[str, ...] = ()


IndicatorsEvent = (
    FigureChanged
    | ActivityRecorded
    | ValueRecorded
    | CaisseFileTaken
    | FigureLevelSet
    | SampleDrawn
    | EvidenceRecorded
    | CrisisPlanRecorded
    | CrisisRecognised
    | CrisisResponseRecorded
    | AttributionDecided
)
