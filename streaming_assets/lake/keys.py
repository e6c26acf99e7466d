"""The key with which e-mail addresses are hashed."""

import contextlib
import os
import secrets

from streaming_assets.errors import LakeSettingsError
from streaming_assets.settings import Settings

_SHORTEST = 16


def email_key(settings: Settings) -> str:
    """The key of the settings, else one that is made once and kept in DIR/email.key, readable by its owner only.

    Raises LakeSettingsError where that file holds no key.
    """
    if settings.email_key is not None:
        return settings.email_key
    path = settings.data_dir / "email.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.key")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        # Whoever links first has made the key; it is there as a whole or not at all.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    key = path.read_text(encoding="ascii").strip()
    if len(key) < _SHORTEST:
        raise LakeSettingsError(
            f"{path}: found {len(key)} characters, expected a key of at least {_SHORTEST}; put the key back, or delete "
            "the file to have a new one made (hashes of e-mail addresses will then differ from those so far)"
        )
    return key
