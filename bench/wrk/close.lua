-- Asks for the connection to be closed behind each answer; wrk then connects anew.

require("report")

wrk.headers["Connection"] = "close"
