CREATE TABLE "playbook_run" (
    "run_id" UUID NOT NULL,
    "playbook" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "is_diff" BOOLEAN NOT NULL,
    "variables" BYTEA NOT NULL,
    "plan_id" UUID,

    CONSTRAINT "playbook_run_pkey" PRIMARY KEY ("run_id")
);

CREATE TABLE "playbook_command" (
    "command_id" UUID NOT NULL,
    "nonce" TEXT NOT NULL,
    "expected_digest" TEXT,
    "tools_version" TEXT,
    "digest" TEXT,
    "totals" JSONB,
    "tasks" JSONB,
    "omitted" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "playbook_command_pkey" PRIMARY KEY ("command_id")
);

ALTER TABLE "playbook_run" ADD CONSTRAINT "playbook_run_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "playbook_command" ADD CONSTRAINT "playbook_command_command_id_fkey" FOREIGN KEY ("command_id") REFERENCES "command"("id") ON DELETE CASCADE ON UPDATE CASCADE;
