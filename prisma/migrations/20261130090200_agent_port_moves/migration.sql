-- The port that an agent is being moved to: until the move has ended it may listen on either.
ALTER TABLE "agent" ADD COLUMN "next_port" INTEGER;
-- Where it may listen, as `7000` or `7000-7100`; null for where the server puts agents.
ALTER TABLE "agent" ADD COLUMN "ports" TEXT;

-- No two agents share a port, not even one that another is only being moved to.
ALTER TABLE "agent" ADD CONSTRAINT "agent_rpc_or_next_port_key" EXCLUDE USING gist (
  int4multirange(
    int4range("rpc_port", "rpc_port", '[]'),
    CASE WHEN "next_port" IS NULL THEN 'empty'::int4range ELSE int4range("next_port", "next_port", '[]') END
  ) WITH &&
);
