-- Which machine a host is, by what it said when its agent was installed; hashed, since a machine id is nobody else's business.
ALTER TABLE "host" ADD COLUMN "machine_id" TEXT;
-- Whether somebody has said that it may be the machine, or a clone, of another host.
ALTER TABLE "host" ADD COLUMN "is_duplicate_allowed" BOOLEAN NOT NULL DEFAULT false;
-- Another host of the fleet that was last found to be the same machine or a clone of it.
ALTER TABLE "host" ADD COLUMN "same_machine_as" UUID;
ALTER TABLE "host" ADD CONSTRAINT "host_same_machine_as_fkey" FOREIGN KEY ("same_machine_as") REFERENCES "host"("id") ON DELETE SET NULL ON UPDATE CASCADE;
CREATE INDEX "host_machine_id_idx" ON "host" ("machine_id");
CREATE INDEX "host_host_key_idx" ON "host" ("host_key");
CREATE INDEX "host_same_machine_as_idx" ON "host" ("same_machine_as");

-- By which an agent knows whose it is: one row, of one fleet, however many servers it has.
CREATE TABLE "fleet" ("id" UUID NOT NULL, CONSTRAINT "fleet_pkey" PRIMARY KEY ("id"));
INSERT INTO "fleet" ("id") VALUES (gen_random_uuid());
