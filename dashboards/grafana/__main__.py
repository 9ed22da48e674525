"""Writes the dashboards and alert rules into the repository: `python -m dashboards.grafana`."""

from dashboards.grafana.catalogue import alert_files, dashboard_files

for path, text in (dashboard_files() | alert_files()).items():
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
