-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateTable
CREATE TABLE "host" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "address" TEXT NOT NULL,
    "ssh_port" INTEGER NOT NULL,
    "ssh_user" TEXT NOT NULL,
    "labels" JSONB NOT NULL DEFAULT '{}',
    "credential" BYTEA NOT NULL,
    "host_key" TEXT,
    "state" TEXT NOT NULL,
    "state_reason" TEXT,
    "state_since" TIMESTAMPTZ(3) NOT NULL,
    "last_provisioning" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "host_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "agent" (
    "host_id" UUID NOT NULL,
    "rpc_port" INTEGER NOT NULL,
    "rpc_path" TEXT NOT NULL,
    "token" BYTEA NOT NULL,
    "secret_key" BYTEA NOT NULL,
    "certificate" TEXT NOT NULL,
    "private_key" BYTEA NOT NULL,
    "certificate_pin" TEXT NOT NULL,
    "version" TEXT,
    "architecture" TEXT,
    "installed_at" TIMESTAMPTZ(3),
    "last_answer_at" TIMESTAMPTZ(3),

    CONSTRAINT "agent_pkey" PRIMARY KEY ("host_id")
);

-- CreateTable
CREATE TABLE "run" (
    "id" UUID NOT NULL,
    "body_hash" TEXT NOT NULL,
    "requested_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "run_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "command" (
    "id" UUID NOT NULL,
    "run_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "host_id" UUID NOT NULL,
    "host_name" TEXT NOT NULL,
    "program" TEXT NOT NULL,
    "args" JSONB NOT NULL,
    "env" BYTEA NOT NULL,
    "cwd" TEXT NOT NULL,
    "timeout_ms" BIGINT NOT NULL,
    "start_within_ms" BIGINT NOT NULL,
    "tty" BOOLEAN NOT NULL,
    "columns" INTEGER NOT NULL,
    "rows" INTEGER NOT NULL,
    "stdin" BOOLEAN NOT NULL,
    "state" TEXT NOT NULL,
    "reason_code" TEXT,
    "reason" TEXT,
    "exit_code" INTEGER,
    "signal" TEXT,
    "requested_by" TEXT NOT NULL,
    "cancel_requested_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "dispatched_at" TIMESTAMPTZ(3),
    "started_at" TIMESTAMPTZ(3),
    "ended_at" TIMESTAMPTZ(3),
    "unanswered_since" TIMESTAMPTZ(3),
    "next_attempt_at" TIMESTAMPTZ(3) NOT NULL,
    "output_bytes" BIGINT NOT NULL DEFAULT 0,
    "dropped_bytes" BIGINT NOT NULL DEFAULT 0,
    "lease_owner" TEXT,
    "lease_until" TIMESTAMPTZ(3),
    "released_at" TIMESTAMPTZ(3),

    CONSTRAINT "command_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "output_chunk" (
    "command_id" UUID NOT NULL,
    "offset" BIGINT NOT NULL,
    "data" BYTEA NOT NULL,
    "runs" INTEGER[],

    CONSTRAINT "output_chunk_pkey" PRIMARY KEY ("command_id","offset")
);

-- CreateTable
CREATE TABLE "api_key" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "api_key_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "server_identity" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "certificate" TEXT NOT NULL,
    "private_key" BYTEA NOT NULL,
    "pin" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "server_identity_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "master_key_check" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "sealed" BYTEA NOT NULL,

    CONSTRAINT "master_key_check_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "host_name_key" ON "host"("name");

-- CreateIndex
CREATE UNIQUE INDEX "agent_rpc_port_key" ON "agent"("rpc_port");

-- CreateIndex
CREATE INDEX "command_created_at_id_idx" ON "command"("created_at", "id");

-- CreateIndex
CREATE INDEX "command_host_id_created_at_idx" ON "command"("host_id", "created_at");

-- CreateIndex
CREATE INDEX "command_run_id_idx" ON "command"("run_id");

-- CreateIndex
CREATE UNIQUE INDEX "api_key_name_key" ON "api_key"("name");

-- CreateIndex
CREATE UNIQUE INDEX "api_key_hash_key" ON "api_key"("hash");

-- AddForeignKey
ALTER TABLE "agent" ADD CONSTRAINT "agent_host_id_fkey" FOREIGN KEY ("host_id") REFERENCES "host"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "command" ADD CONSTRAINT "command_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE CASCADE ON UPDATE CASCADE;



-- Work that is not done yet: what the sweeper looks for.
CREATE INDEX "command_unfinished" ON "command"("next_attempt_at") WHERE "state" IN ('pending', 'running');

-- Ended commands whose agent has not been told yet that it may forget them.
CREATE INDEX "command_unreleased" ON "command"("ended_at") WHERE "released_at" IS NULL AND "kind" = 'command' AND "state" NOT IN ('pending', 'running');

-- Output is stored as it is, outside the row: compressing it would cost more time than the disk is worth.
ALTER TABLE "output_chunk" ALTER COLUMN "data" SET STORAGE EXTERNAL;
