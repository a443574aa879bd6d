std = "lua54"
max_line_length = 120
cache = false
files["tests/spec"] = { std = "+busted" }
files["plugins"] = { globals = {}, read_globals = {} }
