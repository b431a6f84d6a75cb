CREATE TABLE "service_spare" (
    "service_id" UUID NOT NULL,
    "host_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "revision_id" UUID NOT NULL,
    "state" TEXT NOT NULL,
    "reason" TEXT,
    "failures" INTEGER NOT NULL DEFAULT 0,
    "due_at" TIMESTAMPTZ(3) NOT NULL,
    "lease_owner" TEXT,

    CONSTRAINT "service_spare_pkey" PRIMARY KEY ("service_id", "host_id")
);
CREATE INDEX "service_spare_host_id_idx" ON "service_spare"("host_id");
ALTER TABLE "service_spare" ADD CONSTRAINT "service_spare_service_id_fkey" FOREIGN KEY ("service_id") REFERENCES "service"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "service_spare" ADD CONSTRAINT "service_spare_host_id_fkey" FOREIGN KEY ("host_id") REFERENCES "host"("id") ON DELETE CASCADE ON UPDATE CASCADE;
