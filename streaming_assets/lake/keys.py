"""The key with which e-mail addresses are hashed."""

import os
import secrets

from streaming_assets.settings import Settings


def email_key(settings: Settings) -> str:
    """The key of the settings, else one that is made once and kept in DIR/email.key, readable by its owner only."""
    if settings.email_key is not None:
        return settings.email_key
    path = settings.data_dir / "email.key"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32))
    return email_key(settings)
