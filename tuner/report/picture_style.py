"""How our pictures look: ink, lines and letters, the same in each of them."""

from __future__ import annotations

INK = "#1b1e24"
QUIET = "#666c78"
RULE = "#e4e4df"

PICTURE_STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Inter", "DejaVu Sans"],
    "font.size": 10.5,
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": QUIET,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
}
"""Settings of matplotlib."""
