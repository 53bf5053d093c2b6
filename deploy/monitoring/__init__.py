"""What watches the platform: the configuration of the collector, of Prometheus with its rules, of
the trace store and of Grafana, whose dashboards are made by `dashboards`.
"""
