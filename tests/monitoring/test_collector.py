"""The collector: goal, that every span is measured and those worth a look are kept.

Method: its configuration, read; and by the collector itself where one is installed.
"""

import shutil
import subprocess
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from deploy.local.services import ROOT
from services.messaging.meters import Fate

PATH = ROOT / "deploy" / "monitoring" / "collector.yml"
CONFIG = yaml.safe_load(PATH.read_text("utf-8"))
PIPELINES = CONFIG["service"]["pipelines"]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
COLLECTOR = shutil.which("otelcol-contrib")


def test_each_part_is_used_and_each_that_is_used_is_there() -> None:
    used: dict[str, set[str]] = {}
    for pipeline in PIPELINES.values():
        for kind, names in pipeline.items():
            used.setdefault(kind, set()).update(names)
    connectors = CONFIG["connectors"].keys()
    assert used["receivers"] == CONFIG["receivers"].keys() | connectors
    assert used["exporters"] == CONFIG["exporters"].keys() | connectors
    assert used["processors"] == CONFIG["processors"].keys()
    assert set(CONFIG["service"]["extensions"]) == CONFIG["extensions"].keys()


def test_all_spans_are_measured_before_any_is_left_out() -> None:
    assert PIPELINES["traces/measured"]["exporters"] == ["span_metrics", "servicegraph"]
    assert PIPELINES["traces/measured"]["processors"] == ["memory_limiter"]
    assert PIPELINES["metrics"]["receivers"] == ["span_metrics", "servicegraph"]
    assert PIPELINES["traces/kept"]["processors"] == ["memory_limiter", "tail_sampling"]


def test_errors_what_is_put_aside_what_is_slow_and_a_share_of_the_rest_are_kept() -> None:
    policies: dict[str, dict[str, Any]] = {
        one["type"]: one[one["type"]] for one in CONFIG["processors"]["tail_sampling"]["policies"]
    }
    assert policies["status_code"] == {"status_codes": ["ERROR"]}
    fates = policies["string_attribute"]
    assert (fates["key"], fates["values"][0]) == ("cpts.fate", Fate.DEAD_LETTER)
    assert "latency" in policies
    assert 0 < policies["probabilistic"]["sampling_percentage"] < 50
    assert len(policies) == 4


def test_it_listens_where_it_is_asked_and_sends_to_what_runs() -> None:
    endpoint = urlsplit(CONFIG["exporters"]["otlp_http/traces"]["endpoint"])
    tempo = yaml.safe_load((PATH.parent / "tempo.yml").read_text("utf-8"))
    listens = tempo["distributor"]["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    assert (endpoint.hostname, f"0.0.0.0:{endpoint.port}") == ("traces", listens)
    assert COMPOSE[endpoint.hostname]["image"].startswith("grafana/tempo:")
    prometheus = yaml.safe_load((PATH.parent / "prometheus.yml").read_text("utf-8"))
    asked = {
        target
        for job in prometheus["scrape_configs"]
        for one in job["static_configs"]
        for target in one["targets"]
        if target.startswith("collector:")
    }
    (reader,) = CONFIG["service"]["telemetry"]["metrics"]["readers"]
    own = reader["pull"]["exporter"]["prometheus"]["port"]
    made = CONFIG["exporters"]["prometheus"]["endpoint"].rpartition(":")[2]
    assert asked == {f"collector:{own}", f"collector:{made}"}


@pytest.mark.skipif(COLLECTOR is None, reason="otelcol-contrib is not here")
def test_the_collector_takes_its_configuration() -> None:
    done = subprocess.run(
        [str(COLLECTOR), "validate", f"--config={PATH}"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
