DROP INDEX "run_of_programs";
-- What people begin on hosts, newest first: programs and playbooks.
CREATE INDEX "run_listed" ON "run"("created_at", "id") WHERE "kind" IN ('command', 'playbook');
