"""Where the levels of figures are not as the oracle foresees them: now, as they were known at an
instant, and as they were true on a day; and where the files of evidence behind them are others.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from typing import Any

import httpx

from deploy.local.demo.oracle_declared import Declarations, Declared
from deploy.local.demo.oracle_evidence import Evidence
from deploy.local.demo.oracle_levels import LEVELS, Levels, Word, sample
from deploy.local.demo.reader import Difference, Reader, refused


async def evidence_differences(reader: Reader, evidence: Evidence) -> list[Difference]:
    """Every file that was taken: whether it is given back as it was, as what it is."""
    differences = []
    for (cpts_id, evidence_id), expected in sorted(evidence.files.items()):
        where = f"{cpts_id}/{evidence_id}"
        try:
            path = f"/cpts/{cpts_id}/evidence/{evidence_id}"
            media_type, content = await reader.file("indicators", path)
        except httpx.HTTPStatusError as error:
            differences.append(refused("pièce", where, expected, error))
            continue
        found = (hashlib.sha256(content).hexdigest(), media_type)
        if found != expected:
            differences.append(
                Difference(what="pièce", where=where, expected=expected, found=found)
            )
    return differences


async def level_differences(
    reader: Reader, levels: Levels, declarations: Declarations, evidence: Evidence
) -> list[Difference]:
    """The levels of every contract year of whose figures something was said."""
    differences: list[Difference] = []
    said = sorted(word.said_at for words in levels.said.values() for word in words)
    middle = said[len(said) // 2] if said else None
    for cpts_id, year in sorted(levels.years()):
        for known_at, true_on in ((None, None), (middle, None), (None, middle and middle.date())):
            asked = {"known_at": known_at, "true_on": true_on}
            query = {name: day.isoformat() for name, day in asked.items() if day is not None}
            when = "".join(f"?{name}={day}" for name, day in query.items())
            where = f"{cpts_id}/{year.isoformat()}{when}"
            path = f"/cpts/{cpts_id}/contract-years/{year.isoformat()}/figures"
            try:
                told = (await reader.get("indicators", path, **query))["figures"]
            except httpx.HTTPStatusError as error:
                differences.append(refused("niveau", where, "des niveaux", error))
                continue
            for one in told:
                figure = (cpts_id, one["indicator"], year)
                known, files = (known_at, true_on or date.max), evidence.of_cpts(cpts_id)
                place = f"{where}/{one['indicator']}"
                stands = levels.standing(figure, *known)
                differences += standing_differences(place, stands, one, files)
                if one["source"] == "declared":
                    stood = declarations.standing(figure, *known)
                    differences += declared_differences(place, stood, one["declared"], files)
    return differences


def standing_differences(
    where: str, foreseen: Mapping[str, Word], told: Mapping[str, Any], files: Collection[str]
) -> Iterator[Difference]:
    """Where a level of a figure as the service shows it is not as it was foreseen; `files` are the
    pieces of evidence that are there.
    """
    for level, _ in LEVELS.values():
        word, found = foreseen.get(level), told[level]
        expected = None if word is None else _shown(word, found, files)
        actual = None if found is None else {name: found[name] for name in expected or found}
        if actual is not None:
            actual["recorded_at"] = datetime.fromisoformat(actual["recorded_at"])
        if expected != actual:
            yield Difference(
                what="niveau", where=f"{where}/{level}", expected=expected, found=actual
            )


def declared_differences(
    where: str, foreseen: Declared | None, told: Mapping[str, Any] | None, files: Collection[str]
) -> Iterator[Difference]:
    """Where a value that the CPTS declares is not as it was foreseen."""
    expected = foreseen and [
        *(foreseen.value, foreseen.true_on.isoformat(), foreseen.said_at),
        *([*foreseen.evidence_ids], [one for one in foreseen.evidence_ids if one not in files]),
    ]
    found = told and [
        *(told["value"], told["true_on"], datetime.fromisoformat(told["recorded_at"])),
        *(told["evidence_ids"], told["missing"]),
    ]
    if expected != found:
        yield Difference(what="déclaré", where=where, expected=expected, found=found)


def _shown(word: Word, found: Mapping[str, Any] | None, files: Collection[str]) -> dict[str, Any]:
    """A level as it must be shown; whatever seed the service drew, the sample is that seed's."""
    seed, evidence = word.seed, word.evidence_ids
    if word.sample_size and not word.is_seed_chosen and found is not None:
        seed = found["seed"]
        evidence = () if seed is None else sample(word.evidence, seed, word.sample_size)
    return {
        "value": word.value,
        "decided_on": word.decided_on.isoformat(),
        "by_role": word.by_role,
        "recorded_at": word.said_at,
        "revision": word.number,
        "answer": word.answer,
        "reason": word.reason,
        "ground": word.ground,
        "seed": seed,
        "is_seed_chosen": word.is_seed_chosen,
        "evidence_ids": [*evidence],
        "missing": [piece for piece in evidence if piece not in files],
        "stance_revision": word.stance_number,
    }
