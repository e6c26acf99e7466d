"""What makes the figures of docs/benchmarks.md: `python -m benchmarks` runs everything and rewrites the page.

Belongs here: measuring, and the hand-written script that is the yardstick. Does not belong here: tests; nothing of this
runs with them.
"""
