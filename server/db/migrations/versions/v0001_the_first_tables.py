"""The first tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _free_columns() -> list[sa.Column[Any]]:
    numbers: list[sa.Column[Any]] = [sa.Column(f"n{i:03}", sa.Float()) for i in range(1, 501)]
    texts: list[sa.Column[Any]] = [sa.Column(f"t{i:03}", sa.Text()) for i in range(1, 101)]
    return numbers + texts


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", BIG, nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.Column("who", sa.String(length=250), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=250), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.String(length=1000), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_action"), ["action"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_at_ms"), ["at_ms"], unique=False)

    op.create_table(
        "clock_readings",
        sa.Column("device_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", BIG, autoincrement=False, nullable=False),
        sa.Column("boot", BIG, autoincrement=False, nullable=False),
        sa.Column("mono_ms", BIG, autoincrement=False, nullable=False),
        sa.Column("utc_ms", BIG, nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint(
            "device_id", "epoch", "boot", "mono_ms", name=op.f("pk_clock_readings")
        ),
    )
    op.create_table(
        "events",
        sa.Column("id", BIG, nullable=False),
        sa.Column("objid", BIG, nullable=False),
        sa.Column("action_id", BIG, nullable=True),
        sa.Column("release_no", sa.Integer(), nullable=True),
        sa.Column("training_id", sa.Integer(), nullable=True),
        sa.Column("old_status", sa.String(length=1), nullable=False),
        sa.Column("old_taxon_id", sa.Integer(), nullable=True),
        sa.Column("new_status", sa.String(length=1), nullable=False),
        sa.Column("new_taxon_id", sa.Integer(), nullable=True),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("applied", sa.Boolean(), nullable=False),
        sa.Column("previous_id", BIG, nullable=True),
        sa.Column("created_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_events_action_id"), ["action_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_events_objid"), ["objid"], unique=False)

    op.create_table(
        "exact_values",
        sa.Column("objid", BIG, autoincrement=False, nullable=False),
        sa.Column("release_no", sa.Integer(), nullable=True),
        sa.Column("measures_version", sa.Integer(), nullable=False),
        sa.Column("measures", sa.LargeBinary(), nullable=False),
        sa.Column("embedding", sa.LargeBinary(), nullable=False),
        sa.Column("shape", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("objid", name=op.f("pk_exact_values")),
    )
    op.create_table(
        "free_waiting",
        sa.Column("id", BIG, nullable=False),
        sa.Column("first", BIG, nullable=False),
        sa.Column("last", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_free_waiting")),
    )
    op.create_table(
        "images",
        sa.Column("id", BIG, nullable=False),
        sa.Column("objid", BIG, nullable=True),
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("epoch", BIG, nullable=False),
        sa.Column("object_seq", BIG, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("format", sa.String(length=8), server_default="PNG", nullable=False),
        sa.Column("file_name", sa.String(length=250), server_default="", nullable=False),
        sa.Column("pack_id", sa.Integer(), nullable=False),
        sa.Column("offset", BIG, nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_images")),
        sa.UniqueConstraint(
            "device_id",
            "epoch",
            "object_seq",
            "rank",
            name=op.f("uq_images_device_id_epoch_object_seq_rank"),
        ),
    )
    with op.batch_alter_table("images", schema=None) as batch_op:
        batch_op.create_index("ix_images_objid", ["objid", "rank"], unique=False)

    op.create_table(
        "ledger",
        sa.Column("device_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", BIG, autoincrement=False, nullable=False),
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "epoch", "seq", name=op.f("pk_ledger")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "object_free",
        sa.Column("objid", BIG, autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("sunpos", sa.String(length=1), nullable=True),
        sa.Column("link", sa.Text(), nullable=True),
        *_free_columns(),
        sa.PrimaryKeyConstraint("objid", name=op.f("pk_object_free")),
    )
    with op.batch_alter_table("object_free", schema=None) as batch_op:
        batch_op.create_index("ix_object_free_project", ["project_id", "objid"], unique=False)

    op.create_table(
        "object_values",
        sa.Column("objid", BIG, autoincrement=False, nullable=False),
        sa.Column("release_no", sa.Integer(), nullable=True),
        sa.Column("frame", sa.String(length=250), nullable=False),
        sa.Column("measures_version", sa.Integer(), nullable=False),
        sa.Column("brief", sa.LargeBinary(), nullable=False),
        sa.Column("top", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("objid", name=op.f("pk_object_values")),
    )
    op.create_table(
        "objects",
        sa.Column("objid", BIG, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("sample_id", sa.Integer(), nullable=False),
        sa.Column("acquisition_id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("epoch", BIG, nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("orig_id", sa.String(length=250), nullable=False),
        sa.Column("frame_index", BIG, nullable=False),
        sa.Column("index_in_frame", sa.Integer(), nullable=False),
        sa.Column("bx", sa.Integer(), nullable=False),
        sa.Column("by", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("esd_um", sa.Double(), nullable=False),
        sa.Column("border", sa.Boolean(), nullable=False),
        sa.Column("boot", BIG, nullable=False),
        sa.Column("mono_ms", BIG, nullable=False),
        sa.Column("utc_ms", BIG, nullable=True),
        sa.Column("utc_source", sa.String(length=8), nullable=False),
        sa.Column("lat_deg", sa.Double(), nullable=True),
        sa.Column("lon_deg", sa.Double(), nullable=True),
        sa.Column("depth_m", sa.Double(), nullable=True),
        sa.Column("depth_max_m", sa.Double(), nullable=True),
        sa.Column("temperature_c", sa.Double(), nullable=True),
        sa.Column("status", sa.String(length=1), nullable=False),
        sa.Column("taxon_id", sa.Integer(), nullable=True),
        sa.Column("pred_taxon_id", sa.Integer(), nullable=True),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("release_no", sa.Integer(), nullable=True),
        sa.Column("event_id", BIG, nullable=True),
        sa.Column("shuffle", BIG, nullable=False),
        sa.Column("received_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("objid", name=op.f("pk_objects")),
        sa.UniqueConstraint(
            "device_id", "epoch", "seq", name=op.f("uq_objects_device_id_epoch_seq")
        ),
    )
    with op.batch_alter_table("objects", schema=None) as batch_op:
        batch_op.create_index(
            "ix_objects_clockless",
            ["device_id", "epoch", "boot", "mono_ms"],
            unique=False,
            sqlite_where=sa.text("utc_source IN ('unknown', 'filled')"),
            postgresql_where=sa.text("utc_source IN ('unknown', 'filled')"),
        )
        batch_op.create_index(
            "ix_objects_place", ["acquisition_id", "frame_index", "index_in_frame"], unique=False
        )
        batch_op.create_index("ix_objects_project", ["project_id", "objid"], unique=False)
        batch_op.create_index(
            "ix_objects_review",
            ["project_id", "taxon_id", "status", "score", "objid"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_objects_sample_id"), ["sample_id"], unique=False)
        batch_op.create_index(
            "ix_objects_status", ["project_id", "status", "score", "objid"], unique=False
        )

    op.create_table(
        "packs",
        sa.Column("id", BIG, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("created_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_packs")),
        sa.UniqueConstraint("name", name=op.f("uq_packs_name")),
    )
    op.create_table(
        "replaced",
        sa.Column("training_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("objid", BIG, autoincrement=False, nullable=False),
        sa.Column("event_id", BIG, nullable=False),
        sa.Column("pred_taxon_id", sa.Integer(), nullable=True),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("release_no", sa.Integer(), nullable=True),
        sa.Column("top", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("training_id", "objid", name=op.f("pk_replaced")),
    )
    op.create_table(
        "taxa",
        sa.Column("id", BIG, nullable=False),
        sa.Column("parent_id", BIG, nullable=True),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("name_key", sa.String(length=250), nullable=False),
        sa.Column("display_name", sa.String(length=250), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("kind", sa.String(length=1), server_default="P", nullable=False),
        sa.Column("rank", sa.String(length=32), nullable=True),
        sa.Column("status", sa.String(length=1), server_default="A", nullable=False),
        sa.Column("rename_to", BIG, nullable=True),
        sa.Column("aphia_id", sa.Integer(), nullable=True),
        sa.Column("ecotaxa_id", sa.Integer(), nullable=True),
        sa.Column("created_ms", BIG, nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["taxa.id"], name=op.f("fk_taxa_parent_id")),
        sa.ForeignKeyConstraint(["rename_to"], ["taxa.id"], name=op.f("fk_taxa_rename_to")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_taxa")),
    )
    with op.batch_alter_table("taxa", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_taxa_name_key"), ["name_key"], unique=False)
        batch_op.create_index("ix_taxa_parent_id", ["parent_id"], unique=False)
        batch_op.create_index("ix_taxa_rename_to", ["rename_to"], unique=False)
        batch_op.create_index(
            "uq_taxa_aphia_id",
            ["aphia_id"],
            unique=True,
            sqlite_where=sa.text("rename_to IS NULL"),
            postgresql_where=sa.text("rename_to IS NULL"),
        )
        batch_op.create_index(
            "uq_taxa_child",
            ["parent_id", "name_key"],
            unique=True,
            sqlite_where=sa.text("rename_to IS NULL"),
            postgresql_where=sa.text("rename_to IS NULL"),
        )
        batch_op.create_index("uq_taxa_ecotaxa_id", ["ecotaxa_id"], unique=True)

    op.create_table(
        "taxon_changes",
        sa.Column("id", BIG, nullable=False),
        sa.Column("taxon_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("before", sa.String(), nullable=False),
        sa.Column("after", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("who", sa.String(length=250), nullable=False),
        sa.Column("cause", sa.String(length=250), nullable=False),
        sa.Column("made_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_taxon_changes")),
    )
    with op.batch_alter_table("taxon_changes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_taxon_changes_taxon_id"), ["taxon_id"], unique=False)

    op.create_table(
        "users",
        sa.Column("id", BIG, nullable=False),
        sa.Column("email", sa.String(length=250), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("password_hash", sa.String(length=250), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("organisation", sa.String(length=250), server_default="", nullable=False),
        sa.Column("created_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_table(
        "waiting_values",
        sa.Column("device_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", BIG, autoincrement=False, nullable=False),
        sa.Column("object_seq", BIG, autoincrement=False, nullable=False),
        sa.Column("measures_version", sa.Integer(), nullable=False),
        sa.Column("measures", sa.LargeBinary(), nullable=False),
        sa.Column("embedding", sa.LargeBinary(), nullable=False),
        sa.Column("shape", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "epoch", "object_seq", name=op.f("pk_waiting_values")),
    )
    op.create_table(
        "personal_tokens",
        sa.Column("id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("created_ms", BIG, nullable=False),
        sa.Column("expires_ms", BIG, nullable=False),
        sa.Column("used_ms", BIG, nullable=True),
        sa.Column("revoked_ms", BIG, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_personal_tokens_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personal_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_personal_tokens_token_hash")),
        sa.UniqueConstraint("user_id", "name", name=op.f("uq_personal_tokens_user_id_name")),
    )
    op.create_table(
        "projects",
        sa.Column("id", BIG, nullable=False),
        sa.Column("title", sa.String(length=250), nullable=False),
        sa.Column("access", sa.String(length=8), server_default="open", nullable=False),
        sa.Column("licence", sa.String(length=32), server_default="", nullable=False),
        sa.Column("instrument", sa.String(length=32), server_default="", nullable=False),
        sa.Column("description", sa.String(), server_default="", nullable=False),
        sa.Column("settings", sa.String(), server_default="{}", nullable=False),
        sa.Column("created_by", BIG, nullable=False),
        sa.Column("created_ms", BIG, nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_projects_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("title", name=op.f("uq_projects_title")),
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("created_ms", BIG, nullable=False),
        sa.Column("seen_ms", BIG, nullable=False),
        sa.Column("expires_ms", BIG, nullable=False),
        sa.Column("ended_ms", BIG, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sessions")),
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sessions_user_id"), ["user_id"], unique=False)

    op.create_table(
        "taxon_aliases",
        sa.Column("key", sa.String(length=250), nullable=False),
        sa.Column("taxon_id", BIG, nullable=False),
        sa.ForeignKeyConstraint(["taxon_id"], ["taxa.id"], name=op.f("fk_taxon_aliases_taxon_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_taxon_aliases")),
    )
    with op.batch_alter_table("taxon_aliases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_taxon_aliases_taxon_id"), ["taxon_id"], unique=False)

    op.create_table(
        "taxon_synonyms",
        sa.Column("id", BIG, nullable=False),
        sa.Column("taxon_id", BIG, nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("name_key", sa.String(length=250), nullable=False),
        sa.Column("aphia_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["taxon_id"], ["taxa.id"], name=op.f("fk_taxon_synonyms_taxon_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_taxon_synonyms")),
    )
    with op.batch_alter_table("taxon_synonyms", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_taxon_synonyms_aphia_id"), ["aphia_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_taxon_synonyms_name_key"), ["name_key"], unique=False)
        batch_op.create_index(batch_op.f("ix_taxon_synonyms_taxon_id"), ["taxon_id"], unique=False)

    op.create_table(
        "taxon_words",
        sa.Column("taxon_id", BIG, autoincrement=False, nullable=False),
        sa.Column("synonym_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "word",
            sa.String(length=80).with_variant(sa.String(length=80, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("leading", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["taxon_id"], ["taxa.id"], name=op.f("fk_taxon_words_taxon_id")),
        sa.PrimaryKeyConstraint("taxon_id", "synonym_id", "word", name=op.f("pk_taxon_words")),
    )
    with op.batch_alter_table("taxon_words", schema=None) as batch_op:
        batch_op.create_index(
            "ix_taxon_words_range", ["word", "leading", "taxon_id", "synonym_id"], unique=False
        )

    op.create_table(
        "actions",
        sa.Column("id", BIG, nullable=False),
        sa.Column("project_id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("taxon_id", BIG, nullable=True),
        sa.Column("target_id", BIG, nullable=True),
        sa.Column("undone", sa.Boolean(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("created_ms", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_actions_project_id")
        ),
        sa.ForeignKeyConstraint(["target_id"], ["actions.id"], name=op.f("fk_actions_target_id")),
        sa.ForeignKeyConstraint(["taxon_id"], ["taxa.id"], name=op.f("fk_actions_taxon_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_actions_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_actions")),
        sa.UniqueConstraint("user_id", "key", name=op.f("uq_actions_user_id_key")),
    )
    with op.batch_alter_table("actions", schema=None) as batch_op:
        batch_op.create_index("ix_actions_mine", ["project_id", "user_id", "id"], unique=False)

    op.create_table(
        "claims",
        sa.Column("id", BIG, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("project_id", BIG, nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("created_by", BIG, nullable=False),
        sa.Column("created_ms", BIG, nullable=False),
        sa.Column("expires_ms", BIG, nullable=False),
        sa.Column("used_ms", BIG, nullable=True),
        sa.Column("successor_of", BIG, nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_claims_created_by")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_claims_project_id")),
        sa.ForeignKeyConstraint(
            ["successor_of"], ["devices.id"], name="fk_claims_successor_of", use_alter=True
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claims")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_claims_token_hash")),
    )
    op.create_table(
        "count_days",
        sa.Column("project_id", BIG, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("status", sa.String(length=1), nullable=False),
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_count_days_project_id")
        ),
        sa.PrimaryKeyConstraint("project_id", "day", "status", "shard", name=op.f("pk_count_days")),
    )
    op.create_table(
        "counts",
        sa.Column("project_id", BIG, nullable=False),
        sa.Column("taxon_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("status", sa.String(length=1), nullable=False),
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_counts_project_id")),
        sa.PrimaryKeyConstraint(
            "project_id", "taxon_id", "status", "shard", name=op.f("pk_counts")
        ),
    )
    with op.batch_alter_table("counts", schema=None) as batch_op:
        batch_op.create_index("ix_counts_taxon_id", ["taxon_id"], unique=False)

    op.create_table(
        "jobs",
        sa.Column("id", BIG, nullable=False),
        sa.Column("type", sa.String(length=24), nullable=False),
        sa.Column("project_id", BIG, nullable=True),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("state", sa.String(length=1), nullable=False),
        sa.Column("params", sa.String(), nullable=False),
        sa.Column("question", sa.String(), server_default="{}", nullable=False),
        sa.Column("reply", sa.String(), server_default="{}", nullable=False),
        sa.Column("result", sa.String(), server_default="{}", nullable=False),
        sa.Column("errors", sa.String(), server_default="[]", nullable=False),
        sa.Column("progress", sa.Integer(), server_default="0", nullable=False),
        sa.Column("message", sa.String(), server_default="", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("worker", sa.String(length=80), server_default="", nullable=False),
        sa.Column("beat_ms", BIG, nullable=True),
        sa.Column("created_ms", BIG, nullable=False),
        sa.Column("started_ms", BIG, nullable=True),
        sa.Column("ended_ms", BIG, nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_jobs_project_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_jobs_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_jobs_project_id"), ["project_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_jobs_user_id"), ["user_id"], unique=False)
        batch_op.create_index("ix_jobs_waiting", ["state", "id"], unique=False)

    op.create_table(
        "members",
        sa.Column("project_id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("may", sa.String(length=8), nullable=False),
        sa.Column("added_ms", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_members_project_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_members_user_id")),
        sa.PrimaryKeyConstraint("project_id", "user_id", name=op.f("pk_members")),
    )
    with op.batch_alter_table("members", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_members_user_id"), ["user_id"], unique=False)

    op.create_table(
        "project_columns",
        sa.Column("project_id", BIG, nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("place", sa.String(length=4), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_project_columns_project_id")
        ),
        sa.PrimaryKeyConstraint("project_id", "name", name=op.f("pk_project_columns")),
    )
    op.create_table(
        "project_taxa",
        sa.Column("project_id", BIG, autoincrement=False, nullable=False),
        sa.Column("taxon_id", BIG, autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_project_taxa_project_id")
        ),
        sa.ForeignKeyConstraint(["taxon_id"], ["taxa.id"], name=op.f("fk_project_taxa_taxon_id")),
        sa.PrimaryKeyConstraint("project_id", "taxon_id", name=op.f("pk_project_taxa")),
    )
    with op.batch_alter_table("project_taxa", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_project_taxa_taxon_id"), ["taxon_id"], unique=False)

    op.create_table(
        "releases",
        sa.Column("no", BIG, nullable=False),
        sa.Column("release_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("file", sa.String(length=120), nullable=True),
        sa.Column("network", sa.String(length=64), nullable=True),
        sa.Column("classes", sa.String(), nullable=False),
        sa.Column("figures", sa.String(), nullable=False),
        sa.Column("parent_no", BIG, nullable=True),
        sa.Column("project_id", BIG, nullable=True),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.Column("created_ms", BIG, nullable=False),
        sa.ForeignKeyConstraint(["parent_no"], ["releases.no"], name=op.f("fk_releases_parent_no")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_releases_project_id")
        ),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_releases")),
        sa.UniqueConstraint("release_id", name=op.f("uq_releases_release_id")),
    )
    op.create_table(
        "samples",
        sa.Column("id", BIG, nullable=False),
        sa.Column("project_id", BIG, nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("orig_id", sa.String(length=250), nullable=False),
        sa.Column("free", sa.String(), server_default="{}", nullable=False),
        sa.Column("created_ms", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_samples_project_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_samples")),
        sa.UniqueConstraint(
            "project_id",
            "device_id",
            "orig_id",
            name=op.f("uq_samples_project_id_device_id_orig_id"),
        ),
    )
    with op.batch_alter_table("samples", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_samples_device_id"), ["device_id"], unique=False)

    op.create_table(
        "trainings",
        sa.Column("id", BIG, nullable=False),
        sa.Column("project_id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("params", sa.String(), nullable=False),
        sa.Column("report", sa.String(), nullable=False),
        sa.Column("created_ms", BIG, nullable=False),
        sa.Column("undone_ms", BIG, nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_trainings_project_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_trainings_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trainings")),
    )
    with op.batch_alter_table("trainings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_trainings_project_id"), ["project_id"], unique=False)

    op.create_table(
        "work_days",
        sa.Column("project_id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("actions", sa.Integer(), nullable=False),
        sa.Column("objects", BIG, nullable=False),
        sa.Column("timed", BIG, nullable=False),
        sa.Column("sessions", sa.Integer(), nullable=False),
        sa.Column("active_ms", BIG, nullable=False),
        sa.Column("last_ms", BIG, nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_work_days_project_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_work_days_user_id")),
        sa.PrimaryKeyConstraint("project_id", "user_id", "day", name=op.f("pk_work_days")),
    )
    op.create_table(
        "work_taxa",
        sa.Column("project_id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("taxon_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("status", sa.String(length=1), nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_work_taxa_project_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_work_taxa_user_id")),
        sa.PrimaryKeyConstraint(
            "project_id", "user_id", "day", "taxon_id", "status", name=op.f("pk_work_taxa")
        ),
    )
    with op.batch_alter_table("work_taxa", schema=None) as batch_op:
        batch_op.create_index("ix_work_taxa_taxon", ["project_id", "taxon_id"], unique=False)

    op.create_table(
        "acquisitions",
        sa.Column("id", BIG, nullable=False),
        sa.Column("sample_id", BIG, nullable=False),
        sa.Column("orig_id", sa.String(length=250), nullable=False),
        sa.Column("instrument", sa.String(length=250), nullable=True),
        sa.Column("pixel_um", sa.Double(), nullable=True),
        sa.Column("optical_field", sa.String(length=16), nullable=True),
        sa.Column("free", sa.String(), server_default="{}", nullable=False),
        sa.Column("created_ms", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["sample_id"], ["samples.id"], name=op.f("fk_acquisitions_sample_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acquisitions")),
        sa.UniqueConstraint("sample_id", "orig_id", name=op.f("uq_acquisitions_sample_id_orig_id")),
    )
    op.create_table(
        "devices",
        sa.Column("id", BIG, nullable=False),
        sa.Column("device_id", sa.String(length=40), nullable=False),
        sa.Column("claim_id", BIG, nullable=False),
        sa.Column("project_id", BIG, nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("board", sa.String(length=250), nullable=False),
        sa.Column("software", sa.String(length=250), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("next_key", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("revoked_ms", BIG, nullable=True),
        sa.Column("predecessor_id", BIG, nullable=True),
        sa.Column("counter", BIG, nullable=False),
        sa.Column("enrolled_ms", BIG, nullable=False),
        sa.Column("last_seen_ms", BIG, nullable=False),
        sa.Column("https_ms", BIG, nullable=True),
        sa.Column("mqtt_ms", BIG, nullable=True),
        sa.Column("release", sa.String(length=64), nullable=True),
        sa.Column("epoch", BIG, nullable=True),
        sa.Column("health", sa.String(), nullable=True),
        sa.Column("health_epoch", BIG, nullable=True),
        sa.Column("health_seq", BIG, nullable=True),
        sa.ForeignKeyConstraint(["claim_id"], ["claims.id"], name=op.f("fk_devices_claim_id")),
        sa.ForeignKeyConstraint(
            ["predecessor_id"], ["devices.id"], name=op.f("fk_devices_predecessor_id")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_devices_project_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
        sa.UniqueConstraint("claim_id", name=op.f("uq_devices_claim_id")),
        sa.UniqueConstraint("device_id", name=op.f("uq_devices_device_id")),
    )
    with op.batch_alter_table("devices", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_devices_project_id"), ["project_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_devices_public_key"), ["public_key"], unique=False)

    op.create_table(
        "project_releases",
        sa.Column("project_id", BIG, nullable=False),
        sa.Column("release_no", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_project_releases_project_id")
        ),
        sa.ForeignKeyConstraint(
            ["release_no"], ["releases.no"], name=op.f("fk_project_releases_release_no")
        ),
        sa.PrimaryKeyConstraint("project_id", "release_no", name=op.f("pk_project_releases")),
    )
    op.create_table(
        "assignments",
        sa.Column("id", BIG, nullable=False),
        sa.Column("device_id", BIG, nullable=False),
        sa.Column("deploy_seq", sa.Integer(), nullable=False),
        sa.Column("release_no", BIG, nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("issued_ms", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_assignments_device_id")
        ),
        sa.ForeignKeyConstraint(
            ["release_no"], ["releases.no"], name=op.f("fk_assignments_release_no")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_assignments_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignments")),
        sa.UniqueConstraint(
            "device_id", "deploy_seq", name=op.f("uq_assignments_device_id_deploy_seq")
        ),
    )
    op.create_table(
        "bad_frames",
        sa.Column("id", BIG, nullable=False),
        sa.Column("device_id", BIG, nullable=False),
        sa.Column("epoch", BIG, nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("frame_index", BIG, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("received_ms", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_bad_frames_device_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bad_frames")),
    )
    with op.batch_alter_table("bad_frames", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bad_frames_device_id"), ["device_id"], unique=False)

    op.create_table(
        "blobs",
        sa.Column("id", BIG, nullable=False),
        sa.Column("device_id", BIG, nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("epoch", BIG, nullable=False),
        sa.Column("object_seq", BIG, nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("length", BIG, nullable=False),
        sa.Column("offset", BIG, nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_ms", BIG, nullable=False),
        sa.Column("expires_ms", BIG, nullable=False),
        sa.Column("done_ms", BIG, nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_blobs_device_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blobs")),
        sa.UniqueConstraint("device_id", "key", name=op.f("uq_blobs_device_id_key")),
    )
    op.create_table(
        "certificates",
        sa.Column("id", BIG, nullable=False),
        sa.Column("device_id", BIG, nullable=False),
        sa.Column("serial", sa.String(length=40), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("issued_ms", BIG, nullable=False),
        sa.Column("expires_ms", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_certificates_device_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificates")),
        sa.UniqueConstraint("serial", name=op.f("uq_certificates_serial")),
    )
    with op.batch_alter_table("certificates", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_certificates_device_id"), ["device_id"], unique=False)

    op.create_table(
        "commands",
        sa.Column("id", BIG, nullable=False),
        sa.Column("device_id", BIG, nullable=False),
        sa.Column("number", BIG, nullable=False),
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("argument", sa.String(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("created_ms", BIG, nullable=False),
        sa.Column("sent_ms", BIG, nullable=True),
        sa.Column("answered_ms", BIG, nullable=True),
        sa.Column("ok", sa.Boolean(), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_commands_device_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_commands_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commands")),
        sa.UniqueConstraint("device_id", "number", name=op.f("uq_commands_device_id_number")),
    )
    op.create_table(
        "deployment_steps",
        sa.Column("id", BIG, nullable=False),
        sa.Column("device_id", BIG, nullable=False),
        sa.Column("epoch", BIG, nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("deploy_seq", sa.Integer(), nullable=False),
        sa.Column("release", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("ms_per_object", sa.Double(), nullable=True),
        sa.Column("received_ms", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_deployment_steps_device_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment_steps")),
    )
    with op.batch_alter_table("deployment_steps", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_deployment_steps_device_id"), ["device_id"], unique=False
        )

    op.create_table(
        "epochs",
        sa.Column("device_id", BIG, nullable=False),
        sa.Column("epoch", BIG, autoincrement=False, nullable=False),
        sa.Column("upto", BIG, nullable=False),
        sa.Column("next_seq", BIG, nullable=False),
        sa.Column("held", BIG, nullable=False),
        sa.Column("given_up", BIG, nullable=False),
        sa.Column("behind_since_ms", BIG, nullable=True),
        sa.Column("first_seen_ms", BIG, nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_epochs_device_id")),
        sa.PrimaryKeyConstraint("device_id", "epoch", name=op.f("pk_epochs")),
    )
    op.create_table(
        "gap_ranges",
        sa.Column("id", BIG, nullable=False),
        sa.Column("device_id", BIG, nullable=False),
        sa.Column("epoch", BIG, nullable=False),
        sa.Column("first", BIG, nullable=False),
        sa.Column("last", BIG, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("noted_ms", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_gap_ranges_device_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gap_ranges")),
    )
    with op.batch_alter_table("gap_ranges", schema=None) as batch_op:
        batch_op.create_index("ix_gap_ranges_place", ["device_id", "epoch", "last"], unique=False)

    op.create_table(
        "health",
        sa.Column("id", BIG, nullable=False),
        sa.Column("device_id", BIG, nullable=False),
        sa.Column("epoch", BIG, nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.Column("utc_ms", BIG, nullable=True),
        sa.Column("received_ms", BIG, nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.Column("pending", BIG, nullable=False),
        sa.Column("pending_bytes", BIG, nullable=False),
        sa.Column("disk_free_mb", sa.Double(), nullable=False),
        sa.Column("dead", BIG, nullable=False),
        sa.Column("ms_per_frame", sa.Double(), nullable=True),
        sa.Column("energy_j_per_frame", sa.Double(), nullable=True),
        sa.Column("temperature_c", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_health_device_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_health")),
        sa.UniqueConstraint(
            "device_id", "epoch", "seq", name=op.f("uq_health_device_id_epoch_seq")
        ),
    )
    with op.batch_alter_table("health", schema=None) as batch_op:
        batch_op.create_index("ix_health_time", ["device_id", "at_ms"], unique=False)
        batch_op.create_index(
            "ix_health_unsettled", ["device_id", "settled", "at_ms"], unique=False
        )

    op.create_table(
        "processes",
        sa.Column("id", BIG, nullable=False),
        sa.Column("acquisition_id", BIG, nullable=False),
        sa.Column("orig_id", sa.String(length=250), nullable=False),
        sa.Column("software", sa.String(length=250), nullable=True),
        sa.Column("measures_version", sa.Integer(), nullable=True),
        sa.Column("settings", sa.String(), nullable=True),
        sa.Column("free", sa.String(), server_default="{}", nullable=False),
        sa.Column("created_ms", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["acquisition_id"], ["acquisitions.id"], name=op.f("fk_processes_acquisition_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_processes")),
        sa.UniqueConstraint(
            "acquisition_id", "orig_id", name=op.f("uq_processes_acquisition_id_orig_id")
        ),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", BIG, nullable=False),
        sa.Column("device_id", BIG, nullable=False),
        sa.Column("epoch", BIG, nullable=True),
        sa.Column("seq", BIG, nullable=True),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("first_ms", BIG, nullable=False),
        sa.Column("last_ms", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_quarantine_device_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint(
            "device_id", "code", "hash", name=op.f("uq_quarantine_device_id_code_hash")
        ),
    )
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.create_index("ix_quarantine_open", ["state", "device_id", "id"], unique=False)

    op.create_table(
        "satellite_messages",
        sa.Column("id", BIG, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("imei", sa.String(length=20), nullable=False),
        sa.Column("momsn", BIG, nullable=True),
        sa.Column("transmitted", sa.String(length=40), nullable=False),
        sa.Column("lat_deg", sa.Double(), nullable=True),
        sa.Column("lon_deg", sa.Double(), nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("device_id", BIG, nullable=True),
        sa.Column("kind", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("received_ms", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_satellite_messages_device_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_satellite_messages")),
        sa.UniqueConstraint("hash", name=op.f("uq_satellite_messages_hash")),
    )
    with op.batch_alter_table("satellite_messages", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_satellite_messages_device_id"), ["device_id"], unique=False
        )
        batch_op.create_index("ix_satellite_messages_state", ["state", "id"], unique=False)

    op.create_table(
        "satellite_modems",
        sa.Column("device_id", BIG, nullable=False),
        sa.Column("imei", sa.String(length=20), nullable=False),
        sa.Column("greeting", BIG, nullable=False),
        sa.Column("heard_ms", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_satellite_modems_device_id")
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_satellite_modems")),
    )
    op.create_table(
        "satellite_out",
        sa.Column("id", BIG, nullable=False),
        sa.Column("device_id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("about", BIG, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_ms", BIG, nullable=False),
        sa.Column("due_ms", BIG, nullable=False),
        sa.Column("sent_ms", BIG, nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_satellite_out_device_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_satellite_out")),
    )
    with op.batch_alter_table("satellite_out", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_satellite_out_device_id"), ["device_id"], unique=False)
        batch_op.create_index("ix_satellite_out_state", ["state", "due_ms"], unique=False)

    op.create_table(
        "satellite_parts",
        sa.Column("device_id", BIG, nullable=False),
        sa.Column("batch", sa.LargeBinary(length=4), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("of", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("received_ms", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_satellite_parts_device_id")
        ),
        sa.PrimaryKeyConstraint("device_id", "batch", "number", name=op.f("pk_satellite_parts")),
    )
    op.create_table(
        "sightings",
        sa.Column("device_id", BIG, nullable=False),
        sa.Column("epoch", BIG, autoincrement=False, nullable=False),
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("objid", BIG, nullable=False),
        sa.Column("release_no", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_sightings_device_id")),
        sa.ForeignKeyConstraint(["objid"], ["objects.objid"], name=op.f("fk_sightings_objid")),
        sa.PrimaryKeyConstraint("device_id", "epoch", "seq", name=op.f("pk_sightings")),
    )
    with op.batch_alter_table("sightings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sightings_objid"), ["objid"], unique=False)

    op.create_table(
        "summaries",
        sa.Column("id", BIG, nullable=False),
        sa.Column("device_id", BIG, nullable=False),
        sa.Column("epoch", BIG, nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("utc_ms", BIG, nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("received_ms", BIG, nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_summaries_device_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_summaries")),
        sa.UniqueConstraint(
            "device_id", "epoch", "seq", name=op.f("uq_summaries_device_id_epoch_seq")
        ),
    )
    op.create_table(
        "frames",
        sa.Column("id", BIG, nullable=False),
        sa.Column("device_id", BIG, nullable=False),
        sa.Column("epoch", BIG, nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("process_id", BIG, nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("frame_index", BIG, nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("objects", sa.Integer(), nullable=False),
        sa.Column("specks", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.Integer(), nullable=False),
        sa.Column("brightness", sa.Double(), nullable=False),
        sa.Column("ms", sa.String(), nullable=False),
        sa.Column("boot", BIG, nullable=False),
        sa.Column("mono_ms", BIG, nullable=False),
        sa.Column("utc_ms", BIG, nullable=True),
        sa.Column("utc_source", sa.String(length=8), nullable=False),
        sa.Column("lat_deg", sa.Double(), nullable=True),
        sa.Column("lon_deg", sa.Double(), nullable=True),
        sa.Column("depth_m", sa.Double(), nullable=True),
        sa.Column("temperature_c", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name=op.f("fk_frames_device_id")),
        sa.ForeignKeyConstraint(
            ["process_id"], ["processes.id"], name=op.f("fk_frames_process_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_frames")),
        sa.UniqueConstraint(
            "device_id", "epoch", "seq", name=op.f("uq_frames_device_id_epoch_seq")
        ),
    )
    with op.batch_alter_table("frames", schema=None) as batch_op:
        batch_op.create_index(
            "ix_frames_clockless",
            ["device_id", "epoch", "boot", "mono_ms"],
            unique=False,
            sqlite_where=sa.text("utc_source IN ('unknown', 'filled')"),
            postgresql_where=sa.text("utc_source IN ('unknown', 'filled')"),
        )
        batch_op.create_index(batch_op.f("ix_frames_process_id"), ["process_id"], unique=False)

    op.create_table(
        "quarantine_events",
        sa.Column("id", BIG, nullable=False),
        sa.Column("entry_id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("who", sa.String(length=250), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.Column("created_ms", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["quarantine.id"], name=op.f("fk_quarantine_events_entry_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine_events")),
    )
    with op.batch_alter_table("quarantine_events", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_quarantine_events_entry_id"), ["entry_id"], unique=False
        )
    if op.get_bind().dialect.name == "postgresql":  # SQLite has it from the table, which came first
        op.create_foreign_key(
            "fk_claims_successor_of", "claims", "devices", ["successor_of"], ["id"]
        )
