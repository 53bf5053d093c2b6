"""The oracle's half about levels of figures: what the caisse verifies on evidence, what the CPTS
says of a value, what the caisse validates, the visa of the ARS.

Written from the rules (ADR 0019 and 0027); shares no code with the services.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from deploy.local.demo.oracle_contracts import Contracts, paris_day
from deploy.local.demo.oracle_declared import Figure, catalogue
from deploy.local.demo.orders import Order

VERIFIED, STANCE, VALIDATED, VISA = "verified", "stance", "validated", "visa"
LEVELS = {
    "verification": (VERIFIED, "caisse"),
    "stance": (STANCE, "cpts"),
    "validation": (VALIDATED, "caisse"),
    "visa": (VISA, "ars"),
}
"""Each order, with the level that it sets and whose it is."""
SILENT = "silent"
OF_A_LINE = re.compile(r"local_[a-z0-9_]+")
Body = dict[str, Any]


@dataclass(frozen=True)
class Word:
    """What was said of a figure, its place among all that was, and the evidence there was then.

    Of a sample whose seed the service draws, the seed is not foreseen.
    """

    level: str
    value: int
    decided_on: date
    by_role: str
    said_at: datetime = field(compare=False)
    number: int = field(compare=False)
    answer: str | None = None
    reason: str | None = None
    ground: str | None = None
    seed: int | None = None
    is_seed_chosen: bool = False
    evidence_ids: tuple[str, ...] = ()
    stance_number: int | None = None
    validated_number: int | None = None
    evidence: frozenset[str] = field(default=frozenset(), compare=False)
    sample_size: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Best:
    """The value that counts before the live one, how sure it is, what the CPTS says of it."""

    value: int
    level: str
    answer: str


class Levels:
    """All that was said of figures; `evidence` gives what is behind one now."""

    def __init__(
        self, contracts: Contracts, evidence: Callable[[Figure, date], Collection[str]]
    ) -> None:
        self._contracts, self._evidence = contracts, evidence
        self.said: defaultdict[Figure, list[Word]] = defaultdict(list)

    def order(self, order: Order) -> str:
        """The outcome of an order on a level."""
        _, _, cpts_id, _, day, _, indicator, verb = order.path.split("/")
        body, (level, whose) = order.body, LEVELS[verb]
        if level == STANCE and (body["answer"] == "disagreed") != ("reason" in body):
            return "400"
        if order.role != whose:
            return "role_not_allowed"
        if order.role == "cpts" and order.acting_cpts != cpts_id:
            return "not_the_acting_cpts"
        start = date.fromisoformat(day)
        end = dict(self._contracts.cpts[cpts_id].years).get(start)
        if end is None or not (indicator in catalogue() or OF_A_LINE.fullmatch(indicator)):
            return "404"
        known = catalogue().get(indicator)
        if known is not None and not known.from_on <= start <= known.to_on:
            return "indicator_not_of_that_year"
        figure = (cpts_id, indicator, start)
        word = self._word(figure, end, level, order)
        if isinstance(word, Word):
            self.said[figure].append(word)
            return "ok"
        return word

    def _word(self, figure: Figure, end: date, level: str, order: Order) -> Word | str:
        """What an order says; or how it ends, when that is nothing new."""
        body, start = order.body, figure[2]
        named = {**body, "evidence_ids": tuple(sorted({*body.get("evidence_ids", ())}))}
        if level == VERIFIED:
            named |= self._sampled(figure, end, body)
            if "evidence_ids" in body and {*body["evidence_ids"]} != {*named["evidence_ids"]}:
                return "another_sample"
        decided_on = date.fromisoformat(body["decided_on"])
        if not start <= decided_on <= paris_day(order.at):
            return "not_yet_decided"
        stands = self.standing(figure)
        validated = stands.get(VALIDATED)
        if level == VISA and validated is None:
            return "not_validated"
        if level == VISA and validated and validated.value != body["value"]:
            return "another_value_validated"
        if level == VALIDATED:
            stance = stands.get(STANCE)
            is_about = stance is not None and stance.value == body["value"]
            named["answer"] = stance.answer if stance and is_about else SILENT
            named["reason"] = stance.reason if stance and is_about else None
            named["stance_number"] = stance.number if stance and is_about else None
        if level == VISA and validated:
            named["validated_number"] = validated.number
        word = Word(
            level=level,
            by_role=order.role,
            number=len(self.said[figure]) + 1,
            said_at=order.at,
            **named | {"decided_on": decided_on},
        )
        # A sample that is drawn anew is news, whatever it shows.
        is_drawn = level == VERIFIED and not word.is_seed_chosen
        return "ok" if word == stands.get(level) and not is_drawn else word

    def _sampled(self, figure: Figure, end: date, body: Body) -> Body:
        """The evidence that a verification looks at; what a seed that is not told draws is open."""
        evidence, seed = self._evidence(figure, end), body.get("seed")
        size = body["sample_size"]
        return {
            "evidence": frozenset(evidence),
            "is_seed_chosen": seed is not None,
            "evidence_ids": () if seed is None else sample(evidence, seed, size),
        }

    def standing(
        self, figure: Figure, known_at: datetime | None = None, true_on: date = date.max
    ) -> dict[str, Word]:
        """The levels that stand of a figure, of what was known at an instant and decided by a day:
        a visa as long as the validation that it was put on.
        """
        said = [
            word
            for word in self.said.get(figure, ())
            if (known_at is None or word.said_at <= known_at) and word.decided_on <= true_on
        ]
        last = {word.level: word for word in said}
        visa, validated = last.get(VISA), last.get(VALIDATED)
        if visa and (validated is None or visa.validated_number != validated.number):
            del last[VISA]
        return last

    def best(self, figure: Figure, dialogue: tuple[datetime, int | None] | None) -> Best | None:
        """The value that counts before the live one, if any: the validated one, by the last word of
        the caisse here or in the dialogue, which may be that there is none; else the verified one.
        """
        stands = self.standing(figure)
        validated, verified, visa = (stands.get(one) for one in (VALIDATED, VERIFIED, VISA))
        value = None if validated is None else validated.value
        if dialogue is not None and (validated is None or dialogue[0] >= validated.said_at):
            value = dialogue[1]
        level = VISA if visa is not None and visa.value == value else VALIDATED
        if value is None:
            if verified is None:
                return None
            value, level = verified.value, VERIFIED
        stance = stands.get(STANCE)
        is_about = stance is not None and stance.value == value
        return Best(value, level, (stance and is_about and stance.answer) or SILENT)

    def years(self) -> set[tuple[str, date]]:
        """The contract years of whose figures something was said."""
        return {(cpts_id, start) for (cpts_id, _, start), said in self.said.items() if said}


def sample(evidence: Collection[str], seed: int, size: int) -> tuple[str, ...]:
    """The pieces of evidence that a seed draws: the first by the digest of seed and id."""

    def digest(piece: str) -> str:
        return hashlib.sha256(f"{seed}\n{piece}".encode()).hexdigest()

    return tuple(sorted(evidence, key=digest)[:size])
