std = "lua54"
max_line_length = 120
cache = false
exclude_files = { "tests/data/hostile" } -- written by somebody with other manners
files["tests/spec"] = { std = "+busted" }
files["tests/nats"] = { std = "+busted" }
files["plugins"] = { globals = {}, read_globals = {} }
