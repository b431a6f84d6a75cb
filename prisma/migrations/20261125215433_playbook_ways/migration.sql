-- AlterTable
ALTER TABLE "playbook_run" ADD COLUMN     "via" TEXT NOT NULL DEFAULT 'agent';

-- AlterTable
ALTER TABLE "playbook_command" ADD COLUMN     "way" TEXT;

-- What was begun before went through the agent.
UPDATE "playbook_command" SET "way" = 'agent' WHERE "tools_version" IS NOT NULL;
