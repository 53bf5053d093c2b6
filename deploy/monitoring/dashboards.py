"""The dashboards of Grafana: `python -m deploy.monitoring.dashboards` writes them as JSON."""

import json
from pathlib import Path

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.monitoring.panels import (
    Rows,
    chosen,
    dashboard,
    figure,
    funding_time,
    in_time,
    increase,
    least,
    lines,
    quantiles,
    rate,
)

FOLDER = Path(__file__).parent / "grafana" / "dashboards"
HEARD, SAID = "cpts_events_in_total", "cpts_events_out_total"
LAG, OUTBOX = "cpts_lag_seconds", "cpts_outbox_age_seconds"
BEHIND = "Age of the oldest event that is not taken."
WAITS = "How long the oldest event has waited to leave for the log."
ASIDE = "Messages put aside and not replayed."
INTERVAL = "In each interval"
WRONG = (
    *("batches_rolled_back", "batches_taken_apart", "log_gaps", "relay_failures"),
    *("relay_leases_lost", "timer_failures", "fence_refusals", "reading_failures"),
)


def _letters(where: str = "") -> str:
    return f"sum(max by (service, topic, departement) (cpts_dead_letters{{{where}}}))"


def chain() -> Dashboard:
    """Tells whether the whole is well, and where it hurts."""
    broken = "count(min by (service, invariant) (cpts_invariant) == 0)"
    not_done = rate(HEARD, "service, fate", 'fate!~"done|ignored"')
    state = [
        in_time(),
        figure("Invariants broken", "none", "None may ever be.", broken, 1),
        figure("Not ready", "none", "Instances that run idle.", "count(cpts_ready == 0)", 1),
        figure("Furthest behind", "s", BEHIND, f"max({LAG})", 60),
        figure("Oldest in an outbox", "s", WAITS, f"max({OUTBOX})", 60),
        figure("Dead letters", "none", ASIDE, _letters(), 1),
    ]
    burn = [
        (f"cpts:funding_late:ratio_rate{window} / 0.001", f"over {window}")
        for window in ("1h", "6h", "3d")
    ]
    budget = "1 uses up the 0.1 % in 30 days; 14.4 over an hour wakes somebody."
    taken = (rate(HEARD, "service", 'fate="done"'), "{{service}}")
    said = (rate(SAID, "service", 'fate="said"'), "{{service}}")
    flow = [
        lines("Events taken", "eps", "Per second, by service.", taken),
        lines("Events said", "eps", "Per second, committed.", said),
        lines(
            "Events not done",
            "eps",
            "Per second: refused by a rule, known, put aside, or to come again (`not_now`).",
            (not_done, "{{service}} {{fate}}"),
        ),
    ]
    worst = [
        lines(title, "s", tells, (f"topk(10, max by (departement) ({metric}))", "{{departement}}"))
        for title, tells, metric in (
            ("The ten départements furthest behind", BEHIND, LAG),
            ("The ten whose events wait longest to leave", WAITS, OUTBOX),
        )
    ]
    rows: Rows = [
        ("", state),
        ("", [funding_time(), lines("How fast the month's budget burns", "none", budget, *burn)]),
        ("The flow", flow),
        ("Who suffers", worst),
    ]
    return dashboard("chain", "The chain", "From a demand to its euro, all of France.", rows)


def departement() -> Dashboard:
    """Tells what one département suffers from."""
    here = 'departement="$departement"'
    opened, expiring = (f"max(cpts_offers_{one}{{{here}}})" for one in ("open", "expiring"))
    state = [
        in_time(here),
        figure("Behind", "s", BEHIND, f"max({LAG}{{{here}}})", 60),
        figure("In an outbox", "s", WAITS, f"max({OUTBOX}{{{here}}})", 60),
        figure("Dead letters", "none", ASIDE, _letters(here), 1),
        figure("Offers open", "none", "They await the answer of a CPTS.", opened),
        figure("Offers expiring", "none", "Ten minutes or less are left.", expiring, 10),
    ]
    shared = "Of the département's partition, which it may share."
    behind = [
        lines(
            title,
            unit,
            shared,
            (f"max by (service, topic) ({metric}{{{here}}})", "{{service}} from {{topic}}"),
        )
        for title, unit, metric in (
            ("Events not taken", "none", "cpts_lag_events"),
            ("Age of the oldest that is not taken", "s", LAG),
        )
    ]
    heard = (increase(HEARD, "service, fate", here), "{{service}} {{fate}}")
    said = (increase(SAID, "type", f'{here}, fate="said"'), "{{type}}")
    fenced = (increase("cpts_fence_refusals_total", "service", here), "{{service}}")
    fights = f"{INTERVAL}: a few at a rebalance, many when two processes fight."
    rows: Rows = [
        ("", state),
        ("How far behind", behind),
        (
            "What happens",
            [
                lines("Events heard", "none", f"{INTERVAL}, by what became of them.", heard),
                lines("Events said", "none", f"{INTERVAL}, committed, by their type.", said),
            ],
        ),
        ("", [funding_time(here), lines("Batches others had taken", "none", fights, fenced)]),
    ]
    choice = chosen("departement", "Département", "cpts_lag_events")
    tells = "One département, through all services."
    return dashboard("departement", "A département", tells, rows, choice)


