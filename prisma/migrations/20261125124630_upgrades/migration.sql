-- CreateTable
CREATE TABLE "upgrade" (
    "id" UUID NOT NULL,
    "version" TEXT NOT NULL,
    "rings" JSONB NOT NULL,
    "state" TEXT NOT NULL,
    "reason" TEXT,
    "requested_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "upgrade_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "upgrade_host" (
    "upgrade_id" UUID NOT NULL,
    "host_id" UUID NOT NULL,
    "host_name" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "ring" INTEGER NOT NULL,
    "state" TEXT NOT NULL,
    "reason" TEXT,
    "command_id" UUID,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "upgrade_host_pkey" PRIMARY KEY ("upgrade_id","host_id")
);

-- CreateIndex
CREATE INDEX "upgrade_created_at_idx" ON "upgrade"("created_at");

-- CreateIndex
CREATE INDEX "upgrade_state_idx" ON "upgrade"("state");

-- AddForeignKey
ALTER TABLE "upgrade_host" ADD CONSTRAINT "upgrade_host_upgrade_id_fkey" FOREIGN KEY ("upgrade_id") REFERENCES "upgrade"("id") ON DELETE CASCADE ON UPDATE CASCADE;
