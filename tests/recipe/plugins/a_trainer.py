"""A trainer for the tests of recipes: it trains nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field

from dataforge.core.plugin import Trainer, TrainInputs, TrainLog


@dataclass(frozen=True, kw_only=True)
class ATrainer:
    """Trains nothing."""

    version: ClassVar[int] = 1

    learning_rate: Annotated[float, Field(gt=0, description="Step size.")] = 1e-4
    epochs: Annotated[int, Field(ge=1, description="Times that every row is seen.")] = 1

    def train(self, inputs: TrainInputs, log: TrainLog) -> Mapping[str, Any]:
        """Train nothing."""
        del inputs, log
        return {}


TRAINER: type[Trainer] = ATrainer
