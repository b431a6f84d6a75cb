-- CreateTable
CREATE TABLE "service" (
    "id" UUID NOT NULL,
    "project" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "wanted" TEXT NOT NULL,
    "replicas" INTEGER,
    "scope" JSONB,
    "revision_id" UUID NOT NULL,
    "proven_revision_id" UUID,
    "halted_at" TIMESTAMPTZ(3),
    "reason_code" TEXT,
    "reason" TEXT,
    "removed_volumes" JSONB NOT NULL DEFAULT '[]',
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_by" TEXT NOT NULL,

    CONSTRAINT "service_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "service_revision" (
    "id" UUID NOT NULL,
    "service_id" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "digest" TEXT NOT NULL,
    "spec" BYTEA NOT NULL,
    "images" JSONB NOT NULL,
    "secrets" JSONB NOT NULL,
    "milli_cpus" INTEGER NOT NULL,
    "memory_bytes" BIGINT NOT NULL,
    "plan_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "created_by" TEXT NOT NULL,

    CONSTRAINT "service_revision_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "instance" (
    "id" TEXT NOT NULL,
    "service_id" UUID NOT NULL,
    "slot" INTEGER NOT NULL,
    "generation" INTEGER NOT NULL,
    "revision_id" UUID NOT NULL,
    "host_id" UUID,
    "host_name" TEXT,
    "wanted" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "state_since" TIMESTAMPTZ(3) NOT NULL,
    "health" TEXT NOT NULL DEFAULT 'unknown',
    "health_since" TIMESTAMPTZ(3) NOT NULL,
    "reason_code" TEXT,
    "reason" TEXT,
    "running_generation" INTEGER,
    "running_revision_id" UUID,
    "admitted_at" TIMESTAMPTZ(3),
    "replaced_by" TEXT,
    "restart_id" UUID,
    "restarted_id" UUID,
    "containers" JSONB NOT NULL DEFAULT '[]',
    "checks" JSONB NOT NULL DEFAULT '[]',
    "command_id" UUID,
    "step" TEXT,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "due_at" TIMESTAMPTZ(3),
    "lease_owner" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "instance_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "instance_port" (
    "host_id" UUID NOT NULL,
    "protocol" TEXT NOT NULL,
    "port" INTEGER NOT NULL,
    "instance_id" TEXT NOT NULL,
    "container" TEXT NOT NULL,
    "target" INTEGER NOT NULL,
    "host_ip" TEXT,
    "generation" INTEGER NOT NULL,

    CONSTRAINT "instance_port_pkey" PRIMARY KEY ("host_id","protocol","port")
);

-- CreateTable
CREATE TABLE "instance_volume" (
    "project" TEXT NOT NULL,
    "service" TEXT NOT NULL,
    "slot" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "host_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "instance_volume_pkey" PRIMARY KEY ("project","service","slot","name","host_id")
);

-- CreateTable
CREATE TABLE "instance_event" (
    "id" BIGSERIAL NOT NULL,
    "service_id" UUID NOT NULL,
    "instance_id" TEXT,
    "slot" INTEGER,
    "generation" INTEGER,
    "host_id" UUID,
    "host_name" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "kind" TEXT NOT NULL,
    "from_state" TEXT,
    "to_state" TEXT,
    "code" TEXT,
    "reason" TEXT,
    "by" TEXT,

    CONSTRAINT "instance_event_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "placement" (
    "id" BIGSERIAL NOT NULL,
    "service_id" UUID NOT NULL,
    "slot" INTEGER NOT NULL,
    "generation" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "host_id" UUID,
    "host_name" TEXT,
    "score" INTEGER,
    "is_kept" BOOLEAN NOT NULL,
    "explanation" JSONB NOT NULL,

    CONSTRAINT "placement_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "service_plan" (
    "id" UUID NOT NULL,
    "project" TEXT NOT NULL,
    "digest" TEXT NOT NULL,
    "content" BYTEA NOT NULL,
    "scope" JSONB,
    "requested_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "applied_at" TIMESTAMPTZ(3),
    "applied" JSONB,

    CONSTRAINT "service_plan_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "service_project_name_key" ON "service"("project", "name");

-- CreateIndex
CREATE UNIQUE INDEX "service_revision_service_id_number_key" ON "service_revision"("service_id", "number");

-- CreateIndex
CREATE INDEX "service_revision_plan_id_idx" ON "service_revision"("plan_id");

-- CreateIndex
CREATE INDEX "instance_service_id_slot_idx" ON "instance"("service_id", "slot");

-- CreateIndex
CREATE INDEX "instance_host_id_idx" ON "instance"("host_id");

-- CreateIndex
CREATE INDEX "instance_due_at_idx" ON "instance"("due_at");

-- CreateIndex
CREATE INDEX "instance_port_instance_id_idx" ON "instance_port"("instance_id");

-- CreateIndex
CREATE INDEX "instance_volume_host_id_idx" ON "instance_volume"("host_id");

-- CreateIndex
CREATE INDEX "instance_event_service_id_id_idx" ON "instance_event"("service_id", "id");

-- CreateIndex
CREATE INDEX "instance_event_at_idx" ON "instance_event"("at");

-- CreateIndex
CREATE INDEX "placement_service_id_slot_id_idx" ON "placement"("service_id", "slot", "id");

-- CreateIndex
CREATE INDEX "service_plan_created_at_idx" ON "service_plan"("created_at");

-- AddForeignKey
ALTER TABLE "service_revision" ADD CONSTRAINT "service_revision_service_id_fkey" FOREIGN KEY ("service_id") REFERENCES "service"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "instance" ADD CONSTRAINT "instance_service_id_fkey" FOREIGN KEY ("service_id") REFERENCES "service"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "instance_port" ADD CONSTRAINT "instance_port_instance_id_fkey" FOREIGN KEY ("instance_id") REFERENCES "instance"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "placement" ADD CONSTRAINT "placement_service_id_fkey" FOREIGN KEY ("service_id") REFERENCES "service"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- A slot has one instance that counts; those that leave it are named by it, or go.
CREATE UNIQUE INDEX "instance_slot_key" ON "instance"("service_id", "slot") WHERE "replaced_by" IS NULL AND "wanted" <> 'gone';

-- Every change of an instance's state and health is in its history, whoever makes it and by whichever statement.
CREATE FUNCTION "note_instance_event"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' OR OLD."state" IS DISTINCT FROM NEW."state" OR OLD."reason_code" IS DISTINCT FROM NEW."reason_code" THEN
    INSERT INTO "instance_event" ("service_id", "instance_id", "slot", "generation", "host_id", "host_name", "at", "kind",
      "from_state", "to_state", "code", "reason")
    VALUES (NEW."service_id", NEW."id", NEW."slot", NEW."generation", NEW."host_id", NEW."host_name", NEW."state_since", 'state',
      CASE WHEN TG_OP = 'UPDATE' THEN OLD."state" END, NEW."state", NEW."reason_code", NEW."reason");
  END IF;
  IF TG_OP = 'UPDATE' AND OLD."health" IS DISTINCT FROM NEW."health" THEN
    INSERT INTO "instance_event" ("service_id", "instance_id", "slot", "generation", "host_id", "host_name", "at", "kind",
      "from_state", "to_state", "code", "reason")
    VALUES (NEW."service_id", NEW."id", NEW."slot", NEW."generation", NEW."host_id", NEW."host_name", NEW."health_since", 'health',
      OLD."health", NEW."health", NEW."reason_code", NEW."reason");
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER "instance_changed" AFTER INSERT OR UPDATE ON "instance"
  FOR EACH ROW EXECUTE FUNCTION "note_instance_event"();
