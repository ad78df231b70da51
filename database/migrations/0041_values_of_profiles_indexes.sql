-- concurrently
-- Profiles whose values are still to be deleted.
create index concurrently if not exists profiles_with_values on stringx.profiles (created_at) where values_kept;
