-- An agent that has not been given the newest identity of the servers yet knows an older one, and is called with that.
ALTER TABLE "server_identity" ALTER COLUMN "id" DROP DEFAULT;
CREATE UNIQUE INDEX "server_identity_pin_key" ON "server_identity"("pin");

ALTER TABLE "agent" ADD COLUMN "server_pin" TEXT;
UPDATE "agent" SET "server_pin" = (SELECT "pin" FROM "server_identity");
ALTER TABLE "agent" ALTER COLUMN "server_pin" SET NOT NULL;

ALTER TABLE "rotation" ADD COLUMN "server_pin" TEXT;
UPDATE "rotation" SET "server_pin" = (SELECT "pin" FROM "server_identity");
ALTER TABLE "rotation" ALTER COLUMN "server_pin" SET NOT NULL;
