"""deploy/grafana/everpost.json: a dashboard, from the table in dashboard.toml."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).resolve().parents[2] / "deploy" / "grafana" / "everpost.json"
TABLE: Final = Path(__file__).with_name("dashboard.toml")
COLUMNS: Final = 24  # of Grafana's grid
HEIGHTS: Final = {"stat": 4, "timeseries": 8}
SOURCE: Final = {"type": "prometheus", "uid": "${source}"}
VARIABLES: Final = (
    {"name": "source", "label": "Data source", "type": "datasource", "query": "prometheus"},
    {
        "name": "account",
        "label": "Account",
        "type": "query",
        "datasource": SOURCE,
        "query": "label_values(everpost_account_in_flight, account)",
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "current": {"text": "All", "value": "$__all"},
    },
)


def text() -> str:
    panels = _panels(tomllib.loads(TABLE.read_text()))
    board = {
        "title": "Everpost",
        "uid": "everpost",
        "description": "Made from tools/pages/dashboard.toml by `make docs`.",
        "schemaVersion": 39,
        "tags": ["everpost"],
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": VARIABLES},
        "panels": [{"id": number} | panel for number, panel in enumerate(panels, 1)],
    }
    return json.dumps(board, indent=2) + "\n"


def _panels(table: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """From left to right and from top to bottom."""
    y = 0
    for row in table["rows"]:
        yield {"type": "row", "title": row["title"], "gridPos": _place(0, y, COLUMNS, 1), "panels": []}
        x, y, height = 0, y + 1, 0
        for panel in row["panels"]:
            width = panel.get("width", COLUMNS // 3)
            if x + width > COLUMNS:
                x, y = 0, y + height
            height = HEIGHTS[panel.get("kind", "timeseries")]
            yield _panel(panel) | {"gridPos": _place(x, y, width, height)}
            x += width
        y += height


def _place(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}


def _panel(panel: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": panel.get("kind", "timeseries"),
        "title": panel["title"],
        "datasource": SOURCE,
        "fieldConfig": {"defaults": {"unit": panel["unit"], "min": 0}, "overrides": []},
        "targets": [
            {"refId": letter, "datasource": SOURCE, "expr": asked.strip(), "legendFormat": legend}
            for letter, (legend, asked) in zip("ABC", panel["asked"].items(), strict=False)
        ],
    }
