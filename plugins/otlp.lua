-- otlp: OTLP/JSON, one request of spans per run, for any backend of OpenTelemetry, after its conventions for generative
-- AI: a run is a span invoke_agent, each call of a tool a span execute_tool in it, what became of an attempt an event
-- gen_ai.evaluation.result. A session is one trace. Ids come from the place in the log: a second export has the same.
--
-- A log does not say when a tool was called: calls follow each other from the start of the run, in their order, and
-- events are at its end. Texts of the run are attributes only with the option content.
local debrief = require "debrief"

local INTERNAL, OK, ERROR = 1, 1, 2 -- of OTLP: a kind of spans, and codes of status
local NS_PER_MS = 1000000

-- ---- Values ---------------------------------------------------------------------------------------------------------

local function text(value) return type(value) == "string" and value ~= "" and value or nil end
local function count(value) return math.type(value) == "integer" and value >= 0 and value or nil end
local function object(value) return debrief.type(value) == "object" and debrief.table(value) or {} end

-- 64-bit integers are texts in OTLP/JSON.
local function value_of(value)
  if type(value) == "boolean" then return { boolValue = value } end
  if math.type(value) == "integer" then return { intValue = tostring(value) } end
  if type(value) == "number" then return { doubleValue = value } end
  return { stringValue = value }
end

local function attributes(given)
  local list = {}
  for key, value in pairs(given) do list[#list + 1] = { key = key, value = value_of(value) } end
  return debrief.array(list)
end

local function trace_id(session) return debrief.hash("trace " .. session) .. debrief.hash("session " .. session) end

local function ms(value) return type(value) == "number" and value >= 0 and value < 1e12 and math.floor(value) or 0 end

-- ---- Spans ----------------------------------------------------------------------------------------------------------

-- All tokens that went in; nil if nothing is known of them.
local function input_tokens(usage)
  local sum
  for _, name in ipairs { "input_tokens", "cache_read_tokens", "cache_write_tokens" } do
    if count(usage[name]) then sum = (sum or 0) + usage[name] end
  end
  return sum
end

local function messages(role, content)
  return content and debrief.encode { { role = role, parts = { { type = "text", content = content } } } }
end

-- Whose model it is, as far as its name says that.
local PROVIDERS = { claude = "anthropic", gpt = "openai", codex = "openai", gemini = "gcp.gemini", grok = "x_ai",
  mistral = "mistral_ai", deepseek = "deepseek", command = "cohere" }

local function provider(model)
  local family = (model or ""):lower():match "^%a+"
  return PROVIDERS[family] or family == "o" and model:find "^o%d" and "openai" or nil
end

local function last_output(entry)
  local output
  for _, attempt in debrief.attempts(entry) do output = text(object(attempt).output_summary) or output end
  return output
end

local function run_attributes(entry, ctx, agent, failed)
  local usage, content = object(entry.usage), ctx.options.content
  local output = content and last_output(entry) or nil
  return attributes {
    ["gen_ai.operation.name"] = "invoke_agent", ["gen_ai.agent.name"] = agent, ["gen_ai.conversation.id"] = ctx.session,
    ["gen_ai.provider.name"] = provider(text(entry.model_used)), ["gen_ai.request.model"] = text(entry.model_used),
    ["gen_ai.usage.input_tokens"] = input_tokens(usage),
    ["gen_ai.usage.output_tokens"] = count(usage.output_tokens),
    ["gen_ai.usage.cache_read.input_tokens"] = count(usage.cache_read_tokens),
    ["gen_ai.usage.cache_creation.input_tokens"] = count(usage.cache_write_tokens),
    ["gen_ai.input.messages"] = content and messages("user", debrief.prompt(entry)) or nil,
    ["gen_ai.output.messages"] = messages("assistant", output), ["debrief.output"] = output and "summary",
    ["error.type"] = failed and (text(entry.final_status) or "_OTHER") or nil,
    ["debrief.skill"] = text(entry.skill), ["debrief.phase"] = text(entry.phase), ["debrief.line"] = ctx.line,
    ["debrief.outcome"] = debrief.outcome(entry), ["debrief.project_root"] = text(entry.project_root),
    ["debrief.cost_usd"] = type(entry.cost_usd) == "number" and entry.cost_usd or nil,
  }
end

-- What became of the attempts that something is said of.
local function events_of(entry, at, content)
  local events = {}
  for i, attempt in debrief.attempts(entry) do
    local one = object(attempt)
    if type(one.verified) == "boolean" then
      events[#events + 1] = { name = "gen_ai.evaluation.result", timeUnixNano = at, attributes = attributes {
        ["gen_ai.evaluation.name"] = "verified", ["gen_ai.evaluation.score.value"] = one.verified and 1.0 or 0.0,
        ["gen_ai.evaluation.score.label"] = one.verified and "pass" or "fail",
        ["gen_ai.evaluation.explanation"] = content and text(one.runner_output) or nil, ["debrief.attempt"] = i } }
    end
  end
  return debrief.array(events)
end

local function add_tools(spans, entry, run, from, to)
  local at = from
  for i, call in debrief.tools(entry) do
    local done = math.min(at + ms(call.duration_ms) * NS_PER_MS, to)
    spans[#spans + 1] = { traceId = run.traceId, spanId = debrief.hash(("%s tool %d"):format(run.spanId, i)),
      parentSpanId = run.spanId, name = "execute_tool " .. call.name, kind = INTERNAL,
      startTimeUnixNano = tostring(at), endTimeUnixNano = tostring(done),
      status = call.failed and { code = ERROR } or nil, attributes = attributes {
        ["gen_ai.operation.name"] = "execute_tool", ["gen_ai.tool.name"] = call.name,
        ["gen_ai.tool.call.arguments"] = call.target and debrief.encode { target = call.target } or nil,
        ["error.type"] = call.failed and "_OTHER" or nil } }
    at = done
  end
end

local CODES = { ok = OK, fail = ERROR }

return {
  name = "otlp",
  api = 1,
  summary = "Runs and calls of tools as spans of OpenTelemetry, one trace per session",
  options = {
    content = { type = "boolean", default = false, help = "inputs and outputs as attributes too" },
  },
  export = function(entry, emit, ctx)
    local from = debrief.time(entry)
    if not from or from < 0 then return ctx.skip "no timestamp since 1970, which a span needs" end
    local to = math.max(from, from + ms(entry.duration_ms) * NS_PER_MS) -- a sum beyond 2262 wraps
    local source, code = object(entry.source), CODES[debrief.outcome(entry)]
    local agent = text(source.agent) or text(source.kind) or text(entry.skill)
    local run = { traceId = trace_id(ctx.session), spanId = debrief.hash(("run %s:%d"):format(ctx.session, ctx.line)),
      name = agent and "invoke_agent " .. agent or "invoke_agent", kind = INTERNAL, startTimeUnixNano = tostring(from),
      endTimeUnixNano = tostring(to), status = code and { code = code } or nil,
      attributes = run_attributes(entry, ctx, agent, code == ERROR),
      events = events_of(entry, tostring(to), ctx.options.content) }
    local spans = { run }
    add_tools(spans, entry, run, from, to)
    emit { resourceSpans = { { resource = { attributes = attributes { ["service.name"] = agent or "debrief" } },
      scopeSpans = { { scope = { name = "debrief", version = debrief.version }, spans = spans } } } } }
  end,
}
