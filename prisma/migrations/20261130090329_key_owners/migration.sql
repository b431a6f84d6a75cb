-- A key belongs to a user, or hangs on the key that it was made with, and ends with either.
ALTER TABLE "api_key" ADD COLUMN "owner_id" UUID,
ADD COLUMN "parent_id" UUID;
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_owner_id_fkey"
  FOREIGN KEY ("owner_id") REFERENCES "app_user"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_parent_id_fkey"
  FOREIGN KEY ("parent_id") REFERENCES "api_key"("id") ON DELETE CASCADE ON UPDATE CASCADE;
CREATE INDEX "api_key_owner_id_idx" ON "api_key"("owner_id");
CREATE INDEX "api_key_parent_id_idx" ON "api_key"("parent_id");

-- Until now a key had the name of its maker only. A name that one user or one key has, and nobody else, is taken for that one; a
-- key whose maker cannot be told stays without an owner, and opens nothing.
UPDATE api_key SET owner_id = maker.id
FROM (SELECT name, (array_agg(id))[1] AS id FROM app_user GROUP BY name HAVING count(*) = 1) AS maker
WHERE api_key.kind = 'key' AND api_key.created_by = maker.name
  AND NOT EXISTS (SELECT 1 FROM api_key other WHERE other.name = api_key.created_by);
UPDATE api_key SET parent_id = maker.id
FROM api_key maker
WHERE api_key.kind = 'key' AND api_key.created_by = maker.name AND api_key.created_at > maker.created_at
  AND NOT EXISTS (SELECT 1 FROM app_user WHERE app_user.name = api_key.created_by);
WITH RECURSIVE chain AS (
  SELECT id, owner_id FROM api_key WHERE owner_id IS NOT NULL
  UNION
  SELECT child.id, chain.owner_id FROM api_key child JOIN chain ON child.parent_id = chain.id
)
UPDATE api_key SET owner_id = chain.owner_id FROM chain WHERE chain.id = api_key.id AND api_key.owner_id IS NULL;

-- Says that somebody's rights may have changed, whichever server changed them.
CREATE FUNCTION tell_of_rights() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('rollcall_rights', '');
  RETURN NULL;
END $$;
CREATE TRIGGER tell_of_user_rights AFTER UPDATE OF role, scope, is_disabled OR DELETE ON app_user
  FOR EACH STATEMENT EXECUTE FUNCTION tell_of_rights();
CREATE TRIGGER tell_of_key_rights AFTER DELETE OR UPDATE OF hash, owner_id, parent_id, permissions, scope, expires_at ON api_key
  FOR EACH STATEMENT EXECUTE FUNCTION tell_of_rights();
CREATE TRIGGER tell_of_ended_sessions AFTER DELETE ON user_session
  FOR EACH STATEMENT EXECUTE FUNCTION tell_of_rights();
CREATE TRIGGER tell_of_labels AFTER UPDATE OF labels ON host
  FOR EACH ROW WHEN (OLD.labels IS DISTINCT FROM NEW.labels) EXECUTE FUNCTION tell_of_rights();
CREATE TRIGGER tell_of_hosts_gone AFTER DELETE ON host
  FOR EACH STATEMENT EXECUTE FUNCTION tell_of_rights();
