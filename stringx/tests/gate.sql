{#- The one test. The project's `test` materialization recognises it by its meta and runs the specification in
    var('gate') in place of this query. The query is what dbt would run without that materialization: it returns a
    row, so that a project that has lost it fails and never passes. -#}
{{ config(meta={"stringx_gate": true}) }}
select 'the gate materialization is missing: nothing was checked' as reason
