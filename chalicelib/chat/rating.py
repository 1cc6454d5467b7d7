"""What a patient thought of a text appointment."""

from datetime import datetime

import msgspec


class Rating(msgspec.Struct, frozen=True):
    """`stars` from 1 to 5. `text` is personal and goes nowhere else."""

    session_id: str
    stars: int
    text: str
    created_at: datetime
