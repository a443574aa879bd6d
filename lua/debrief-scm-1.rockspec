-- For luarocks, in a checkout:
--
--     luarocks --lua-version 5.4 make lua/debrief-scm-1.rockspec
--
-- It builds and installs one file, debrief.so, with all of debrief's Lua sources in it.
rockspec_format = "3.0"
package = "debrief"
version = "scm-1"
source = { url = "." }
description = {
  summary = "Logs of AI-agent skill runs, and retrospectives over them",
  detailed = [[
A log of what skills and agents did, kept in C, and retrospectives over it, written in Lua. Needs Linux, GNU make, gcc,
pkg-config, lua5.4 and, of Debian's packages, lua-cjson-dev, lua-argparse and liblua5.4-dev.]],
  license = "MIT",
  labels = { "logging", "agents", "json" },
}
supported_platforms = { "linux" }
dependencies = { "lua ~> 5.4" }
external_dependencies = { CJSON = { header = "lua5.4/lua-cjson.h" } }
build = {
  type = "make",
  build_target = "module",
  install_target = "installmodule",
  install_variables = { MODULEDIR = "$(LIBDIR)" },
}
