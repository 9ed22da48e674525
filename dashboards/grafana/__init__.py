"""Grafana's dashboards and alert rules, made of the questions beside it; `make dashboards` writes them."""