def service() -> Dashboard:
    """Tells why one service is slow, or not ready."""
    here, each = 'service="$service"', "{{instance}}"
    committed = quantiles("cpts_transaction_seconds", f'{here}, outcome="committed"')
    pools = f"sum by (pool, state) (cpts_pool_connections{{{here}}})"
    taken = rate(HEARD, "instance", f'{here}, fate="done"')

    def counted(*names: str) -> list[tuple[str, str]]:
        return [
            (f"sum(increase(cpts_{one}_total{{{here}}}[$__rate_interval]))", one) for one in names
        ]

    work = [
        lines("Ready", "none", "1 while it can do its work.", (f"cpts_ready{{{here}}}", each)),
        lines("Events taken", "eps", "Per second.", (taken, each)),
        lines(
            "Events of a batch",
            "none",
            "A batch grows with what waits.",
            *quantiles("cpts_batch_events", here),
        ),
    ]
    database = [
        lines("Transactions that commit", "s", "From begin to commit.", *committed),
        lines(
            "Wait for a connection",
            "s",
            "Of a transaction, before it begins.",
            *quantiles("cpts_pool_wait_seconds", here),
        ),
        lines(
            "Connections",
            "none",
            "`work` for transactions, `questions` for reading.",
            (pools, "{{pool}} {{state}}"),
        ),
    ]
    wrong = [
        lines("Failures", "none", f"{INTERVAL}; see `docs/metrics.md`.", *counted(*WRONG)),
        lines(
            "Work in the background",
            "none",
            f"{INTERVAL}: rows that fell due, dead letters replayed.",
            *counted("timer_rows", "dead_letters_replayed"),
        ),
    ]
    cpu = f"rate(process_cpu_seconds_total{{{here}}}[$__rate_interval])"
    process = [
        lines(title, unit, "By instance.", (expression, each))
        for title, unit, expression in (
            ("Processor", "percentunit", cpu),
            ("Memory", "bytes", f"process_resident_memory_bytes{{{here}}}"),
            ("Open files", "none", f"process_open_fds{{{here}}}"),
        )
    ]
    rows: Rows = [
        ("", work),
        ("The database", database),
        ("What goes wrong", wrong),
        ("The process", process),
    ]
    choice = chosen("service", "Service", "cpts_ready")
    return dashboard("service", "A service", "One service, each instance.", rows, choice)


def money() -> Dashboard:
    """Tells whether every euro is where it should be."""
    here = 'service="payments"'
    read = f'max(cpts_reading_timestamp_seconds{{{here}, reading="invariants"}})'
    holds = f"min(cpts_invariant{{{here}}})"
    state = [
        in_time(),
        least("Payments' invariants", "none", "1 while all of them hold.", holds, 1),
        figure("Invariants read", "s", "How long ago.", f"time() - {read}", 600),
        figure("Behind", "s", BEHIND, f"max({LAG}{{{here}}})", 60),
        figure("In the outbox", "s", WAITS, f"max({OUTBOX}{{{here}}})", 60),
        figure("Dead letters", "none", "The amounts lack what they say.", _letters(here), 1),
    ]
    each = ("min by (service, invariant) (cpts_invariant)", "{{service}} {{invariant}}")
    said = [
        lines(
            title,
            "none",
            f"{INTERVAL}, committed, by their type.",
            (increase(SAID, "type", f'{here}, fate="said", type=~"{types}"'), "{{type}}"),
        )
        for title, types in (
            ("Estimates", "payments.(FundingEstimated|VariableFundingChanged).v1"),
            ("Settlements", "payments.(YearSettled|YearAdjusted|DueSet).v1"),
            ("Payments", "payments.Payment(Ordered|Executed|Rejected|Refunded).v1"),
        )
    ]
    rows: Rows = [
        ("", state),
        ("", [lines("Each invariant", "none", "1 while it holds.", each), funding_time()]),
        ("What payments say", said),
    ]
    tells = "Estimates, settlements and payments, and their exactness."
    return dashboard("money", "The money", tells, rows)


DASHBOARDS = {"chain": chain, "departement": departement, "service": service, "money": money}


def written(name: str) -> str:
    """A dashboard as its file has it."""
    made = DASHBOARDS[name]().build()
    return json.dumps(made, cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> None:
    """Write all of them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in DASHBOARDS:
        (FOLDER / f"{name}.json").write_text(written(name), "utf-8")


if __name__ == "__main__":
    main()
