#!/usr/bin/env python3
"""Turns a terminal's contents into a picture.

    tmux capture-pane -p -e -N | python3 docs/screenshot.py OUT.png

(-N keeps coloured blanks at the ends of lines.) Reads text with SGR sequences
(as tmux prints them) and draws it cell by cell.
Half blocks and other block elements are exact rectangles, so that a heatmap has
no seams; lines of boxes are drawn as lines; the rest uses DejaVu Sans Mono.
Needs Pillow. Options: --columns N and --rows N pad or cut the screen, --size N
is the height of a cell in pixels (default 20), --background and --foreground
set the default colours (#rrggbb).
"""

import argparse
import re
import sys
import unicodedata

from PIL import Image, ImageDraw, ImageFont

FONTS = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono%s.ttf"
ANSI = [
    (0x1C, 0x1F, 0x26), (0xE0, 0x6C, 0x75), (0x98, 0xC3, 0x79), (0xE5, 0xC0, 0x7B),
    (0x61, 0xAF, 0xEF), (0xC6, 0x78, 0xDD), (0x56, 0xB6, 0xC2), (0xC8, 0xCC, 0xD4),
    (0x5C, 0x63, 0x70), (0xF0, 0x7C, 0x85), (0xA8, 0xD3, 0x89), (0xF5, 0xD0, 0x8B),
    (0x71, 0xBF, 0xFF), (0xD6, 0x88, 0xED), (0x66, 0xC6, 0xD2), (0xF0, 0xF2, 0xF5),
]


