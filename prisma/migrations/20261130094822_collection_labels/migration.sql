-- For which hosts a collection is: whoever may act on some hosts only sees it where theirs are meant.
ALTER TABLE "playbook_collection" ADD COLUMN "labels" JSONB;
