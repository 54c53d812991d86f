#!/usr/bin/env python3
"""Makes the pictures of the log's formats: runs the example `logging` on a terminal of its own, and
draws what it writes. It needs Python alone.

    cargo build --example logging
    docs/pictures.py target/debug/examples/logging
"""

import fcntl
import os
import pathlib
import pty
import re
import struct
import sys
import termios
from xml.sax.saxutils import escape

ROOT = pathlib.Path(__file__).resolve().parent.parent
COLUMNS = 100
# The size of a character, and the space around the text.
SIZE, WIDTH, HEIGHT, MARGIN = 14, 8.43, 17, 14
BACKGROUND, FOREGROUND, QUIET = "#16181d", "#d8dce4", "#858c99"
COLORS = {31: "#f7768e", 32: "#9ece6a", 33: "#e0af68", 34: "#7aa2f7", 35: "#bb9af7", 36: "#7dcfff", 91: "#ff899d", 92: "#b9f27c"}


def run_on_a_terminal(program: str, form: str) -> str:
    foreign = ("COLUMNS", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "AIOMISC_LOG_FORMAT")
    environment = {name: text for name, text in os.environ.items() if name not in foreign}
    environment |= {"TERM": "xterm-256color", "LANG": "C.UTF-8", "TZ": "UTC", "RUST_BACKTRACE": "0"}
    if form == "rich_tb":
        environment["RUST_BACKTRACE"] = "1"
    child, terminal = pty.fork()
    if child == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
        os.chdir(ROOT)
        os.execve(program, [program, "--format", form, "--level", "debug"], environment)
    output = b""
    while True:
        try:
            part = os.read(terminal, 1 << 16)
        except OSError:
            break
        if not part:
            break
        output += part
    _, status = os.waitpid(child, 0)
    assert status == 0, f"{program} ended with {status}"
    return output.decode().replace("\r\n", "\n")


def style_of(codes: set[int]) -> str:
    color = next((COLORS[code] for code in codes if code in COLORS), FOREGROUND)
    style = f'fill="{QUIET if codes == {2} else BACKGROUND if 7 in codes else color}"'
    if 1 in codes:
        style += ' font-weight="bold"'
    if 3 in codes:
        style += ' font-style="italic"'
    if 2 in codes and codes != {2}:
        style += ' opacity="0.7"'
    return style


def draw(output: str) -> str:
    """Each piece of a text stands at the column where the terminal has it, whatever font is there."""
    lines = []
    for line in output.rstrip("\n").split("\n"):
        # The terminal goes on in the next row where a line is too long for it.
        plain, at, rows = re.sub(r"\x1b\[[\d;]*m", "", line), 0, []
        codes: set[int] = set()
        for part in re.split(r"(\x1b\[[\d;]*m)", line):
            if part.startswith("\x1b"):
                codes = {int(code or 0) for code in part[2:-1].split(";")} - {0}
                continue
            for character in part:
                row, column = divmod(at, COLUMNS)
                if row == len(rows):
                    rows.append([])
                rows[row].append((column, character, frozenset(codes)))
                at += 1
        lines += rows or [[]]
        assert at == len(plain)
    width, height = COLUMNS * WIDTH + 2 * MARGIN, len(lines) * HEIGHT + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" font-size="{SIZE}" '
        'font-family="ui-monospace, \'DejaVu Sans Mono\', Menlo, Consolas, monospace">',
        f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>',
    ]
    for row, line in enumerate(lines):
        top = MARGIN + row * HEIGHT
        start = 0
        while start < len(line):
            column, _, codes = line[start]
            end = start
            while end < len(line) and line[end][2] == codes:
                end += 1
            text = "".join(character for _, character, _ in line[start:end])
            if 7 in codes:
                color = next(COLORS[code] for code in codes if code in COLORS)
                parts.append(f'<rect x="{MARGIN + column * WIDTH:.1f}" y="{top}" width="{len(text) * WIDTH:.1f}" height="{HEIGHT}" fill="{color}"/>')
            for piece in re.finditer(r"\S+(?: \S+)*", text):
                x = MARGIN + (column + piece.start()) * WIDTH
                length = len(piece.group()) * WIDTH
                parts.append(
                    f'<text x="{x:.1f}" y="{top + SIZE - 1}" textLength="{length:.1f}" {style_of(set(codes))}>{escape(piece.group())}</text>'
                )
            start = end
    return "\n".join([*parts, "</svg>", ""])


def main() -> None:
    program = str(pathlib.Path(sys.argv[1]).resolve())
    folder = ROOT / "docs/images"
    folder.mkdir(exist_ok=True)
    for form in ("color", "rich", "rich_tb"):
        (folder / f"{form}.svg").write_text(draw(run_on_a_terminal(program, form)))


main()
