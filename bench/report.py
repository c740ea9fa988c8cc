"""What is shown of a run: a line a row while it is measured, a summary, and a chart.

A row is a dict: op, case, product, threads, seconds {"ours": s, peer: s, …}, and where they are known flops (a second),
bandwidth (bytes a second), share (of the ceiling), ratio (the best peer's time over ours), note.
"""

import numpy as np

ENDINGS = (".png", ".svg")
COLORS = ("#0072b2", "#999999", "#e69f00", "#d55e00", "#009e73", "#cc79a7")  # Okabe, Ito 2008: told apart by all eyes
BAR = 0.14  # inches


def line(row):
    """A row as a line of the table."""
    times = row["seconds"]
    text = f"{row['op']:12s} {row['case']:28.28s} {row['product']:8s} {times['ours'] * 1e6:10.1f} us"
    if "flops" in row:
        text += f" {row['flops'] / 1e9:8.1f} GFLOP/s {100 * row['share']:5.1f} %"
    elif "bandwidth" in row:
        text += f" {row['bandwidth'] / 1e9:8.1f} GB/s    {100 * row['share']:5.1f} %"
    others = {name: time for name, time in times.items() if name != "ours"}
    if others:
        text += f"   {row['ratio']:5.2f} x {min(others, key=others.get)}"
        text += "".join(f"   {name} {time * 1e6:.1f} us" for name, time in others.items())
    if "note" in row:
        text += f"   {row['note']}"
    return text.rstrip()


def summary(rows):
    """The peers' distance over all rows, as a line; None where no peer was measured."""
    ratios = [row["ratio"] for row in rows if "ratio" in row]
    if not ratios:
        return None
    return (
        f"ratio of the best peer's time to ours: geometric mean {np.exp(np.mean(np.log(ratios))):.2f}, "
        f"least {min(ratios):.2f}, over {len(ratios)} products"
    )


def chart(rows, path, title):
    """Bars of all rows as a PNG or SVG file, a panel a thread count; longer is better.

    GFLOP/s where all rows have them, with the machine's ceiling; else speed relative to ours.
    """
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(name for row in rows for name in row["seconds"]))
    counts = list(dict.fromkeys(row["threads"] for row in rows))
    ops = list(dict.fromkeys(row["op"] for row in rows))
    places = {key: place for place, key in enumerate(dict.fromkeys(_key(row) for row in rows))}
    rates = all("flops" in row for row in rows)
    height = 1.5 + len(places) * (len(names) + 1) * BAR
    figure = Figure(figsize=(3 + 4 * len(counts), height), layout="constrained")
    panels = figure.subplots(1, len(counts), sharey=True, squeeze=False)[0]
    for panel, count in zip(panels, counts):
        here = [row for row in rows if row["threads"] == count]
        for n, name in enumerate(names):
            _bars(panel, [row for row in here if name in row["seconds"]], name, places, rates, n, len(names))
        if rates:
            ceiling = here[0]["flops"] / here[0]["share"] / 1e9
            panel.axvline(ceiling, color="black", linewidth=0.8, linestyle=":", label="most from registers")
        panel.set_title(f"{count} thread{'s' * (count > 1)}", fontsize=10)
        panel.set_xlabel("GFLOP/s" if rates else "speed, ours = 1", fontsize=9)
        panel.set_xlim(0, 1.15 * panel.get_xlim()[1])  # room for the last bar's time
        panel.tick_params(labelsize=8)
        panel.tick_params(axis="y", length=0)
        panel.spines[["top", "right"]].set_visible(False)
    shown = [" ".join(key if len(ops) > 1 else key[1:]) for key in places]
    panels[0].set_yticks(range(len(places)), shown)
    panels[0].set_ylim(len(places) - 0.4, -0.6)  # the first case on top
    figure.suptitle(f"{ops[0]}, {title}" if len(ops) == 1 else title, fontsize=11)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8, frameon=False)
    figure.savefig(path, dpi=120)


def _key(row):
    return row["op"], row["case"], row["product"]


def _bars(panel, rows, name, places, rates, n, contestants):
    """The n-th bar of every group, with its time at the end."""
    thick = 1 / (contestants + 1)
    middles = [places[_key(row)] + (n - (contestants - 1) / 2) * thick for row in rows]
    speeds = [row["seconds"]["ours"] / row["seconds"][name] for row in rows]
    lengths = [speed * row["flops"] / 1e9 if rates else speed for speed, row in zip(speeds, rows)]
    bars = panel.barh(middles, lengths, thick, color=COLORS[n % len(COLORS)], label=name)
    panel.bar_label(bars, [_time(row["seconds"][name]) for row in rows], padding=2, fontsize=6)


def _time(seconds):
    for unit, factor in (("s", 1), ("ms", 1e3)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"
