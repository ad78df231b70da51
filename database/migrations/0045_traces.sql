-- The trace that a request and its check belong to, as W3C Trace Context writes it: `traceparent` has 55 characters, `tracestate`
-- at most 512. Null without one. They are checked where they are read (`stringx_dataops/contract/trace_context.py`).
alter table stringx.requests add column traceparent text, add column tracestate text;
alter table dataops.checks add column traceparent text, add column tracestate text;
