"""The key by which a channel knows that a message is ours."""

from django.utils.crypto import salted_hmac

from geo.channels.models import ChannelConnection


def signing_key(connection: ChannelConnection) -> str:
    """64 hexadecimal digits, used as they are written. Derived from the installation's secret: stored nowhere."""
    name = f"{connection.channel.slug}:{connection.key_generation}"
    return salted_hmac("pantau.channel-key", name, algorithm="sha256").hexdigest()
