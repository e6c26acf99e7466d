"""Pictures and sentences for the UI: a mart is cut down to a few rows, and these are drawn or told.

What belongs here: which rows a picture needs, how it looks, what a sentence says. Not here: running
expressions and attaching results to assets, which the asset layer does.
"""

from streaming_assets.reporting.shown import SHOWN, Plot, Sentence, Shown, nothing_to_show

__all__ = ["SHOWN", "Plot", "Sentence", "Shown", "nothing_to_show"]
