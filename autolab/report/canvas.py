"""How our figures look: what every figure that we draw begins with."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import plotly.graph_objects as go

__all__ = ["empty_figure", "panels"]


def empty_figure(height: int) -> go.Figure:
    """A figure in our style, of so many pixels, with nothing in it."""
    return go.Figure(layout={"template": _style(), "height": height})


@functools.cache
def _style() -> go.layout.Template:
    """Our style: the settings of a figure that has none of its own. As a template, it is checked once for all."""
    return go.layout.Template(
        layout={
            "margin": {"l": 64, "r": 20, "t": 30, "b": 48},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif", "size": 12.5},
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 12}},
            "hoverlabel": {"align": "left"},
            "hovermode": "closest",
            "xaxis": {
                "showgrid": False,
                "zeroline": False,
                "showline": True,
                "ticks": "outside",
                "ticklen": 4,
                "automargin": True,
            },
            "yaxis": {"showgrid": True, "zeroline": False, "automargin": True},
        }
    )


@functools.cache
def _style_of_panels() -> go.layout.Template:
    """Our style where several small figures stand side by side."""
    style = go.layout.Template(_style())
    style.update(
        layout={
            "margin": {"l": 46, "r": 16, "t": 36, "b": 40},
            "xaxis": {"tickfont": {"size": 11}},
            "yaxis": {"ticklabelposition": "outside", "tickfont": {"size": 11}},
        }
    )
    return style


def panels(titles: Sequence[str]) -> tuple[go.Figure, Callable[[int], tuple[int, int]]]:
    """Small figures side by side, and what gives the row and column of one by its position from 0."""
    from plotly.subplots import make_subplots

    columns = 2 if len(titles) == 4 else min(3, max(len(titles), 1))
    rows = max(math.ceil(len(titles) / columns), 1)
    figure = make_subplots(
        rows=rows, cols=columns, subplot_titles=list(titles), horizontal_spacing=0.08, vertical_spacing=0.3 / rows
    )
    figure.layout.template, figure.layout.height = _style_of_panels(), 60 + 200 * rows
    figure.update_annotations(font={"size": 13})  # the titles: they have a size of their own
    return figure, lambda index: (index // columns + 1, index % columns + 1)
