-- Says which hosts are not what they were, so that those who watch the fleet need not wait for their next look. As many
-- at a time as a notice has room for; of very many none is named: `*` says to look at all.
CREATE FUNCTION tell_of_hosts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  ids text[];
BEGIN
  SELECT array_agg(id::text) INTO ids FROM (SELECT id FROM changed LIMIT 1001) AS few;
  IF cardinality(ids) > 1000 THEN
    PERFORM pg_notify('rollcall_hosts', '*');
  ELSE
    FOR start IN 1 .. coalesce(cardinality(ids), 0) BY 200 LOOP
      PERFORM pg_notify('rollcall_hosts', array_to_string(ids[start:start + 199], ' '));
    END LOOP;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER tell_of_added_hosts AFTER INSERT ON host REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION tell_of_hosts();
CREATE TRIGGER tell_of_changed_hosts AFTER UPDATE ON host REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION tell_of_hosts();
CREATE TRIGGER tell_of_removed_hosts AFTER DELETE ON host REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION tell_of_hosts();
