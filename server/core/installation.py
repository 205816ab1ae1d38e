"""What tells one installation from another. No Django here: `server.run` compares it with what /health/ready says."""

import hmac


def installation_mark(key: str) -> str:
    """A name that anybody may read, made from a secret of the installation, which it does not betray. 16 hexadecimal digits."""
    return hmac.new(key.encode(), b"pantau.installation", "sha256").hexdigest()[:16]
