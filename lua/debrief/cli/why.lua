--- `--why`: which condition of a query left nothing, on standard error.
local core = require "debrief.core"
local jobs = require "debrief.run.job"
local sessions = require "debrief.query.sessions"
local shell_word = require "debrief.text.shell_word"
local why = require "debrief.query.why"

-- The files of the log and those that are named by path; and of the named ones which lines: path -> true, or line ->
-- true for some.
local function items_of(q)
  local log <close> = assert(core.log(q.dir))
  local all, known, named = sessions.all(log) or {}, {}, nil
  for _, item in ipairs(all) do known[item.path] = true end
  if q.sessions or q.line then
    named = {}
    for _, item in ipairs(sessions.of(log, { sessions = q.sessions, line = q.line }) or {}) do
      named[item.path] = true
      for i, line in ipairs(item.lines or {}) do
        if i == 1 then named[item.path] = {} end
        named[item.path][line] = true
      end
      if not known[item.path] then
        item.lines = nil
        all[#all + 1] = item
      end
    end
  end
  return all, named
end

-- The job without its query: every entry is read, and the conditions are tested one by one.
local function bare(job)
  local out = {}
  for key, value in pairs(job) do out[key] = value end
  out.query = { strict = false, gaps = job.query.gaps }
  return out
end

-- What the user wrote, by the name of the condition.
local function labels_of(q)
  local labels = {}
  for key, value in pairs(q.why) do
    labels[key] = ("--%s %s"):format(key, shell_word(type(value) == "table" and table.concat(value, ",") or value))
  end
  local words = {}
  for i, name in ipairs(q.sessions or {}) do words[i] = shell_word(name) end
  if q.line then words[#words + 1] = ("--line %d"):format(q.line) end
  labels.sessions = words[1] and table.concat(words, " ")
  for _, name in ipairs(q.filter) do
    labels["plugin " .. (name:match "([^/]+)%.lua$" or name)] = "--filter " .. shell_word(name)
  end
  return labels
end

--- @param q the query, with job = that of the command, why = { key = what the user wrote }
-- @return a text; or nil and a message
return function(q)
  local worker <close>, message = jobs.worker(bare(q.job))
  if not worker then return nil, message end
  local items, named = items_of(q)
  local asked = {}
  for key, value in pairs(q.job.query) do asked[key] = value end
  if not q.why["until"] then asked["until"] = nil end -- a window has both ends
  if not q.why.since then asked.since = nil end
  local found
  found, message = jobs.ask(worker, "why", { sessions = items, named = named, query = asked })
  if not found then return nil, message end
  return why.text(found, asked, labels_of(q))
end
