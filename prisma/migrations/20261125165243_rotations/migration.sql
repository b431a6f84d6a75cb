-- AlterTable
ALTER TABLE "agent" ADD COLUMN     "credentials_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
ADD COLUMN     "rotated_at" TIMESTAMPTZ(3);

-- They came with the first installation; of one that never ended nothing better is known than now.
UPDATE "agent" SET "credentials_at" = "installed_at" WHERE "installed_at" IS NOT NULL;

-- CreateTable
CREATE TABLE "rotation" (
    "host_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "phase" TEXT NOT NULL,
    "requested_by" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "due_at" TIMESTAMPTZ(3) NOT NULL,
    "failures" INTEGER NOT NULL DEFAULT 0,
    "reason_code" TEXT,
    "reason" TEXT,
    "rpc_path" TEXT NOT NULL,
    "token" BYTEA NOT NULL,
    "secret_key" BYTEA NOT NULL,
    "certificate" TEXT NOT NULL,
    "private_key" BYTEA NOT NULL,
    "certificate_pin" TEXT NOT NULL,

    CONSTRAINT "rotation_pkey" PRIMARY KEY ("host_id")
);

-- CreateIndex
CREATE INDEX "rotation_due_at_idx" ON "rotation"("due_at");

-- AddForeignKey
ALTER TABLE "rotation" ADD CONSTRAINT "rotation_host_id_fkey" FOREIGN KEY ("host_id") REFERENCES "agent"("host_id") ON DELETE CASCADE ON UPDATE CASCADE;
