-- Whose plan it is: a person with all their keys, or a key of no person. Null for what an earlier release has stored.
ALTER TABLE "service_plan" ADD COLUMN "requester_id" TEXT;
