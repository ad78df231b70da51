-- What DataOps may read of changes of tables' documents, deletions among them; its columns are a contract between the two services.
create view stringx.configuration_changes as select target, table_name, version, changed_at from stringx.table_versions;
