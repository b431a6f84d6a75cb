-- Says which services and instances are not what they were, so that those who watch them need not ask again and again. As many at a
-- time as a notice has room for; of very many none is named: `*` says to look at all.
CREATE FUNCTION tell_of_services(kind text, ids text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF cardinality(ids) > 1000 THEN
    PERFORM pg_notify('rollcall_services', '*');
  ELSE
    FOR start IN 1 .. coalesce(cardinality(ids), 0) BY 200 LOOP
      PERFORM pg_notify('rollcall_services', kind || ' ' || array_to_string(ids[start:start + 199], ' '));
    END LOOP;
  END IF;
END $$;

CREATE FUNCTION tell_of_changed_services() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM tell_of_services('service', array(SELECT id::text FROM changed LIMIT 1001));
  RETURN NULL;
END $$;

CREATE FUNCTION tell_of_instances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM tell_of_services('instance', array(SELECT id FROM changed LIMIT 1001));
  RETURN NULL;
END $$;

-- Most updates of an instance move a due time or a lease, or store the same report again: nobody sees these.
CREATE FUNCTION tell_of_changed_instances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM tell_of_services('instance', array(
    SELECT later.id FROM changed AS later JOIN before ON before.id = later.id
    WHERE (later.slot, later.generation, later.revision_id, later.host_id, later.host_name, later.wanted, later.state, later.state_since, later.health,
        later.health_since, later.reason_code, later.reason, later.running_revision_id, later.admitted_at, later.replaced_by, later.command_id,
        later.containers, later.checks)
      IS DISTINCT FROM
        (before.slot, before.generation, before.revision_id, before.host_id, before.host_name, before.wanted, before.state,
        before.state_since, before.health, before.health_since, before.reason_code, before.reason, before.running_revision_id,
        before.admitted_at, before.replaced_by, before.command_id, before.containers, before.checks)
    LIMIT 1001));
  RETURN NULL;
END $$;

CREATE TRIGGER tell_of_added_services AFTER INSERT ON service REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION tell_of_changed_services();
CREATE TRIGGER tell_of_changed_services AFTER UPDATE ON service REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION tell_of_changed_services();
CREATE TRIGGER tell_of_removed_services AFTER DELETE ON service REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION tell_of_changed_services();

CREATE TRIGGER tell_of_added_instances AFTER INSERT ON instance REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION tell_of_instances();
CREATE TRIGGER tell_of_changed_instances AFTER UPDATE ON instance REFERENCING OLD TABLE AS before NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION tell_of_changed_instances();
CREATE TRIGGER tell_of_removed_instances AFTER DELETE ON instance REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION tell_of_instances();
