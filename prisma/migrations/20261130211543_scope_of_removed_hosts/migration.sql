-- Labels that nobody knows, as those of a host that is gone, fit no scope but that of the whole fleet.
CREATE OR REPLACE FUNCTION host_fits(labels jsonb, terms jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT terms IS NULL OR (labels IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM jsonb_array_elements(terms) AS term
    WHERE NOT CASE term->>'operator'
      WHEN 'exists' THEN labels ? (term->>'key')
      WHEN 'absent' THEN NOT labels ? (term->>'key')
      WHEN 'in' THEN labels ? (term->>'key') AND term->'values' ? (labels->>(term->>'key'))
      ELSE NOT (labels ? (term->>'key') AND term->'values' ? (labels->>(term->>'key')))
    END))
$$;
