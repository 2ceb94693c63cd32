"""Additions that keep a delivery exact beyond its lock: a fencing token, a count of resends, a circuit breaker."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns. Detections sent again before this version count as sent again once."""
    op.execute("SET LOCAL statement_timeout = 0")
    op.add_column("connector", sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("connector", sa.Column("handed_over_to", sa.Text(), nullable=True))
    op.add_column("connector", sa.Column("unknown_streak", sa.Integer(), server_default="0", nullable=False))
    for name in ("unknown_since", "unknown_at", "known_since"):
        op.add_column("connector", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("batch", sa.Column("resends", sa.SmallInteger(), server_default="0", nullable=False))
    op.execute("UPDATE batch SET resends = 1 WHERE resent")
    op.drop_column("batch", "resent")
    op.create_index("batch_resent", "batch", ["connector_id", "reserved_at"], postgresql_where=sa.text("resends > 0"))
