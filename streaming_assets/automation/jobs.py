"""Names of what runs together, in the order in which data walks through it.

The command line, sensors and schedules launch these jobs and nothing else.
"""

INGEST = "ingest"
COMPUTE_DAYS = "compute_days"
REFRESH_ENTITIES = "refresh_entities"
COMPUTE_MARTS = "compute_marts"
DECIDE_EXPERIMENTS = "decide_experiments"
REFRESH_MODELS = "refresh_models"
TRAIN_MODELS = "train_models"
PUBLISH = "publish"
NIGHTLY = "nightly"
CHECK = "check_everything"
STANDING_CHECKS = "standing_checks"

GROUPS = ("raw", "core", "marts", "experiments", "models", "published")
"""What may be asked for by itself."""
