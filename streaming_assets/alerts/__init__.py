"""Who is told of what failed, once, and of its recovery; from what stands failed to what a channel took.

standing: what failed and what passes again since the last look. messages: how that is said. record: what was told and
what waits. channels, webhook, mail: where it goes, and deadline: by when it is there. Nothing here knows the orchestrator, and clocks are arguments.
"""
