-- A result on its way to Kafka is leased while it is sent, outside of any transaction.
alter table stringx.publications add column worker text, add column lease_expires_at timestamptz;
