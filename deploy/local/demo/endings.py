"""How the demo's demands end: each ending is a short story of orders, rare ones included."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import msgspec

from deploy.local.demo import hub
from deploy.local.demo.demands import MINUTE, STRANGER_RPPS, Booked, Life, booked
from deploy.local.demo.hub import Told
from deploy.local.demo.orders import Draft

DECLINE_REASONS = (
    "no_availability",
    "outside_competence",
    "not_unscheduled_care",
    "needs_emergency_care",
    "place_not_covered",
)


def _honoured(life: Life) -> list[Draft]:
    made = booked(life)
    return made.then(life.order("honoured", made.starts_at + 30 * MINUTE))


def _left_booked(life: Life) -> list[Draft]:
    return booked(life).then()


def _no_show(life: Life) -> list[Draft]:
    made = booked(life)
    return made.then(life.order("no-show", made.starts_at + 25 * MINUTE))


def _corrected(life: Life) -> list[Draft]:
    made = booked(life)
    return made.then(
        life.order("no-show", made.starts_at + 25 * MINUTE),
        life.order("honoured", made.starts_at + 90 * MINUTE),
        life.order("honoured", made.starts_at + 95 * MINUTE, key="honoured-again"),
        life.order("cancel", made.starts_at + 100 * MINUTE, {"by": "cpts"}),
    )


def _cancelled(life: Life) -> list[Draft]:
    made = booked(life)
    at = made.at + (made.starts_at - made.at) / 2
    by = life.random.choice(("patient", "practitioner", "cpts", "regulation"))
    role = "regulation" if by == "regulation" else "cpts"
    cancel = life.order("cancel", at, {"by": by}, role=role)
    return made.then(cancel, life.order("honoured", made.starts_at + 30 * MINUTE))


def _moved(life: Life) -> list[Draft]:
    made = booked(life)
    at = made.at + (made.starts_at - made.at) / 3
    later = made.starts_at + MINUTE * life.random.randrange(15, 26 * 60)
    body = {"starts_at": later.isoformat()}
    if life.random.random() < 0.5:
        body |= {"practitioner_rpps": life.member().rpps}
    early = life.order("honoured", at + MINUTE / 2, key="too-early")
    return made.then(
        life.order("move", at, body), early, life.order("honoured", later + 30 * MINUTE)
    )


def _moved_wrongly(life: Life) -> list[Draft]:
    made = booked(life)
    at = made.at + (made.starts_at - made.at) / 3
    past = (at - 30 * MINUTE).isoformat()
    too_late = (life.see_by + timedelta(days=30) + MINUTE).isoformat()
    return made.then(
        life.order("move", at, {}, key="move-nothing"),
        life.order("move", at, {"practitioner_rpps": STRANGER_RPPS}, key="move-stranger"),
        life.order("move", at, {"starts_at": past}, key="move-past"),
        life.order("move", at, {"starts_at": too_late}, key="move-too-late"),
        life.order("cancel", at, {"by": "nobody"}, key="cancel-nobody"),
    )


def _meddled_with_by_another_cpts(life: Life) -> list[Draft]:
    """Another CPTS can do nothing to it, and its own cannot act as the regulation."""
    made = booked(life)
    at = made.at + (made.starts_at - made.at) / 3
    after = made.starts_at + 30 * MINUTE
    later = {"starts_at": (made.starts_at + 30 * MINUTE).isoformat()}
    return made.then(
        life.order("cancel", at, {"by": "cpts"}, cpts=life.other, key="cancel-other"),
        life.order("move", at, later, cpts=life.other, key="move-other"),
        life.order("return", at, {"reason": "by_cpts"}, cpts=life.other, key="return-other"),
        life.order("cancel", at, {"by": "regulation"}, key="cancel-as-regulation"),
        life.order("return", at, {"reason": "by_regulation"}, key="return-as-regulation"),
        life.order("no-show", after, cpts=life.other, key="no-show-other"),
        life.order("honoured", after),
    )


def _returned_after_booking(life: Life) -> list[Draft]:
    made = booked(life)
    at = made.at + (made.starts_at - made.at) / 2
    return made.then(
        life.order("return", at, {"reason": "practitioner_unavailable"}),
        life.order("return", at, {"reason": "by_cpts"}, key="return-again"),
    )


def _told_by_the_platform(life: Life) -> list[Draft]:
    made = booked(life)
    status = life.random.choice(("fulfilled", "noshow", "cancelled"))
    at = made.starts_at + 40 * MINUTE
    if status == "cancelled":
        at = made.at + (made.starts_at - made.at) / 2
    name = f"{life.source_id}-{status}"
    return made.then(hub.message(made.told(status), at=at, name=name, lane=life.id))


def _moved_by_the_platform(life: Life) -> list[Draft]:
    made = booked(life)
    at = made.at + (made.starts_at - made.at) / 2
    told = made.told("booked", starts_at=made.starts_at + 45 * MINUTE)
    return made.then(
        hub.message(told, at=at, name=f"{life.source_id}-moved", lane=life.id),
        life.order("honoured", made.starts_at + 75 * MINUTE),
    )


def _told_out_of_order(life: Life) -> list[Draft]:
    """The platform moves the appointment twice and its outcome too: in any order, with repeats."""
    made = booked(life)
    sent = (
        (1, made.told("booked", starts_at=made.starts_at + 15 * MINUTE)),
        (2, made.told("noshow")),
        (3, made.told("booked", starts_at=made.starts_at + 45 * MINUTE)),
        (4, made.told("fulfilled")),
    )
    arriving = [*life.random.sample(sent, len(sent)), life.random.choice(sent)]
    return made.then(*_arriving(life, made, arriving))


def _cancelled_and_moved_by_the_platform(life: Life) -> list[Draft]:
    """Its cancellation is final, whether an older or a later message comes before or after it, or
    a person has seen the appointment take place.
    """
    made = booked(life)
    sent = [
        (1, made.told("cancelled")),
        (5, made.told("booked", starts_at=made.starts_at + 45 * MINUTE)),
        (7, made.told("fulfilled")),
    ]
    life.random.shuffle(sent)
    honoured = life.order("honoured", made.starts_at + 20 * MINUTE)
    return made.then(honoured, *_arriving(life, made, sent))


def _arriving(life: Life, made: Booked, told: Sequence[tuple[int, Told]]) -> Iterator[Draft]:
    """Messages sent at these minutes of the appointment, which come later and in this order."""
    for i, (minute, one) in enumerate(told):
        name = f"{life.source_id}-{minute}"
        sent_at = made.starts_at + minute * MINUTE / 2
        at = made.starts_at + (30 + i) * MINUTE
        yield msgspec.structs.replace(
            hub.message(one, at=at, sent_at=sent_at, name=name, lane=life.id),
            key=f"hub-{life.source_id}-{i}",
        )


def _told_too_late(life: Life) -> list[Draft]:
    """A late cancellation counts all the same; a creation of what is ours is refused (701)."""
    made = booked(life)
    at = made.starts_at + 40 * MINUTE
    name = f"{life.source_id}-stale"
    creation = msgspec.structs.replace(made.told("booked"), method="CreateAppointment")
    return made.then(
        life.order("honoured", made.starts_at + 30 * MINUTE),
        hub.message(
            made.told("cancelled"), at=at, sent_at=made.at - MINUTE, name=name, lane=life.id
        ),
        hub.message(creation, at=at + MINUTE, name=f"{life.source_id}-creation", lane=life.id),
    )


def _twin(life: Life, *, is_cancelled: bool) -> list[Draft]:
    """The platform tells of the same hour of the same practitioner under an id of its own."""
    made = booked(life)
    told = Told(
        appointment_id=f"jumeau-{life.source_id}",
        created_at=made.at,
        starts_at=made.starts_at,
        rpps=made.rpps,
        category="CPTS",
    )
    at = made.at + (made.starts_at - made.at) / 4
    drafts = made.then(hub.message(told, at=at, name=f"{life.source_id}-twin", lane=life.id))
    if is_cancelled:
        cancel = life.order("cancel", at + (made.starts_at - at) / 2, {"by": "patient"})
        return [*drafts, cancel]
    return [*drafts, life.order("honoured", made.starts_at + 30 * MINUTE)]


def _declined(life: Life) -> list[Draft]:
    at = life.at + (life.answer_by - life.at) / 3
    reason = life.random.choice(DECLINE_REASONS)
    return [
        life.demand(),
        life.decline(at, "no_reason_of_the_list", key="decline-unknown"),
        life.decline(at + MINUTE / 2, reason),
    ]


def _expired(life: Life) -> list[Draft]:
    return [life.demand()]


def _answered_at_the_limit(life: Life) -> list[Draft]:
    at = life.answer_by
    rpps = life.member().rpps
    return [
        life.demand(),
        life.accept(at, at + MINUTE, rpps),
        life.decline(at, "no_availability"),
        life.order("return", at, {"reason": "by_cpts"}),
    ]


def _answered_after_the_timer(life: Life) -> list[Draft]:
    at = life.answer_by + 20 * MINUTE
    late = life.accept(at, at + MINUTE, life.member().rpps)
    return [life.demand(), late]


def _returned_by_regulation(life: Life) -> list[Draft]:
    at = life.at + (life.answer_by - life.at) / 2
    return [
        life.demand(),
        life.order("return", at, {"reason": "no_reason_of_the_list"}, key="return-unknown"),
        life.order("return", at, {"reason": "by_regulation"}, role="regulation"),
        life.decline(at + MINUTE, "no_availability"),
    ]


def _accepted_wrongly_first(life: Life) -> list[Draft]:
    made = booked(life)
    demand, accept = made.drafts
    step = (made.at - life.at) / 8
    wrong = [
        life.accept(life.at + step, made.starts_at, STRANGER_RPPS, key="stranger"),
        life.accept(life.at + step, made.starts_at, made.rpps, cpts=life.other, key="meddling"),
        life.accept(
            life.at + 2 * step,
            made.starts_at,
            made.rpps,
            cpts=life.other,
            role="system",
            key="other-cpts",
        ),
        life.accept(life.at + 3 * step, life.at - MINUTE, made.rpps, key="past"),
        life.accept(life.at + 4 * step, life.see_by + MINUTE, made.rpps, key="after-see-by"),
        life.order("honoured", life.at + 5 * step, key="no-appointment"),
    ]
    again = life.accept(made.at + MINUTE / 4, made.starts_at, made.rpps, key="accept-again")
    late_no = life.decline(made.at + MINUTE / 3, "no_availability")
    honoured = life.order("honoured", made.starts_at + 30 * MINUTE)
    return [demand, *wrong, accept, again, late_no, honoured]


def _sent_twice(life: Life) -> list[Draft]:
    """The same order with the same key, the same demand under another key, then another content."""
    made = booked(life)
    demand, accept = made.drafts
    step = (made.at - life.at) / 8
    other_need = life.body() | {"need": "sage_femme", "urgency": "within_48h"}
    if life.body()["need"] == "sage_femme":
        other_need["need"] = "soins_dentaires"
    changed = msgspec.structs.replace(
        life.demand(at=life.at + 3 * step, key="changed"), body=other_need
    )
    reused = msgspec.structs.replace(life.demand(at=life.at + 4 * step), body=other_need)
    return [
        demand,
        life.demand(at=life.at + step),
        life.demand(at=life.at + 2 * step, key="again"),
        changed,
        reused,
        accept,
        msgspec.structs.replace(accept, at=accept.at + MINUTE / 4),
        life.order("honoured", made.starts_at + 30 * MINUTE),
    ]


ENDINGS: tuple[tuple[str, int, Callable[[Life], list[Draft]]], ...] = (
    ("honoured", 420, _honoured),
    ("left booked", 70, _left_booked),
    ("no-show", 50, _no_show),
    ("corrected", 10, _corrected),
    ("cancelled", 50, _cancelled),
    ("moved", 40, _moved),
    ("moved wrongly", 5, _moved_wrongly),
    ("meddled with by another CPTS", 8, _meddled_with_by_another_cpts),
    ("returned after booking", 15, _returned_after_booking),
    ("told by the platform", 40, _told_by_the_platform),
    ("moved by the platform", 15, _moved_by_the_platform),
    ("told out of order", 10, _told_out_of_order),
    ("cancelled and moved by the platform", 10, _cancelled_and_moved_by_the_platform),
    ("told too late", 8, _told_too_late),
    ("twin", 15, lambda life: _twin(life, is_cancelled=False)),
    ("twin of a cancelled one", 8, lambda life: _twin(life, is_cancelled=True)),
    ("declined", 80, _declined),
    ("expired", 80, _expired),
    ("answered at the limit", 8, _answered_at_the_limit),
    ("answered after the timer", 8, _answered_after_the_timer),
    ("returned by regulation", 20, _returned_by_regulation),
    ("accepted wrongly first", 15, _accepted_wrongly_first),
    ("sent twice", 15, _sent_twice),
)
