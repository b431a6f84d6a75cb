-- CreateTable
CREATE TABLE "terminal_input" (
    "id" BIGSERIAL NOT NULL,
    "command_id" UUID NOT NULL,
    "data" BYTEA,
    "columns" INTEGER,
    "rows" INTEGER,

    CONSTRAINT "terminal_input_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "terminal_input_command_id_id_idx" ON "terminal_input"("command_id", "id");

-- AddForeignKey
ALTER TABLE "terminal_input" ADD CONSTRAINT "terminal_input_command_id_fkey" FOREIGN KEY ("command_id") REFERENCES "command"("id") ON DELETE CASCADE ON UPDATE CASCADE;
