"""Everything that the requests of one running store share."""

import itertools
from dataclasses import dataclass
from pathlib import Path

from storage.embedded.analyst import AnalystRules
from storage.embedded.analyst_settings import AnalystSettings
from storage.embedded.bodies import Spool
from storage.embedded.door_metrics import DoorMetrics
from storage.embedded.engine import Engine
from storage.embedded.failed_writes import FailedWrites
from storage.embedded.inserting import Inserter
from storage.embedded.lanes import Lanes
from storage.embedded.syncing import Syncing
from storage.embedded.users import Users


@dataclass(frozen=True)
class Door:
    """Everything that requests share.

    Shape: `formats` gives name and content type of each format by its name in lower case.
    """

    engine: Engine
    lanes: Lanes
    inserter: Inserter
    failed_writes: FailedWrites
    syncing: Syncing
    users: Users
    rules: AnalystRules
    settings: AnalystSettings
    spool_dir: Path
    formats: dict[str, tuple[str, str]]
    metrics: DoorMetrics
    numbers: "itertools.count[int]"

    def new_spool(self) -> Spool:
        """Return a spool file of a name that nobody has."""
        return Spool(self.spool_dir / f"{next(self.numbers)}.spool")
