-- Which run has applied a plan is asked whenever the plan is shown.
CREATE INDEX "playbook_run_plan_id_idx" ON "playbook_run"("plan_id");
