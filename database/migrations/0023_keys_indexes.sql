-- concurrently
-- Keys by the secret before the last rotation.
create index concurrently if not exists api_keys_previous on stringx.api_keys (previous_hash) where previous_hash is not null;
