"""Names of what runs together, in the order in which data walks through it.

The command line, sensors and schedules launch these jobs and nothing else.
"""

INGEST = "ingest"
COMPUTE_DAYS = "compute_days"
REFRESH_ENTITIES = "refresh_entities"
COMPUTE_MARTS = "compute_marts"
PUBLISH = "publish"
CHECK = "check_everything"
