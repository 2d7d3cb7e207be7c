"""A report's rows as bars, in an SVG that needs nothing else."""
from xml.sax.saxutils import escape

COLOURS = {"gpustack": "#2f7d4f", "ansible": "#b0483a", "mitogen": "#b58a2e", "ssh": "#7a7f87"}
LABEL, BAR, END = 220, 400, 100  # widths of the columns, in pixels
TOP, LINE = 84, 24  # heights of the head and of a line
STYLE = "font: 13px sans-serif; fill: #24292f"


def text(x, y, words, more=""):
    return f'<text x="{x}" y="{y}"{more}>{escape(words)}</text>'


def bars(rows):
    """(top, row, width in pixels) of each; a row is as wide as its part of the longest."""
    longest = max(row["wall_s"] for row in rows) or 1
    return [(TOP + LINE * number, row, max(1.0, BAR * row["wall_s"] / longest)) for number, row in enumerate(rows)]


def svg(report):
    """@param report  with rows"""
    lines = []
    for top, row, width in bars(report.rows):
        middle = top + LINE // 2 + 1
        lines.append(text(LABEL - 8, middle, f"{row['name']}, {row['engine']}", ' text-anchor="end"'))
        colour = COLOURS.get(row["engine"], "#44608c")
        lines.append(f'<rect x="{LABEL}" y="{top}" width="{width:.1f}" height="{LINE - 8}" fill="{colour}"/>')
        lines.append(text(round(LABEL + width) + 6, middle, f"{row['wall_s']:.2f} s"))
    bottom = TOP + LINE * len(report.rows)
    for ratio in report.ratios:
        bottom += LINE
        lines.append(text(LABEL, bottom - 8, f"{ratio['name']}: {ratio['wall']:.1f}x wall, {ratio['cpu']:.1f}x CPU"))
    width, height = LABEL + BAR + END, bottom + 16
    # The first words of a version line are enough.
    machine = [str(report.machine[key]).split(" (")[0] for key in ("gpustack", "ansible") if key in report.machine]
    machine.append(f"{report.machine['cores']} cores for hosts and controller")
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>', f'<g style="{STYLE}">',
        text(16, 26, f"{report.title}: seconds, less is better", ' font-weight="bold"'),
        text(16, 46, report.rows[0]["on"]), text(16, 64, ", ".join(machine)),
        *lines, "</g>", "</svg>", ""])
