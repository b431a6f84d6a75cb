-- What the server has cut of a command's output, and the bytes of its own marks among the stored ones: the place in the agent's
-- output follows from both.
ALTER TABLE "command" ADD COLUMN "output_cut_bytes" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE "command" ADD COLUMN "output_mark_bytes" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE "command" ADD COLUMN "is_output_cut" BOOLEAN NOT NULL DEFAULT false;

-- To add up what is stored, and to find the oldest of it.
CREATE INDEX "command_stored_output_idx" ON "command"("ended_at") INCLUDE ("output_bytes") WHERE "output_removed_at" IS NULL AND "output_bytes" > 0;
