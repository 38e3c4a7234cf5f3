-- Uploads: `wrk -s post.lua URL -- BYTES` posts a body of BYTES bytes, a multiple of 16.

require("report")

function init(args)
   wrk.method = "POST"
   wrk.body = string.rep("0123456789abcdef", tonumber(args[1]) / 16)
end
