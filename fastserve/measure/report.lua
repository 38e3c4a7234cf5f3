-- Prints what wrk counted as one line of JSON on stderr, in exact numbers: wrk's own report rounds them.
-- Alone it is the script of every plain GET; the other scripts require it. wrk must run in this directory.
-- It defines neither request() nor response(), so wrk formats the request once and keeps no answers: the
-- load core stays as cheap as it can be.

function done(summary, latency, requests)
   local errors = summary.errors
   io.stderr:write(string.format(
      '{"requests": %d, "bytes": %d, "duration_us": %d, "p50_us": %d, "p99_us": %d, "p999_us": %d, "errors": ' ..
      '{"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}}\n',
      summary.requests, summary.bytes, summary.duration, latency:percentile(50), latency:percentile(99),
      latency:percentile(99.9), errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
