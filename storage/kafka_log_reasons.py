"""What went wrong between us and a Kafka broker, in words an operator can act on."""

import os
import re
from typing import Final

from kafka import errors

_NOISE: Final = re.compile(r"^(\[Error [0-9]+\] )?(\w+Error: )*")
"""What kafka-python puts before the words of an error."""


def reason(error: BaseException | None) -> str:
    """Return in one short line what went wrong."""
    if error is None:
        return "no broker answered in time"
    if isinstance(error, errors.IllegalSaslStateError):
        return "the broker expects no user here"
    if isinstance(error, errors.NodeNotReadyError):
        return "no connection at the moment"
    if isinstance(error, errors.KafkaProtocolError):
        return "what answers there speaks no Kafka (TLS, perhaps)"
    if isinstance(error, errors.UnsupportedSaslMechanismError):
        return "the broker does not know this sasl_mechanism"
    said = _NOISE.sub("", " ".join(str(error).split()))
    if "socket disconnected" in said:
        return "the broker closed the connection at once (does it expect TLS or a user?)"
    if found := re.fullmatch(r"(?:unable to connect: )?([0-9]+) E[A-Z]+", said):
        return os.strerror(int(found[1]))
    return said[:300] or type(error).__name__
