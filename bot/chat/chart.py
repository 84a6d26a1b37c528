"""Statistics as a picture, where the extra ``stats`` (matplotlib) is installed; it is imported only then."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Mapping, Sequence

_SIZE_INCHES = (8.0, 4.5)
_DPI = 120
_COLOURS = ("#2e8b57", "#c0392b", "#7f8c8d", "#b8860b", "#3b75af")


def can_draw() -> bool:
    """Whether there is anything to draw with."""
    return importlib.util.find_spec("matplotlib") is not None


def bars(
    title: str, below: Sequence[str], stacks: Mapping[str, Sequence[int]], line: tuple[str, Sequence[int]]
) -> bytes:
    """A PNG: for each word `below` a bar made of `stacks`, by name from the bottom up; `line` over them."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=_SIZE_INCHES, dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    places = range(len(below))
    bottom = [0] * len(below)
    for (name, numbers), colour in zip(stacks.items(), _COLOURS, strict=True):
        if any(numbers):
            axes.bar(places, numbers, bottom=bottom, label=name, color=colour, width=0.7)
        bottom = [under + number for under, number in zip(bottom, numbers, strict=True)]
    name, numbers = line
    if any(numbers):
        axes.plot(places, numbers, label=name, color="black", marker="o", linestyle=":", linewidth=1)
    axes.set_xticks(list(places), below)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(bottom=0, top=max(1, *bottom, *numbers) * 1.08)
    axes.set_title(title)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, fontsize="small", loc="outside lower center", ncols=len(stacks) + 1)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    return drawn.getvalue()
