-- openai_dpo: the better and the worse of two answers, as chats: {"input", "preferred_output", "non_preferred_output"}
-- (preference fine-tuning of OpenAI and its like). Both attempts saw the same prompt, and both were judged.
local debrief = require "debrief"

-- The first attempt of a kind for each prompt, in this part of the split: the other one of a pair.
local function partner(ctx, one)
  local of = ctx.state[ctx.part] or {}
  ctx.state[ctx.part] = of
  local known = of[one.prompt] or {}
  of[one.prompt] = known
  local found = known[not one.verdict]
  known[one.verdict] = known[one.verdict] or { text = one.text, from = debrief.provenance(one, ctx) }
  return found
end

-- An attempt that a retry can be paired with: the latest one before it that was judged the other way.
local function former(sample, one)
  for i = one.number - 1, 1, -1 do
    local other = sample.attempts[i]
    if other and other.verdict == not one.verdict and other.text then return other end
  end
end

-- Calls emit_pair(prompt, chosen text, rejected text, provenance) for each pair that this entry completes.
local function pairs_of(entry, ctx, emit_pair)
  local sample, why = debrief.samples(entry, ctx.options)
  if not sample then return ctx.skip(why) end
  for _, one in ipairs(sample.attempts) do
    if not one.text then ctx.skip "attempts without an output"
    elseif one.verdict == nil then ctx.skip("attempts: " .. one.why)
    elseif one.retry and not ctx.options.retry_pairs then
      ctx.skip "retries, which saw the former error (--allow-retry-pairs)"
    else
      local other = one.retry and former(sample, one) or not one.retry and partner(ctx, one)
      if not other then ctx.skip "attempts without another one of the same prompt that was judged the other way"
      else
        local mine, theirs = debrief.provenance(one, ctx), other.from or debrief.provenance(other, ctx)
        local chosen, rejected = one, other
        if not one.verdict then chosen, rejected = other, one end
        emit_pair(sample.prompt, chosen.text, rejected.text, { chosen = one.verdict and mine or theirs,
          rejected = one.verdict and theirs or mine, retry = one.retry or nil })
      end
    end
  end
end

local function assistant(text) return { { role = "assistant", content = text } } end

return {
  name = "openai_dpo",
  api = 1,
  summary = "Pairs of a verified and a failed attempt as chats, for fine-tuning services",
  options = {
    prompt = { type = "string", default = "input", help = "the field that is the prompt" },
    retry_pairs = { type = "boolean", default = false, help = "pair a retry with what it saw fail" },
    weak = { type = "boolean", default = false, help = "builds, lints and type checks decide too" },
    provenance = { type = "boolean", default = false, help = "where each row comes from, as a column" },
  },
  export = function(entry, emit, ctx)
    pairs_of(entry, ctx, function(prompt, chosen, rejected, from)
      emit({ input = { messages = { { role = "user", content = prompt } }, tools = debrief.array {},
          parallel_tool_calls = true },
        preferred_output = assistant(chosen), non_preferred_output = assistant(rejected),
        provenance = ctx.options.provenance and from or nil }, { prompt, chosen, rejected })
    end)
  end,
}
