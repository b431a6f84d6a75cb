-- CreateTable
CREATE TABLE "transfer" (
    "id" UUID NOT NULL,
    "body_hash" TEXT NOT NULL,
    "server_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "content" TEXT NOT NULL,
    "destination" TEXT NOT NULL,
    "mode" INTEGER,
    "owner" TEXT,
    "make_parents" BOOLEAN NOT NULL,
    "requested_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "transfer_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "transfer_host" (
    "id" UUID NOT NULL,
    "transfer_id" UUID NOT NULL,
    "host_id" UUID NOT NULL,
    "host_name" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "bytes" BIGINT NOT NULL DEFAULT 0,
    "total_bytes" BIGINT NOT NULL DEFAULT 0,
    "files_written" INTEGER,
    "files_unchanged" INTEGER,
    "reason_code" TEXT,
    "reason" TEXT,
    "cancel_requested_at" TIMESTAMPTZ(3),
    "next_attempt_at" TIMESTAMPTZ(3) NOT NULL,
    "unanswered_since" TIMESTAMPTZ(3),
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "transfer_host_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "transfer_created_at_idx" ON "transfer"("created_at");

-- CreateIndex
CREATE INDEX "transfer_host_transfer_id_idx" ON "transfer_host"("transfer_id");

-- CreateIndex
CREATE INDEX "transfer_host_open" ON "transfer_host"("next_attempt_at") WHERE "ended_at" IS NULL;

-- AddForeignKey
ALTER TABLE "transfer_host" ADD CONSTRAINT "transfer_host_transfer_id_fkey" FOREIGN KEY ("transfer_id") REFERENCES "transfer"("id") ON DELETE CASCADE ON UPDATE CASCADE;
