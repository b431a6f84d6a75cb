-- Who asked for a run or a transfer, owns a saved command or a schedule: a user or a key, whose present rights count. Null for what
-- an earlier release has stored and nobody can be told for.
ALTER TABLE "run" ADD COLUMN "requester_kind" TEXT, ADD COLUMN "requester_id" TEXT;
ALTER TABLE "transfer" ADD COLUMN "requester_kind" TEXT, ADD COLUMN "requester_id" TEXT;
ALTER TABLE "saved_command" ADD COLUMN "owner_kind" TEXT, ADD COLUMN "owner_id" TEXT;
ALTER TABLE "schedule" ADD COLUMN "owner_kind" TEXT, ADD COLUMN "owner_id" TEXT;

-- Until now they had the name of their maker only. One that one user or one key has, and nobody else, is taken for that one.
CREATE TEMPORARY TABLE maker ON COMMIT DROP AS
  SELECT name, (array_agg(kind))[1] AS kind, (array_agg(id))[1] AS id FROM (
    SELECT name, 'user' AS kind, id::text FROM app_user
    UNION ALL
    SELECT name, kind, id::text FROM api_key
  ) AS known GROUP BY name HAVING count(*) = 1;
UPDATE saved_command SET owner_kind = maker.kind, owner_id = maker.id FROM maker WHERE maker.name = created_by;
UPDATE schedule SET owner_kind = maker.kind, owner_id = maker.id FROM maker WHERE maker.name = created_by;
DROP TABLE maker;

-- Who types into a terminal beside the one who opened it.
CREATE TABLE "terminal_writer" (
    "command_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "joined_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "terminal_writer_pkey" PRIMARY KEY ("command_id", "kind", "id")
);
ALTER TABLE "terminal_writer" ADD CONSTRAINT "terminal_writer_command_id_fkey"
  FOREIGN KEY ("command_id") REFERENCES "command"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Terminals that are open: asked again and again whether they still may be.
CREATE INDEX "command_open_terminal" ON "command"("run_id") WHERE "tty" AND "state" IN ('pending', 'running');

-- From now on it is sealed. What was typed and not taken before this start is lost.
DELETE FROM "terminal_input";
