"""Pure transformations: Ibis tables in, one Ibis table out.

Belongs here: what a table's rows are. Does not belong here: Dagster, connections, files, the clock, the environment,
engine-specific SQL, zone conversion (the calendar is an input).
"""
