"""What is refused or cannot go on, said so that a person can act on it."""


class ContractMismatchError(RuntimeError):
    """The table on disk was written under another contract."""


class ConflictError(RuntimeError):
    """Somebody else committed to a table since it was read: compute again, never replay."""


class LakeSettingsError(RuntimeError):
    """The lake was made with other settings than these, or cannot lie where it is to lie."""


class InstanceError(RuntimeError):
    """Dagster's own storage cannot be read or written."""


class ModelRefusedError(RuntimeError):
    """A stored model holds something that may not be loaded."""


class EngineError(RuntimeError):
    """An engine that the settings name cannot be used here."""


class LandingMissingError(RuntimeError):
    """The landing folder is not there, so that nobody can say what lies in it: nothing is read, and nothing forgotten."""
