"""Floor 6: pictures of the flow graph."""

from .flowgraph import draw
from .picture import Picture

__all__ = ["Picture", "draw"]
