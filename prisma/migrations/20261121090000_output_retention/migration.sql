-- AlterTable
ALTER TABLE "command" ADD COLUMN     "output_removed_at" TIMESTAMPTZ(3);

-- Commands whose output is to be removed when they are old enough.
CREATE INDEX "command_with_output" ON "command"("ended_at") WHERE "output_removed_at" IS NULL AND "output_bytes" > 0;
