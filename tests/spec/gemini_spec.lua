-- The importer of the Gemini CLI: made-up sessions, and, where the corpora are, tokens as another program counted them.
local importers = dofile "tests/spec/support/importers.lua"
local samples = dofile "tests/spec/support/samples.lua"
local cjson = importers.cjson

teardown(importers.program.clean)

local function entries_of(make)
  local records, write = make()
  return importers.of("gemini"):entries(write(records))
end

describe("gemini", function()
  for _, name in ipairs { "gemini", "gemini__json" } do
    it("makes turns with attempts, skills, tools and tokens from the sample " .. name, function()
      local e, result = entries_of(samples[name])
      assert.same({}, result.diagnostics)
      assert.equal(5, #e)
      assert.same({ "0ab84937", "paint the hull", "gemini-3", "mast.c", "m1" },
        { e[1].session_id, e[1].input, e[1].model_used, e[1].file_path, e[1].source.key })
      assert.equal(name == "gemini" and "/w/app" or nil, e[1].project_root)
      assert.same({ input_tokens = 210, cache_read_tokens = 90, output_tokens = 45, reasoning_tokens = 15 }, e[1].usage)
      assert.same({ false, true }, { e[1].attempts[1].verified, e[1].attempts[2].verified })
      assert.equal(2, e[1].attempts[1].checks[1].exit_status)
      assert.same({ 4, "make test" }, { #e[1].tools, e[1].tools[2].target })
      assert.same({ "ship", "model", "m5", "Shipped." }, { e[2].skill, e[2].trigger, e[2].source.key,
        e[2].attempts[1].output_summary })
      assert.is_table(e[2].usage_by_model)
      assert.same({ "interrupted", true }, { e[3].final_status, e[3].tools[1].error })
      assert.same({ "error", "[API Error: quota]" }, { e[4].final_status, e[4].attempts[1].output_summary })
      assert.is_nil(e[5].final_status)
    end)
  end

  it("reads messages that only a $set has, once", function()
    local records, write = samples.gemini()
    local messages = {}
    for _, record in ipairs(records) do if record.type then messages[#messages + 1] = record end end
    local all = importers.of("gemini"):entries(write(records))
    records[#records + 1] = { ["$set"] = { messages = messages } }
    assert.same(all, (importers.of("gemini"):entries(write(records))))
    assert.same(all, (importers.of("gemini"):entries(write { records[1], { ["$set"] = { messages = messages } } })))
  end)

  it("loses at most the entry that an odd field belongs to", function()
    importers.mutate("gemini", samples.gemini, 300)
    importers.mutate("gemini", samples.gemini__json, 300)
  end)

  it("reports a document that is cut, and keeps what was before", function()
    local records, write = samples.gemini__json()
    local list = {}
    for i = 2, #records do list[#list + 1] = cjson.encode(records[i]) end
    local whole = '{"sessionId":"s1","projectHash":"p","messages":[' .. table.concat(list, ",") .. "]}"
    local e, result = importers.of("gemini"):entries(whole:sub(1, -40), (select(2, write(records))))
    assert.equal(4, #e)
    assert.truthy(result.diagnostics[2].message:find("the document", 1, true))
  end)
end)

local function sums(entries, into)
  into = into or {}
  for _, e in ipairs(entries) do
    for model, usage in pairs(e.usage_by_model or e.model_used and { [e.model_used] = e.usage } or {}) do
      into[model] = into[model] or {}
      for name, n in pairs(usage) do into[model][name] = (into[model][name] or 0) + n end
    end
  end
  return into
end

describe("real sessions of the Gemini CLI", function()
  it("have the tokens that another program counted", function()
    local path = importers.corpora .. "/multi-vct/gemini.jsonl"
    local expected = importers.program.read((path:gsub("jsonl$", "expected.json")))
    if not expected then return pending("no " .. path) end
    local wanted = {}
    for model, usage in pairs(cjson.decode(expected).records[1].conversationUsage) do
      wanted[model] = { input_tokens = usage.input_tokens, cache_read_tokens = usage.cache_read_input_tokens,
        output_tokens = usage.output_tokens + usage.thoughts_tokens, reasoning_tokens = usage.thoughts_tokens }
    end
    assert.same(wanted, sums((importers.of("gemini"):read(path))))
  end)

  it("have all the tokens of their messages", function()
    local paths = importers.files("multi-agentcmd/gemini/full/*.json claude-entire-a/51/*/0/*.jsonl "
      .. "claude-entire-a/c9/*/0/*.jsonl")
    if not paths[1] then return pending("no " .. importers.corpora) end
    assert.equal(8, #paths)
    local runs, total, all = 0, 0, 0
    for _, path in ipairs(paths) do
      local e, result = importers.of("gemini"):read(path)
      assert.same({}, result.diagnostics, path)
      runs = runs + #e
      for _, usage in pairs(sums(e)) do
        total = total + usage.input_tokens + usage.cache_read_tokens + usage.output_tokens
      end
      for _, message in ipairs(cjson.decode(importers.program.read(path)).messages) do
        all = all + (message.tokens and message.tokens.total or 0)
      end
    end
    assert.equal(all, total)
    assert.equal(11, runs)
  end)
end)
