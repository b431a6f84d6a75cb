-- CreateTable
CREATE TABLE "audit_start" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "is_begun" BOOLEAN NOT NULL,

    CONSTRAINT "audit_start_pkey" PRIMARY KEY ("id")
);

-- A log that has entries began before there was an entry 0.
INSERT INTO "audit_start" ("is_begun") SELECT EXISTS (SELECT FROM "audit_entry");

-- Row triggers do not see TRUNCATE.
CREATE TRIGGER audit_entry_stays_whole BEFORE TRUNCATE ON "audit_entry"
  FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_stays();

CREATE FUNCTION audit_head_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.seq > OLD.seq THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'the head of the audit log is neither removed nor put back';
END
$$;

CREATE TRIGGER audit_head_grows BEFORE UPDATE OR DELETE ON "audit_head"
  FOR EACH ROW EXECUTE FUNCTION audit_head_grows();
CREATE TRIGGER audit_head_stays BEFORE TRUNCATE ON "audit_head"
  FOR EACH STATEMENT EXECUTE FUNCTION audit_head_grows();
