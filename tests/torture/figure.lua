--- figure(area, what, figure, goal, met): what a spec has counted, for the table in build/torture.md. See figure.h.
return function(area, what, figure, goal, met)
  local path = os.getenv "FIGURES"
  local file <close> = path and io.open(path, "a")
  if file then file:write(table.concat({ area, what, figure, goal, met and "yes" or "no" }, "\t"), "\n") end
end
