-- AlterTable
ALTER TABLE "instance"
  ADD COLUMN "prepared_generation" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "begun_generation" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "open_step" TEXT,
  ADD COLUMN "step_generation" INTEGER,
  ADD COLUMN "step_revision_id" UUID,
  ADD COLUMN "step_begun_at" TIMESTAMPTZ(3),
  ADD COLUMN "step_ended_at" TIMESTAMPTZ(3),
  ADD COLUMN "failures" INTEGER NOT NULL DEFAULT 0,
  ADD COLUMN "failed_generation" INTEGER,
  ADD COLUMN "failed_wanted" TEXT,
  ADD COLUMN "failing_since" TIMESTAMPTZ(3),
  ADD COLUMN "failure_code" TEXT,
  ADD COLUMN "failure_reason" TEXT,
  ADD COLUMN "retry_at" TIMESTAMPTZ(3),
  ADD COLUMN "report" JSONB,
  ADD COLUMN "reported_at" TIMESTAMPTZ(3);

-- A host does one step at a time, whichever servers ask.
CREATE UNIQUE INDEX "instance_open_step_key" ON "instance"("host_id") WHERE "open_step" IS NOT NULL;

CREATE INDEX "instance_command_id_idx" ON "instance"("command_id");

-- What becomes of a host is looked at for its instances, whoever changes it and by whichever statement.
CREATE FUNCTION "look_at_instances_of_host"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE "instance" SET "due_at" = now() WHERE "host_id" = OLD."id" AND "state" <> 'gone';
  RETURN NULL;
END $$;

CREATE TRIGGER "host_changed_for_instances" AFTER UPDATE OF "state" ON "host"
  FOR EACH ROW WHEN (OLD."state" IS DISTINCT FROM NEW."state") EXECUTE FUNCTION "look_at_instances_of_host"();

CREATE TRIGGER "host_removed_for_instances" AFTER DELETE ON "host"
  FOR EACH ROW EXECUTE FUNCTION "look_at_instances_of_host"();