def xterm(index):
    """The colour of an index of the 256-colour palette."""
    if index < 16:
        return ANSI[index]
    if index < 232:
        index -= 16
        steps = (0, 95, 135, 175, 215, 255)
        return steps[index // 36], steps[index // 6 % 6], steps[index % 6]
    grey = 8 + 10 * (index - 232)
    return grey, grey, grey


class Style:
    """Graphic attributes, changed by SGR parameters."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.fg = self.bg = None
        self.bold = self.dim = self.italic = self.underline = self.reverse = False

    def apply(self, parameters):
        codes = [int(p) if p else 0 for p in re.split("[;:]", parameters or "0")]
        while codes:
            code = codes.pop(0)
            if code == 0:
                self.reset()
            elif code == 1:
                self.bold = True
            elif code == 2:
                self.dim = True
            elif code == 3:
                self.italic = True
            elif code == 4:
                self.underline = True
            elif code == 7:
                self.reverse = True
            elif code == 22:
                self.bold = self.dim = False
            elif code == 23:
                self.italic = False
            elif code == 24:
                self.underline = False
            elif code == 27:
                self.reverse = False
            elif 30 <= code < 38:
                self.fg = ANSI[code - 30]
            elif 90 <= code < 98:
                self.fg = ANSI[code - 82]
            elif 40 <= code < 48:
                self.bg = ANSI[code - 40]
            elif 100 <= code < 108:
                self.bg = ANSI[code - 92]
            elif code == 39:
                self.fg = None
            elif code == 49:
                self.bg = None
            elif code in (38, 48):
                kind = codes.pop(0)
                if kind == 5:
                    colour = xterm(codes.pop(0))
                else:
                    colour = tuple(codes[:3])
                    del codes[:3]
                if code == 38:
                    self.fg = colour
                else:
                    self.bg = colour

    def colours(self, foreground, background):
        fg, bg = self.fg or foreground, self.bg or background
        if self.reverse:
            fg, bg = bg, fg
        if self.dim:
            fg = tuple((f * 6 + b * 4) // 10 for f, b in zip(fg, bg))
        return fg, bg


def parse(text):
    """Lines of (character, columns, fg, bg, bold, italic, underline) cells."""
    style = Style()
    for line in text.split("\n"):
        cells = []
        for part in re.split(r"(\x1b\[[0-9;:]*[A-Za-z]|\x1b\([B0]|[\x0e\x0f])", line):
            match = re.fullmatch(r"\x1b\[([0-9;:]*)m", part)
            if match:
                style.apply(match.group(1))
            elif part and not part.startswith(("\x1b", "\x0e", "\x0f")):
                for char in part:
                    if unicodedata.combining(char):
                        continue
                    columns = 2 if unicodedata.east_asian_width(char) in "WF" else 1
                    state = Style()
                    state.__dict__.update(style.__dict__)
                    cells.append((char, columns, state))
        yield cells


EIGHTHS = {chr(0x2580 + i): i for i in range(1, 9)}
LEFTS = {chr(0x2590 - i): i for i in range(1, 9)}
SHADES = {"░": 0.25, "▒": 0.5, "▓": 0.75}
# which arms of a box character are drawn: left, right, up, down
BOXES = {
    "─": "lr", "│": "ud", "┌": "rd", "┐": "ld", "└": "ru", "┘": "lu", "├": "rud", "┤": "lud",
    "┬": "lrd", "┴": "lru", "┼": "lrud", "╴": "l", "╵": "u", "╶": "r", "╷": "d",
    "╭": "rd", "╮": "ld", "╰": "ru", "╯": "lu",
}


def draw_cell(draw, char, box, fg, bg, font, underline):
    """Draws one character into its rectangle."""
    x0, y0, x1, y1 = box
    w, h = x1 - x0, y1 - y0
    draw.rectangle((x0, y0, x1 - 1, y1 - 1), fill=bg)
    if char == "▀":
        draw.rectangle((x0, y0, x1 - 1, y0 + h // 2 - 1), fill=fg)
    elif char in EIGHTHS:
        top = y1 - round(h * EIGHTHS[char] / 8)
        draw.rectangle((x0, top, x1 - 1, y1 - 1), fill=fg)
    elif char in LEFTS:
        draw.rectangle((x0, y0, x0 + round(w * LEFTS[char] / 8) - 1, y1 - 1), fill=fg)
    elif char == "▐":
        draw.rectangle((x0 + w // 2, y0, x1 - 1, y1 - 1), fill=fg)
    elif char in SHADES:
        part = SHADES[char]
        mix = tuple(round(f * part + b * (1 - part)) for f, b in zip(fg, bg))
        draw.rectangle((x0, y0, x1 - 1, y1 - 1), fill=mix)
    elif char in BOXES:
        cx, cy, t = x0 + w // 2, y0 + h // 2, max(1, h // 16)
        arms = BOXES[char]
        if "l" in arms:
            draw.rectangle((x0, cy, cx + t - 1, cy + t - 1), fill=fg)
        if "r" in arms:
            draw.rectangle((cx, cy, x1 - 1, cy + t - 1), fill=fg)
        if "u" in arms:
            draw.rectangle((cx, y0, cx + t - 1, cy + t - 1), fill=fg)
        if "d" in arms:
            draw.rectangle((cx, cy, cx + t - 1, y1 - 1), fill=fg)
    elif char != " ":
        draw.text((x0, y0 + h * 0.79), char, fill=fg, font=font, anchor="ls")
    if underline:
        draw.rectangle((x0, y1 - 2, x1 - 1, y1 - 2), fill=fg)


def colour(text):
    """#rrggbb as a triple."""
    return tuple(bytes.fromhex(text.lstrip("#")))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", metavar="OUT.png")
    parser.add_argument("--columns", type=int)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--size", type=int, default=20)
    parser.add_argument("--background", type=colour, default=(0x12, 0x14, 0x1A))
    parser.add_argument("--foreground", type=colour, default=(0xC8, 0xCC, 0xD4))
    args = parser.parse_args()

    lines = list(parse(sys.stdin.read().rstrip("\n")))
    columns = args.columns or max((sum(c[1] for c in line) for line in lines), default=1)
    rows = args.rows or len(lines)
    h = args.size - args.size % 2
    w = h // 2
    points = round(h * 0.80)
    fonts = {bold: ImageFont.truetype(FONTS % suffix, points) for bold, suffix in ((False, ""), (True, "-Bold"))}
    margin = h // 2
    image = Image.new("RGB", (columns * w + 2 * margin, rows * h + 2 * margin), args.background)
    draw = ImageDraw.Draw(image)
    for y, line in enumerate(lines[:rows]):
        x = 0
        for char, wide, style in line:
            if x + wide > columns:
                break
            fg, bg = style.colours(args.foreground, args.background)
            box = (margin + x * w, margin + y * h, margin + (x + wide) * w, margin + (y + 1) * h)
            draw_cell(draw, char, box, fg, bg, fonts[style.bold], style.underline)
            x += wide
    image.save(args.out)


if __name__ == "__main__":
    main()
