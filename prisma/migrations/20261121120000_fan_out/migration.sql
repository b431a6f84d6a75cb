-- AlterTable
ALTER TABLE "run" ADD COLUMN     "cancel_requested_at" TIMESTAMPTZ(3),
ADD COLUMN     "is_admitting" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "kind" TEXT,
ADD COLUMN     "limits" JSONB,
ADD COLUMN     "saved_command" TEXT,
ADD COLUMN     "schedule" TEXT,
ADD COLUMN     "skipped" JSONB NOT NULL DEFAULT '[]',
ADD COLUMN     "stopped_at" TIMESTAMPTZ(3),
ADD COLUMN     "target" JSONB,
ADD COLUMN     "total" INTEGER;

-- What was accepted before has no limits, and names its hosts.
UPDATE "run" SET ("kind", "total") =
  (SELECT coalesce(min("command"."kind"), 'command'), count(*) FROM "command" WHERE "run_id" = "run"."id");

ALTER TABLE "run" ALTER COLUMN "kind" SET NOT NULL,
ALTER COLUMN "total" SET NOT NULL;

-- AlterTable
ALTER TABLE "command" ADD COLUMN     "admitted_at" TIMESTAMPTZ(3),
ADD COLUMN     "output_digest" BYTEA,
ADD COLUMN     "position" INTEGER;

UPDATE "command" SET "admitted_at" = "created_at";

-- CreateTable
CREATE TABLE "saved_command" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL,
    "program" TEXT NOT NULL,
    "args" JSONB NOT NULL,
    "env" BYTEA NOT NULL,
    "cwd" TEXT NOT NULL,
    "timeout_ms" BIGINT NOT NULL,
    "start_within_ms" BIGINT NOT NULL,
    "target" JSONB,
    "limits" JSONB,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "saved_command_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "schedule" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL,
    "cron" TEXT NOT NULL,
    "time_zone" TEXT NOT NULL,
    "saved_command_id" UUID,
    "program" BYTEA,
    "target" JSONB,
    "limits" JSONB,
    "overlap" TEXT NOT NULL,
    "grace_ms" BIGINT NOT NULL,
    "is_enabled" BOOLEAN NOT NULL,
    "next_at" TIMESTAMPTZ(3),
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "schedule_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "schedule_firing" (
    "schedule_id" UUID NOT NULL,
    "planned_at" TIMESTAMPTZ(3) NOT NULL,
    "decided_at" TIMESTAMPTZ(3) NOT NULL,
    "outcome" TEXT NOT NULL,
    "reason" TEXT,
    "run_id" UUID,

    CONSTRAINT "schedule_firing_pkey" PRIMARY KEY ("schedule_id","planned_at")
);

-- CreateIndex
CREATE UNIQUE INDEX "saved_command_name_key" ON "saved_command"("name");

-- CreateIndex
CREATE UNIQUE INDEX "schedule_name_key" ON "schedule"("name");

-- CreateIndex
CREATE INDEX "schedule_saved_command_id_idx" ON "schedule"("saved_command_id");

-- DropIndex
DROP INDEX "command_run_id_idx";

-- CreateIndex
CREATE INDEX "command_run_id_state_ended_at_idx" ON "command"("run_id", "state", "ended_at");

-- AddForeignKey
ALTER TABLE "schedule" ADD CONSTRAINT "schedule_saved_command_id_fkey" FOREIGN KEY ("saved_command_id") REFERENCES "saved_command"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "schedule_firing" ADD CONSTRAINT "schedule_firing_schedule_id_fkey" FOREIGN KEY ("schedule_id") REFERENCES "schedule"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What the sweeper looks for does not include what waits for its turn.
DROP INDEX "command_unfinished";
CREATE INDEX "command_unfinished" ON "command"("next_attempt_at") WHERE "state" IN ('pending', 'running') AND "admitted_at" IS NOT NULL;

-- Runs with limits, and of their commands those that wait for their turn and those whose turn it is. Nothing else is in these.
CREATE INDEX "run_admitting" ON "run"("id") WHERE "is_admitting";
CREATE INDEX "command_held" ON "command"("run_id", "position") WHERE "position" IS NOT NULL AND "state" = 'pending' AND "admitted_at" IS NULL;
CREATE INDEX "command_active" ON "command"("run_id", "position") WHERE "position" IS NOT NULL AND "state" IN ('pending', 'running') AND "admitted_at" IS NOT NULL;

-- Runs of programs, newest first.
CREATE INDEX "run_of_programs" ON "run"("created_at", "id") WHERE "kind" = 'command';

-- Schedules whose time has come.
CREATE INDEX "schedule_due" ON "schedule"("next_at") WHERE "is_enabled";
