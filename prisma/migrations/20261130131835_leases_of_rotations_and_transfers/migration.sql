ALTER TABLE "rotation" ADD COLUMN "lease_owner" TEXT;

-- A transfer was its server's for ever; each part that has not ended is held under that server's lease now.
ALTER TABLE "transfer_host" ADD COLUMN "lease_owner" TEXT;
UPDATE "transfer_host" SET "lease_owner" = "transfer"."server_id"
FROM "transfer" WHERE "transfer"."id" = "transfer_host"."transfer_id" AND "transfer_host"."ended_at" IS NULL;
ALTER TABLE "transfer" DROP COLUMN "server_id";
