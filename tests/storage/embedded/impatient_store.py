"""`python -m tests.storage.embedded.impatient_store …` is the embedded store for which a second is quiet for long."""

from functools import partial

from storage.embedded import serving
from storage.embedded.__main__ import main
from storage.embedded.quiet_partitions import QuietPartitions
from tests.fixtures_store import EmbeddedStore


class ImpatientStore(EmbeddedStore):
    """A store that makes one part of what nobody wrote to for a second."""

    module = "tests.storage.embedded.impatient_store"


if __name__ == "__main__":
    setattr(serving, "QuietPartitions", partial(QuietPartitions, quiet_s=1, every_s=0.2))  # noqa: B010  # a type to mypy
    main()
