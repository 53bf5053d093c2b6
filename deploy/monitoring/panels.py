"""Panels, the questions to Prometheus in them, and the frame that all dashboards have.

What is read from the database or the log is the same for each instance of a service: the `max`, or
the `min` of what holds. What is counted is added up.
"""

from collections.abc import Iterator, Sequence

from grafana_foundation_sdk.builders import common, stat, timeseries
from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DashboardLink,
    QueryVariable,
    Row,
    ThresholdsConfig,
)
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    LegendDisplayMode,
    LegendPlacement,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
    VariableSort,
)

PROMETHEUS = DataSourceRef(type_val="prometheus", uid="prometheus")
TAG = "sas-cpts"
WIDTH, SIXTH = 24, 4
TALL, LOW = 8, 4
FUNDING = "cpts_acceptance_to_funding_seconds"

Query = tuple[str, str]  # an expression, and what its series are called
Panel = timeseries.Panel | stat.Panel
Rows = Sequence[tuple[str, Sequence[Panel]]]  # the title of each, and its panels side by side


def lines(title: str, unit: str, tells: str, *queries: Query) -> timeseries.Panel:
    """Lines over time. Histograms bring their exemplars, each of which leads to a trace."""
    panel = timeseries.Panel().title(title).description(tells).unit(unit).min(0)
    panel.height(TALL).datasource(PROMETHEUS).fill_opacity(8)
    legend = common.VizLegendOptions().show_legend(True)
    panel.legend(legend.display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM))
    for number, (expression, named) in enumerate(queries):
        query = Dataquery().expr(expression).legend_format(named).range()
        query.exemplar("_bucket" in expression).ref_id(chr(ord("A") + number))
        panel.with_target(query)
    return panel


def figure(
    title: str, unit: str, tells: str, expression: str, bad_from: float | None = None
) -> stat.Panel:
    """One figure, green, and red from `bad_from` on."""
    bad = [] if bad_from is None else [Threshold(value=bad_from, color="red")]
    return _figure(title, unit, tells, expression, [Threshold(color="green"), *bad]).no_value("0")


def least(title: str, unit: str, tells: str, expression: str, good_from: float) -> stat.Panel:
    """One figure, red, and green from `good_from` on."""
    steps = [Threshold(color="red"), Threshold(value=good_from, color="green")]
    return _figure(title, unit, tells, expression, steps)


def _figure(
    title: str, unit: str, tells: str, expression: str, steps: list[Threshold]
) -> stat.Panel:
    panel = stat.Panel().title(title).description(tells).unit(unit).span(SIXTH).height(LOW)
    panel.datasource(PROMETHEUS).color_mode(BigValueColorMode.BACKGROUND)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    panel.thresholds(ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
    return panel.with_target(Dataquery().expr(expression).instant().ref_id("A"))


def quantiles(metric: str, where: str = "") -> Iterator[Query]:
    """The median and the tail of a histogram."""
    buckets = f"sum by (le) (rate({metric}_bucket{{{where}}}[$__rate_interval]))"
    for share, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99")):
        yield f"histogram_quantile({share}, {buckets})", name


def rate(metric: str, by: str, where: str = "") -> str:
    """How many a second, added up."""
    return f"sum by ({by}) (rate({metric}{{{where}}}[$__rate_interval]))"


def increase(metric: str, by: str, where: str = "") -> str:
    """How many in each interval, added up."""
    return f"sum by ({by}) (increase({metric}{{{where}}}[$__rate_interval]))"


def in_time(where: str = "") -> stat.Panel:
    """The share of the acceptances that were in the funding within 5 s, over the range shown."""
    soon = f'sum(increase({FUNDING}_bucket{{{where + ", " if where else ""}le="5.0"}}[$__range]))'
    every = f"sum(increase({FUNDING}_count{{{where}}}[$__range]))"
    tells = "Objective: 99.9 % of those that lead to funding, over 30 days."
    return least("Funded within 5 s", "percentunit", tells, f"{soon} / {every}", 0.999)


def funding_time(where: str = "") -> timeseries.Panel:
    """How long acceptances take to the funding."""
    tells = "From the order to the commit of the funding. Points lead to traces."
    title = "Time from the acceptance to the funding"
    return lines(title, "s", tells, *quantiles(FUNDING, where))


def chosen(name: str, label: str, metric: str) -> QueryVariable:
    """A choice among the values of a label."""
    choice = QueryVariable(name).label(label).datasource(PROMETHEUS)
    choice.query(f"label_values({metric}, {name})").refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    return choice.sort(VariableSort.ALPHABETICAL_ASC)


def dashboard(
    uid: str,
    title: str,
    tells: str,
    rows: Rows,
    choice: QueryVariable | None = None,
) -> Dashboard:
    """A dashboard of these rows, some without a title, with links to the others."""
    made = Dashboard(title).uid(f"cpts-{uid}").description(tells).tags([TAG])
    made.readonly().tooltip(DashboardCursorSync.CROSSHAIR).refresh("30s").time("now-24h", "now")
    links = DashboardLink("CPTS").type(DashboardLinkType.DASHBOARDS).tags([TAG])
    made.timezone("Europe/Paris").link(links.as_dropdown(False).keep_time(True))
    if choice is not None:
        made.with_variable(choice)
    for name, panels in rows:
        if name:
            made.with_row(Row(name))
        for panel in panels:
            made.with_panel(panel.span(WIDTH // len(panels)))
    return made
