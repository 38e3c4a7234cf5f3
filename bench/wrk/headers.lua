-- Sends header fields: `wrk -s headers.lua URL -- NAME VALUE NAME VALUE ...`

require("report")

function init(args)
   for i = 1, #args, 2 do
      wrk.headers[args[i]] = args[i + 1]
   end
end
