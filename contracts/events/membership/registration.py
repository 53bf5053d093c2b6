"""A CPTS (communauté professionnelle territoriale de santé): its life but for its contract."""

from datetime import date

import msgspec


class CptsRegistered(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="membership.CptsRegistered.v1"
):
    """A CPTS exists; its seat gives its key for ever.

    It has been in émergence since `emerged_on`; when None, since the day it was registered.
    """

    cpts_id: str
    cpts_name: str
    seat_commune: str
    finess: str | None = None
    emerged_on: date | None = None


class FinessAssigned(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="membership.FinessAssigned.v1"
):
    """The CPTS's FINESS number is known: `1` and nine characters, as the SAS writes it.

    They are digits, but for the département of Corsica: `2A`, `2B`.
    """

    cpts_id: str
    finess: str


class MissionPlanned(msgspec.Struct, frozen=True, kw_only=True):
    """A mission, and the day on which a lettre d'intention plans to start it."""

    mission: str
    starts_on: date


class LettreIntentionRecorded(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="membership.LettreIntentionRecorded.v1",
):
    """The CPTS sent its lettre d'intention, which the ARS and the caisse validated or not yet.

    `communes` are the INSEE codes of the territory that it names, `partners` the FINESS or SIRET
    of those who take part, `study_sha256` the digest of the territorial study.
    """

    cpts_id: str
    lettre_id: str
    sent_on: date
    communes: tuple[str, ...]
    study_sha256: str | None = None
    partners: tuple[str, ...] = ()
    calendar: tuple[MissionPlanned, ...] = ()
    validated_on: date | None = None
    is_withdrawn: bool = False


class ProjetDeSanteSent(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="membership.ProjetDeSanteSent.v1",
):
    """The ARS received the CPTS's projet de santé: it may object until `silence_ends_on`, included.

    The silence of the ARS validates it (CSP, L. 1434-12).
    """

    cpts_id: str
    projet_id: str
    sent_on: date
    silence_ends_on: date
    document_sha256: str | None = None


class ProjetDeSanteValidated(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="membership.ProjetDeSanteValidated.v1",
):
    """The projet de santé is valid from a day on, by a decision or by the silence of the ARS."""

    cpts_id: str
    projet_id: str
    validated_on: date
    is_tacit: bool


class ProjetDeSanteObjected(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="membership.ProjetDeSanteObjected.v1",
):
    """The ARS objected to the projet de santé.

    `grounds`: `prs_not_respected` (projet régional de santé), `territory_not_relevant`; the law
    knows no other (CSP, L. 1434-12).
    """

    cpts_id: str
    projet_id: str
    objected_on: date
    grounds: tuple[str, ...]


class ProjetDeSanteWithdrawn(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="membership.ProjetDeSanteWithdrawn.v1",
):
    """The projet de santé was recorded by mistake: nothing of it holds."""

    cpts_id: str
    projet_id: str


class AssociationRecorded(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    tag="membership.AssociationRecorded.v1",
):
    """The CPTS is an association, declared on a day (CSP, L. 1434-12-1).

    `legal_form`: `loi_1901`, or `droit_local` in the Bas-Rhin, the Haut-Rhin and the Moselle;
    `rna` is its number in the répertoire national des associations, `W` and nine digits; `siren`
    (nine digits) that of the INSEE's register, the first nine of the `siret` of its seat.
    """

    cpts_id: str
    association_id: str
    declared_on: date
    legal_form: str
    rna: str | None = None
    is_withdrawn: bool = False
    siren: str | None = None
    siret: str | None = None


class CptsMerged(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="membership.CptsMerged.v1"
):
    """The CPTS is part of another from a day on, and is none of its own any more.

    The other has its places and its members from that day; events of both say so. Its FINESS means
    the other from then on.
    """

    cpts_id: str
    into_cpts_id: str
    merged_on: date


class CptsSplit(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="membership.CptsSplit.v1"
):
    """A part of the CPTS, its places and its members, is another CPTS from a day on."""

    cpts_id: str
    new_cpts_id: str
    split_on: date
