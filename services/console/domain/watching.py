"""The memory of the console: what the services answered until now, and the picture it gives."""

from collections.abc import Mapping, Sequence

from contracts.departements import departements_by_code
from contracts.topics import TOPICS
from services.console.domain import freshness
from services.console.domain.counting import Window, grown
from services.console.domain.freshness import HEARD_BY, Level, Thresholds, Waiting
from services.console.domain.incidents import Incident, Kind, Wrong, follow
from services.console.domain.picture import (
    DepartementShown,
    Picture,
    ServiceShown,
    State,
    worst,
)
from services.console.domain.reading import Behind, Counts, Letter, Replay, Seen, add, together

REPLAYS_SHOWN = 20
MISSED_MAX = 2
"""So many rounds without an answer are silence; one may be a slow answer."""
Answers = Mapping[str, Mapping[str, Seen | None]]
"""By service and by address of a process: what it said; None when it did not answer."""


class Followed:
    """One service: what it said last, and what has waited for it since."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: Seen | None = None
        self.answered_at: float | None = None
        self.missed = 0
        self.has_told = False
        self.lag: Mapping[tuple[str, str], Behind] = {}
        self.outbox: Mapping[str, Behind] = {}
        self.window = Window()
        self._counts: dict[str, Counts] = {}
        self._lag_kept: Mapping[tuple[str, str], Waiting] = {}
        self._outbox_kept: Mapping[tuple[str, str], Waiting] = {}

    def count(self, answers: Mapping[str, Seen | None], since: float, now: float) -> Counts:
        """What was added to the counts of its processes since the round before."""
        found = [
            grown(self._counts.get(address), seen.counts)
            for address, seen in answers.items()
            if seen is not None
        ]
        self._counts |= {at: seen.counts for at, seen in answers.items() if seen is not None}
        counts = Counts(
            heard=add(*(one.heard for one in found)),
            sent=add(*(one.sent for one in found)),
            funded=add(*(one.funded for one in found)),
        )
        self.window.take(since, now, counts)
        return counts

    def take(
        self,
        answers: Mapping[str, Seen | None],
        sent: Mapping[str, Mapping[str, float]],
        now: float,
    ) -> None:
        """Take a round: what its processes said, and what was sent to all topics meanwhile."""
        said = [seen for seen in answers.values() if seen is not None]
        self.missed = 0 if said else self.missed + 1
        if said:
            self.seen, self.answered_at = together(said), now
        heard = self.seen if said else None
        self._follow_lag(heard.lag if heard else None, sent, now)
        outbox = heard.outbox if heard else None
        if outbox is not None:
            self.outbox = outbox
            told = {("", code): one for code, one in outbox.items()}
            self._outbox_kept = freshness.keep_told(told, now)
        else:
            estimated = freshness.estimated(self._outbox_kept, now)
            self.outbox = {code: one for (_, code), one in estimated.items()}

    def _follow_lag(
        self,
        told: Mapping[tuple[str, str], Behind] | None,
        sent: Mapping[str, Mapping[str, float]],
        now: float,
    ) -> None:
        if told is not None:
            self.has_told = True
            self.lag, self._lag_kept = told, freshness.keep_told(told, now)
        elif self.has_told:
            kept = freshness.wait_longer(self._lag_kept, HEARD_BY[self.name], sent, now)
            self.lag, self._lag_kept = freshness.estimated(kept, now), kept

    @property
    def state(self) -> State:
        """How it does."""
        if self.seen is None:
            return State.UNKNOWN
        if self.missed >= MISSED_MAX:
            return State.SILENT
        return State.NOT_READY if self.seen.troubles else State.READY


class Watch:
    """All services, and what went wrong since `now`, when the console started."""

    def __init__(
        self, services: Sequence[str], now: float, thresholds: Thresholds | None = None
    ) -> None:
        self._services = [Followed(name) for name in services]
        self._thresholds = thresholds or Thresholds()
        self._started_at = self._taken_at = now
        self._incidents: tuple[Incident, ...] = ()

    def take(self, answers: Answers, now: float) -> None:
        """Take what the services answered in one round."""
        by_producer = {
            one.name: one.count(answers[one.name], self._taken_at, now).sent
            for one in self._services
        }
        sent = {topic.name: by_producer.get(topic.producer, {}) for topic in TOPICS}
        for one in self._services:
            one.take(answers[one.name], sent, now)
        self._taken_at = now
        self._incidents = follow(self._incidents, self._wrong(now), now)

    def _wrong(self, now: float) -> set[Wrong]:
        """What is wrong now."""
        found = set()
        for one in self._services:
            name, seen = one.name, one.seen
            if one.state in (State.SILENT, State.UNKNOWN):
                found.add(Wrong(kind=Kind.SILENT, service=name))
            if one.state is State.NOT_READY:
                found.add(Wrong(kind=Kind.NOT_READY, service=name))
            if seen is not None:
                if seen.letters:
                    found.add(Wrong(kind=Kind.DEAD_LETTERS, service=name))
                found |= {
                    Wrong(kind=Kind.INVARIANT, service=name, invariant=invariant)
                    for invariant, holds in seen.invariants.items()
                    if not holds
                }
        late = {Level.LATE, Level.GRAVE, Level.CRITICAL}
        shown = [one for one in self._departements(now) if one.level in late]
        return found | {Wrong(kind=Kind.LATE, departement=one.code) for one in shown}

    def picture(self, now: float) -> Picture:
        """All that the page shows."""
        traces = (one.seen.slowest_trace for one in self._services if one.seen is not None)
        funded = next((one for one in self._services if one.name == "payments"), None)
        return Picture(
            at=now,
            started_at=self._started_at,
            elsewhere=self._elsewhere(),
            services=tuple(self._service(one, now) for one in self._services),
            departements=tuple(self._departements(now)),
            letters=self._letters(),
            replays=self._replays(),
            incidents=self._incidents,
            funded=(funded.window if funded else Window()).funded(),
            slowest_trace=next((one for one in traces if one), None),
        )

    def _elsewhere(self) -> Level:
        """Where nothing is known to wait: fresh, unless somebody never told what waits for it."""
        knows_all = all(one.has_told for one in self._services)
        return Level.FRESH if knows_all else Level.UNKNOWN

    def _service(self, one: Followed, now: float) -> ServiceShown:
        seen = one.seen or Seen()
        heard, sent = one.window.flows(now)
        return ServiceShown(
            name=one.name,
            state=one.state,
            since=one.answered_at if one.state is State.SILENT else None,
            troubles=seen.troubles if one.state is State.NOT_READY else (),
            heard=sum(heard.values()),
            sent=sum(sent.values()),
            behind={
                topic: worst({key: lag for key, lag in one.lag.items() if key[0] == topic})
                for topic in HEARD_BY[one.name]
            },
            outbox=worst(one.outbox),
            letters=len(seen.letters),
            invariants=seen.invariants,
        )

    def _departements(self, now: float) -> list[DepartementShown]:
        """Those with something to tell, in the order of their codes."""
        flows = {one.name: one.window.flows(now) for one in self._services}
        found = [self._departement(code, flows) for code in departements_by_code()]
        return [one for one in found if one is not None]

    def _departement(
        self, code: str, flows: Mapping[str, tuple[Mapping[str, float], Mapping[str, float]]]
    ) -> DepartementShown | None:
        waiting = [
            ((one.name, topic), lag)
            for one in self._services
            for (topic, of), lag in one.lag.items()
            if of == code
        ]
        outbox = {one.name: one.outbox[code] for one in self._services if code in one.outbox}
        waiting += [((name, ""), behind) for name, behind in outbox.items()]
        letters = sum(
            letter.departement == code
            for one in self._services
            if one.seen is not None
            for letter in one.seen.letters
        )
        heard = sum(heard.get(code, 0) for heard, _ in flows.values())
        sent = sum(sent.get(code, 0) for _, sent in flows.values())
        if not (waiting or letters or heard or sent):
            return None
        oldest = max(waiting, key=lambda one: one[1].seconds or 0, default=None)
        seconds = oldest[1].seconds or 0 if oldest else 0
        level = self._thresholds.level(seconds)
        return DepartementShown(
            code=code,
            level=self._elsewhere() if level is Level.FRESH else level,
            seconds=seconds,
            oldest=oldest[0] if oldest else None,
            behind={
                one.name: worst({key: lag for key, lag in one.lag.items() if key[1] == code})
                for one in self._services
                if any(key[1] == code for key in one.lag)
            },
            outbox=outbox,
            heard=heard,
            sent=sent,
            letters=letters,
        )

    def _letters(self) -> tuple[Letter, ...]:
        found = (letter for one in self._services if one.seen for letter in one.seen.letters)
        return tuple(sorted(found, key=lambda one: one.recorded_at, reverse=True))

    def _replays(self) -> tuple[Replay, ...]:
        found = (replay for one in self._services if one.seen for replay in one.seen.replays)
        newest = sorted(found, key=lambda one: one.asked_at, reverse=True)
        return tuple(newest[:REPLAYS_SHOWN])
