"""What the lake refuses."""


class ContractMismatchError(RuntimeError):
    """The table on disk was written under another contract."""


class LakeSettingsError(RuntimeError):
    """The lake was made with other settings than these."""
