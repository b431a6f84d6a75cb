-- Ids are UUIDs. Whatever has their form is looked up as an id, so that nothing may be called so: a host that was named like
-- the id of another one was taken for it. Those that are stored get another name, with a warning that the server writes to its log.
CREATE FUNCTION has_uuid_form("text" TEXT) RETURNS BOOLEAN LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
  $$ SELECT "text" ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' $$;

-- The first of KIND-NAME, KIND-NAME-2, … that is not taken in a column.
CREATE FUNCTION pg_temp.free_name("table" REGCLASS, "kind" TEXT, "old" TEXT) RETURNS TEXT LANGUAGE plpgsql AS $$
DECLARE
  wanted TEXT := kind || '-' || lower(old);
  tries INT := 1;
  taken BOOLEAN;
BEGIN
  LOOP
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s WHERE name = $1)', "table") INTO taken USING wanted;
    EXIT WHEN NOT taken;
    tries := tries + 1;
    wanted := kind || '-' || lower(old) || '-' || tries;
  END LOOP;
  RAISE WARNING 'The % named % is called % from now on: a name may not have the form of an id.', replace(kind, '-', ' '), old, wanted;
  RETURN wanted;
END $$;

-- Stored targets name hosts by what they are called.
CREATE FUNCTION pg_temp.renamed_target("target" JSONB, "old" TEXT, "new" TEXT) RETURNS JSONB LANGUAGE sql AS $$
  SELECT jsonb_set(target, '{hosts}', (
    SELECT jsonb_agg(CASE WHEN host = to_jsonb("old") THEN to_jsonb("new") ELSE host END ORDER BY place)
    FROM jsonb_array_elements(target->'hosts') WITH ORDINALITY AS each(host, place))) $$;

DO $$
DECLARE
  each RECORD;
  chosen TEXT;
BEGIN
  FOR each IN SELECT id, name FROM host WHERE has_uuid_form(name) ORDER BY name LOOP
    chosen := pg_temp.free_name('host', 'host', each.name);
    UPDATE host SET name = chosen WHERE id = each.id;
    UPDATE saved_command SET target = pg_temp.renamed_target(target, each.name, chosen) WHERE target->'hosts' ? each.name;
    UPDATE schedule SET target = pg_temp.renamed_target(target, each.name, chosen) WHERE target->'hosts' ? each.name;
  END LOOP;
  FOR each IN SELECT id, name FROM saved_command WHERE has_uuid_form(name) ORDER BY name LOOP
    UPDATE saved_command SET name = pg_temp.free_name('saved_command', 'saved-command', each.name) WHERE id = each.id;
  END LOOP;
  FOR each IN SELECT id, name FROM schedule WHERE has_uuid_form(name) ORDER BY name LOOP
    UPDATE schedule SET name = pg_temp.free_name('schedule', 'schedule', each.name) WHERE id = each.id;
  END LOOP;
  FOR each IN SELECT name FROM heartbeat_profile WHERE has_uuid_form(name) ORDER BY name LOOP
    UPDATE heartbeat_profile SET name = pg_temp.free_name('heartbeat_profile', 'profile', each.name) WHERE name = each.name;
  END LOOP;
  FOR each IN SELECT name FROM playbook_collection WHERE has_uuid_form(name) ORDER BY name LOOP
    chosen := pg_temp.free_name('playbook_collection', 'collection', each.name);
    UPDATE playbook_collection SET name = chosen WHERE name = each.name;
    UPDATE playbook_collection_version SET playbooks = (
      SELECT coalesce(jsonb_agg(
        jsonb_set(playbook, '{name}', to_jsonb(chosen || substr(playbook->>'name', length(each.name) + 1))) ORDER BY place), '[]')
      FROM jsonb_array_elements(playbooks) WITH ORDINALITY AS one(playbook, place)) WHERE name = chosen;
    UPDATE playbook_run SET playbook = chosen || substr(playbook, length(each.name) + 1) WHERE starts_with(playbook, each.name || '/');
  END LOOP;
  FOR each IN SELECT id, name FROM api_key WHERE has_uuid_form(name) ORDER BY name LOOP
    UPDATE api_key SET name = pg_temp.free_name('api_key', 'key', each.name) WHERE id = each.id;
  END LOOP;
  FOR each IN SELECT id, name FROM app_user WHERE has_uuid_form(name) ORDER BY name LOOP
    UPDATE app_user SET name = pg_temp.free_name('app_user', 'user', each.name) WHERE id = each.id;
  END LOOP;
END $$;

ALTER TABLE "host" ADD CONSTRAINT "host_name_is_no_id" CHECK (NOT has_uuid_form("name"));
ALTER TABLE "saved_command" ADD CONSTRAINT "saved_command_name_is_no_id" CHECK (NOT has_uuid_form("name"));
ALTER TABLE "schedule" ADD CONSTRAINT "schedule_name_is_no_id" CHECK (NOT has_uuid_form("name"));
ALTER TABLE "heartbeat_profile" ADD CONSTRAINT "heartbeat_profile_name_is_no_id" CHECK (NOT has_uuid_form("name"));
ALTER TABLE "playbook_collection" ADD CONSTRAINT "playbook_collection_name_is_no_id" CHECK (NOT has_uuid_form("name"));
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_name_is_no_id" CHECK (NOT has_uuid_form("name"));
ALTER TABLE "app_user" ADD CONSTRAINT "app_user_name_is_no_id" CHECK (NOT has_uuid_form("name"));
