"""The ratios of a run as a picture: a panel for each benchmark, a point for each row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.kept import Measured
from benchmarks.row import Row

if TYPE_CHECKING:  # imported late, because only a plot needs it
    from matplotlib.axes import Axes

#: Benchmark -> the meaning of its ratios. Others are the project divided by its comparison.
AXES = {
    "floor": "x the floor",
    "pipeline": "x the plain script",
    "parse": "x as many trivial DAGs",
    "ledger": "x the same submissions without a ledger, or PostgreSQL alone",
    "delivery": "x the plain script",
    "page_queries": "time at the largest ledger, x the smallest",
    "page_times": "time at the largest ledger, x the smallest",
    "big_ledger": "at the largest ledger, x the smallest",
    "history": "x the least possible",
    "airflow_run": "x a chain of empty tasks",
    "fleet": "x as many trivial DAGs",
}
#: A panel whose ratios differ by more has a logarithmic axis.
LINEAR_SPREAD = 3.0
#: If they differ by more than this, it has marks only at powers of ten.
WIDE_SPREAD = 1000.0
WIDTH_INCHES, ROW_INCHES, PANEL_INCHES = 11.0, 0.24, 1.25
#: Colors that color-blind readers can distinguish: met, missed, no aim.
COLOURS = {True: "#0072b2", False: "#d55e00", None: "#767676"}
WORDS = {True: "aim met", False: "aim missed", None: "no aim"}
LONGEST_LABEL = 60


@dataclass(frozen=True, slots=True)
class Panel:
    """Rows that share an axis."""

    title: str
    axis: str
    rows: Sequence[Row]

    @property
    def marks(self) -> list[float]:
        """Return the values that the axis must show: the ratios, the aims, and 1."""
        aims = [row.aim_ratio for row in self.rows if row.aim_ratio is not None]
        return [1.0, *aims, *(row.ratio for row in self.rows if row.ratio is not None)]

    @property
    def is_logarithmic(self) -> bool:
        """Return whether the ratios are too far from each other for a linear axis."""
        return min(self.marks) > 0 and max(self.marks) / min(self.marks) > LINEAR_SPREAD


def make_panels(measured: Measured) -> list[Panel]:
    """Return a panel for each benchmark that has ratios: separate ones for ratios that should be high and low."""
    return [panel for name, rows in measured.items() for panel in _panels_of(name, rows)]


def _panels_of(name: str, rows: Sequence[Row]) -> Iterator[Panel]:
    for more_is_better in (True, False):
        chosen = [row for row in rows if row.ratio is not None and row.more_is_better is more_is_better]
        if chosen:
            wish = "more is better" if more_is_better else "less is better"
            yield Panel(f"{name}: {wish}", AXES.get(name, "project / beside"), chosen)


def draw(measured: Measured, path: Path) -> None:
    """Write the picture. Raises ImportError without matplotlib."""
    import matplotlib as mpl

    mpl.use("agg")  # a file, no window
    from matplotlib import pyplot as plt
    from matplotlib.lines import Line2D

    panels = make_panels(measured)
    heights = [PANEL_INCHES + ROW_INCHES * len(panel.rows) for panel in panels]
    figure, axes = plt.subplots(
        len(panels),
        figsize=(WIDTH_INCHES, sum(heights)),
        height_ratios=heights,
        squeeze=False,
        layout="constrained",
    )
    for panel, place in zip(panels, axes[:, 0], strict=True):
        _draw_panel(panel, place)
    handles = [Line2D([], [], color=COLOURS[met], marker="o", linestyle="", label=WORDS[met]) for met in COLOURS]
    handles.append(Line2D([], [], color="black", marker="|", linestyle="", markersize=12, label="aim"))
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _draw_panel(panel: Panel, place: Axes) -> None:
    place.set_title(panel.title, loc="left", fontweight="bold")
    place.set_xlabel(panel.axis)
    _set_scale(panel, place)
    place.set_yticks(range(len(panel.rows)), [_label(row) for row in panel.rows], fontsize=8)
    place.set_ylim(len(panel.rows) - 0.4, -0.6)
    place.grid(axis="x", color="#e4e4e4")
    place.set_axisbelow(True)
    place.spines[["top", "right", "left"]].set_visible(False)
    place.axvline(1.0, color="black", linewidth=1)
    for height, row in enumerate(panel.rows):
        assert row.ratio is not None
        place.hlines(height, min(row.ratio, 1.0), max(row.ratio, 1.0), color=COLOURS[row.met], linewidth=1.5)
        place.plot(row.ratio, height, "o", color=COLOURS[row.met], markersize=6)
        _write_number(row.ratio, height, place)
        if row.aim_ratio is not None:
            place.plot(row.aim_ratio, height, "|", color="black", markersize=14, markeredgewidth=1.5)


def _write_number(ratio: float, height: int, place: Axes) -> None:
    """Write a ratio beside its point, off the line that leads to 1."""
    shift, side = ((-7, -3), "right") if ratio < 1 else ((7, -3), "left")
    place.annotate(
        f"{ratio:.2f}", (ratio, height), shift, textcoords="offset points", ha=side, fontsize=7.5, color="#333333"
    )


def _set_scale(panel: Panel, place: Axes) -> None:
    """Choose the axis. It starts at 0, unless the ratios are far from each other."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    if not panel.is_logarithmic:
        place.set_xlim(0, max(panel.marks) * 1.15)
        return
    place.set_xscale("log")
    place.set_xlim(min(panel.marks) / 1.5, max(panel.marks) * 1.5)
    is_wide = max(panel.marks) / min(panel.marks) > WIDE_SPREAD
    place.xaxis.set_major_locator(LogLocator(subs=(1,) if is_wide else (1, 2, 5), numticks=20))
    place.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    place.xaxis.set_minor_locator(NullLocator())


def _label(row: Row) -> str:
    words = f"{row.benchmark}, {row.case}" if row.case else row.benchmark
    return words if len(words) <= LONGEST_LABEL else f"{words[: LONGEST_LABEL - 1]}…"
