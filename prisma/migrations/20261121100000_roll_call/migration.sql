-- AlterTable
ALTER TABLE "host" ADD COLUMN "state_code" TEXT,
  ADD COLUMN "heartbeat_profile" TEXT,
  ADD COLUMN "auto_reinstall" BOOLEAN NOT NULL DEFAULT true;

-- CreateTable
CREATE TABLE "heartbeat_profile" (
    "name" TEXT NOT NULL,
    "min_ms" INTEGER NOT NULL,
    "max_ms" INTEGER NOT NULL,
    "offline_after_ms" INTEGER,
    "labels" JSONB,

    CONSTRAINT "heartbeat_profile_pkey" PRIMARY KEY ("name")
);

INSERT INTO "heartbeat_profile" ("name", "min_ms", "max_ms", "offline_after_ms", "labels") VALUES
  ('default', 20000, 60000, NULL, NULL),
  ('high-availability', 4000, 6000, 15000, NULL);

ALTER TABLE "host" ADD CONSTRAINT "host_heartbeat_profile_fkey" FOREIGN KEY ("heartbeat_profile") REFERENCES "heartbeat_profile"("name") ON DELETE RESTRICT ON UPDATE CASCADE;

-- CreateTable
CREATE TABLE "server_lease" (
    "id" TEXT NOT NULL,
    "lease_until" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "server_lease_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "roll" (
    "host_id" UUID NOT NULL,
    "owner" TEXT,
    "due_at" TIMESTAMPTZ(3) NOT NULL,
    "min_ms" INTEGER NOT NULL,
    "max_ms" INTEGER NOT NULL,
    "offline_after_ms" INTEGER,
    "last_answer_at" TIMESTAMPTZ(3),
    "silent_since" TIMESTAMPTZ(3),
    "failed_rounds" INTEGER NOT NULL DEFAULT 0,
    "hot_cpu_since" TIMESTAMPTZ(3),
    "hot_memory_since" TIMESTAMPTZ(3),
    "failed_tasks" INTEGER NOT NULL DEFAULT 0,
    "failed_task_at" TIMESTAMPTZ(3),
    "round_trip_ms" REAL,
    "clock_offset_ms" DOUBLE PRECISION,
    "vitals" JSONB,
    "reinstall_at" TIMESTAMPTZ(3),
    "reinstalls" INTEGER NOT NULL DEFAULT 0,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "roll_pkey" PRIMARY KEY ("host_id")
) WITH (fillfactor = 70);

-- CreateIndex
CREATE INDEX "roll_due_at_idx" ON "roll"("due_at");

-- AddForeignKey
ALTER TABLE "roll" ADD CONSTRAINT "roll_host_id_fkey" FOREIGN KEY ("host_id") REFERENCES "host"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- CreateTable
CREATE TABLE "host_facts" (
    "host_id" UUID NOT NULL,
    "facts" JSONB NOT NULL,
    "changed_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "host_facts_pkey" PRIMARY KEY ("host_id")
);

-- AddForeignKey
ALTER TABLE "host_facts" ADD CONSTRAINT "host_facts_host_id_fkey" FOREIGN KEY ("host_id") REFERENCES "host"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- CreateTable
CREATE TABLE "host_sample" (
    "host_id" UUID NOT NULL,
    "resolution_s" INTEGER NOT NULL,
    "slot" INTEGER NOT NULL,
    "bucket" TIMESTAMPTZ(3) NOT NULL,
    "count" INTEGER NOT NULL,
    "cpu_sum" REAL NOT NULL,
    "cpu_max" REAL NOT NULL,
    "memory_sum" REAL NOT NULL,
    "memory_max" REAL NOT NULL,
    "load_sum" REAL NOT NULL,
    "disk_max" REAL NOT NULL,

    CONSTRAINT "host_sample_pkey" PRIMARY KEY ("host_id","resolution_s","slot")
) WITH (fillfactor = 80);

-- AddForeignKey
ALTER TABLE "host_sample" ADD CONSTRAINT "host_sample_host_id_fkey" FOREIGN KEY ("host_id") REFERENCES "host"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- CreateTable
CREATE TABLE "host_event" (
    "id" BIGSERIAL NOT NULL,
    "host_id" UUID NOT NULL,
    "host_name" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "from_state" TEXT,
    "to_state" TEXT NOT NULL,
    "code" TEXT,
    "reason" TEXT,

    CONSTRAINT "host_event_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "host_event_host_id_id_idx" ON "host_event"("host_id", "id");

-- CreateIndex
CREATE INDEX "host_event_at_idx" ON "host_event"("at");

-- Every change of a host's state is in its history, whoever makes it and by whichever statement.
CREATE FUNCTION "note_host_event"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    INSERT INTO "host_event" ("host_id", "host_name", "at", "from_state", "to_state")
    VALUES (OLD."id", OLD."name", now(), OLD."state", 'removed');
    RETURN OLD;
  END IF;
  INSERT INTO "host_event" ("host_id", "host_name", "at", "from_state", "to_state", "code", "reason")
  VALUES (NEW."id", NEW."name", NEW."state_since", CASE WHEN TG_OP = 'UPDATE' THEN OLD."state" END, NEW."state",
    NEW."state_code", NEW."state_reason");
  RETURN NEW;
END $$;

CREATE TRIGGER "host_added" AFTER INSERT OR DELETE ON "host"
  FOR EACH ROW EXECUTE FUNCTION "note_host_event"();
CREATE TRIGGER "host_changed" AFTER UPDATE ON "host"
  FOR EACH ROW WHEN (OLD."state" IS DISTINCT FROM NEW."state" OR OLD."state_code" IS DISTINCT FROM NEW."state_code")
  EXECUTE FUNCTION "note_host_event"();

-- When a host last answered is on the roll.
ALTER TABLE "agent" DROP COLUMN "last_answer_at";
