-- Pipelines: `wrk -s pipelined.lua URL -- DEPTH` sends DEPTH requests in one write, and the next batch when
-- all are answered. wrk formats the request once, after init(); here that one text is the whole batch.

require("report")

function init(args)
   local depth = tonumber(args[1])
   local format = wrk.format
   wrk.format = function(...) return string.rep(format(...), depth) end
end
