"""Colours, for light and dark, and marks: what somebody else found out about a node and wants to see in the picture."""

from __future__ import annotations

from dataclasses import dataclass

# Okabe and Ito's blue and vermilion, told apart by the colour-blind; the latter a little darker, to be read as text.
FPROP, BPROP = "#0072B2", "#C24E00"
LEAF, OP, CONSTANT, TEXT, QUIET, CLUSTER = "#E3F0F8", "#FFFFFF", "#F2F2F2", "#1A1A1A", "#7A7A7A", "#F7F9FA"
NEGATIVE, ZERO, POSITIVE, NOT_FINITE = "#762A83", "#F5F5F5", "#1B7837", "#000000"  # the entries of heat-maps
FONT = "Helvetica,Arial,sans-serif"
PICTURE = "autograd-lite"  # the class of our SVGs, so that their colours leave others on the same page alone

# The same roles on a dark page.
DARK = {
    FPROP: "#56B4E9",
    BPROP: "#FF9A4D",
    LEAF: "#173A50",
    OP: "#20252B",
    CONSTANT: "#2E2E2E",
    TEXT: "#EDEDED",
    QUIET: "#A0A0A0",
    CLUSTER: "#16191D",
    NEGATIVE: "#C9A2DC",
    POSITIVE: "#7FCF93",
}

# Buffers of a compiled program, and the same on a dark page: Paul Tol's light scheme, for fills behind black text.
BUFFERS = {
    "#99DDFF": "#1F5F80",
    "#EEDD88": "#6E5F12",
    "#44BB99": "#1B6650",
    "#FFAABB": "#8A3B50",
    "#BBCC33": "#586410",
    "#EE8866": "#93421F",
    "#77AADD": "#2C5585",
}


@dataclass(frozen=True)
class Look:
    """The border, fill and pen of a marked box; `dark_fill` on a dark page."""

    color: str
    fill: str
    dark_fill: str
    pen: float = 1.0


# What a mark can say, worst first: where several boxes are folded into one, the worst is shown.
MARKS = {
    "bad": Look("#B2182B", "#F9CFC8", "#541512", 3.0),
    "tainted": Look("#B2182B", "#FDEEEB", "#33201F"),
    "warning": Look("#946C00", "#FFF0B8", "#4A3B0C", 1.5),
    "good": Look("#007A5A", "#DDF3EA", "#12392E"),
    "note": Look(FPROP, OP, DARK[OP]),
}


@dataclass(frozen=True)
class Mark:
    """What a box is to show besides itself: a `kind` in MARKS, which colours it, and a `note` written in it.

    `ag.draw(loss, marks={node: Mark("bad", "log of 0")})`: the keys are nodes (`tensor.node`, `box.node`) or Tensors.

    Raises
    ------
    ValueError for a kind that is not in MARKS.
    """

    kind: str = "note"
    note: str = ""

    def __post_init__(self) -> None:
        if self.kind not in MARKS:
            raise ValueError(f"Mark: kind {self.kind!r}; one of {', '.join(MARKS)}")


def worst(marks: list[Mark]) -> Mark | None:
    """The mark that counts where several boxes are shown as one."""
    return min(marks, key=lambda mark: list(MARKS).index(mark.kind), default=None)


def stylesheet() -> str:
    """CSS that turns the colours of an SVG of the class PICTURE into those of DARK where the reader's page is dark; one
    that is opened by itself gets a dark page too."""
    pairs = {**DARK, **BUFFERS, **{look.fill: look.dark_fill for look in MARKS.values() if look.fill not in DARK}}
    pairs |= {"#B2182B": "#FF6B5E", "#946C00": "#F0C040", "#007A5A": "#3CC79A"}
    rules = [
        f'.{PICTURE} [{what}="{light.lower()}"]{{{what}:{dark}}}'
        for what in ("fill", "stroke")
        for light, dark in pairs.items()
    ]
    return (
        f"<style>.{PICTURE}:root{{color-scheme:light dark}}"
        f"@media (prefers-color-scheme: dark){{{''.join(rules)}}}</style>"
    )


def variables() -> str:
    """CSS that gives the page that steps through a computation (page.css) the colours of pictures."""
    roles = {
        "fprop": FPROP,
        "bprop": BPROP,
        "leaf": LEAF,
        "constant": CONSTANT,
        "negative": NEGATIVE,
        "positive": POSITIVE,
    }
    light = "".join(f"--{role}:{color};" for role, color in roles.items())
    dark = "".join(f"--{role}:{DARK[color]};" for role, color in roles.items())
    return f":root{{{light}}}@media (prefers-color-scheme: dark){{:root{{{dark}}}}}\n"
