-- Mixes: `wrk -s mixed.lua URL -- PATH EVERY` asks for PATH once in EVERY requests, of all connections together.

require("report")

local other, every, count

function init(args)
   other, every, count = args[1], tonumber(args[2]), 0
end

function request()
   count = count + 1
   return wrk.format(nil, count % every == 0 and other or nil)
end
