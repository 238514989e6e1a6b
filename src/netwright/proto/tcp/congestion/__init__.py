"""How fast to send: the congestion window and the controls that move it."""

from netwright._native import prefer_compiled

prefer_compiled(__name__, __path__)
