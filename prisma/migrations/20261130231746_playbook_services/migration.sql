-- The playbook of a service that one makes: its version is kept as long as a service needs it. What it is given is in the sealed specification.
ALTER TABLE "service_revision" ADD COLUMN "playbook" JSONB;
