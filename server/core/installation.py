"""What tells one installation from another. No Django here: `server.run` compares it with what the servers' health pages say."""

import hmac
import os


def installation_mark(key: str) -> str:
    """A name that anybody may read, made from a secret of the installation, which it does not betray. 16 hexadecimal digits."""
    return hmac.new(key.encode(), b"pantau.installation", "sha256").hexdigest()[:16]


def own_mark(secret_key: str) -> str:
    """The mark of this process. The word of its home comes first: the secret key may be one that several installations were given."""
    return installation_mark(os.environ.get("PANTAU_INSTANCE") or secret_key)
