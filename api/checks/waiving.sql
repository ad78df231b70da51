-- name: waivers
-- Of these failing rules. A set of rules that has changed since the check began is not waived: the waiver may be of another rule with this name.
select w.table_name, w.rule_id, w.waiver_id, w.created_by, w.until, w.reason, w.at_most
from jsonb_to_recordset(%(failing)s) as f (table_name text, rule_id text, rules_hash text)
join stringx.active_waivers w
  on w.target = %(target)s and w.table_name = f.table_name and w.rule_id = f.rule_id and w.rules_hash = f.rules_hash
