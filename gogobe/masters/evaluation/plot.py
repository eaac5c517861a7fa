"""Plots the precision-recall curves of an evaluation. Needs matplotlib, the extra `plot`."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from gogobe.masters.evaluation.evaluate import Evaluation


def plot_curves(evaluation: Evaluation, path: Path) -> None:
    """Draw the chains' precision-recall curves with their operating points, as PNG. Raises OSError."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    for one in evaluation.chains:
        line = axes.plot(
            [point.recall for point in one.curve], [point.precision for point in one.curve], label=one.chain
        )
        axes.plot(one.accept_recall, one.accept_precision, "o", color=line[0].get_color())
    axes.axhline(0.97, color="0.6", linewidth=0.8, linestyle="--")
    axes.text(0.01, 0.972, "aim: precision 0.97", color="0.4", fontsize=8)
    axes.set(
        xlabel="recall: part of the items with a master that are rightly given to it",
        ylabel="precision: part of the items given to a master that are right",
        title="Accepting by name alone; the dots are where it is done",
        xlim=(0, 1),
        ylim=(0.5, 1.005),
    )
    axes.grid(color="0.9")
    axes.legend(title="chain held out", loc="lower left")
    figure.savefig(path, dpi=120)
