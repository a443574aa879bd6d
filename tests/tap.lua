-- tap.lua: busted's results as TAP lines for tests/run. busted's own TAP dies on a spec that does not load.

return function()
  local busted = require "busted"
  local handler = require "busted.outputHandlers.base"()
  local count = 0

  local function say(ok, text) print(("%s %d - %s"):format(ok, count, text)) end

  local function comment(text)
    print("# " .. tostring(text):gsub("\n", "\n# "))
  end

  local function complain(list)
    local last = list[#list]
    say("not ok", last.name)
    comment(type(last.message) == "table" and require "pl.pretty".write(last.message) or last.message)
  end

  function handler.testEnd(_, _, status)
    count = count + 1
    if status == "success" then say("ok", handler.successes[#handler.successes].name)
    elseif status == "pending" then say("ok", "# SKIP " .. handler.pendings[#handler.pendings].name)
    elseif status == "failure" then complain(handler.failures)
    else complain(handler.errors)
    end
    io.flush()
    return nil, true
  end

  -- outside of a test: while loading, in a describe block, in a setup
  function handler.error(element)
    if element.descriptor ~= "it" then
      count = count + 1
      complain(handler.errors)
    end
    return nil, true
  end

  busted.subscribe({ "test", "end" }, handler.testEnd, { predicate = handler.cancelOnPending })
  busted.subscribe({ "error" }, handler.error)
  busted.subscribe({ "failure" }, handler.error)
  return handler
end
