"""Timelines to pictures: ladder, time-sequence graph, curves; SVG and terminal text."""
