-- openai_dpo: the better and the worse of two answers, as chats: {"input", "preferred_output", "non_preferred_output"}
-- (preference fine-tuning of OpenAI and its like). Both attempts saw the same prompt, and both were judged.
local debrief = require "debrief"

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
    debrief.sample_pairs(entry, ctx, function(prompt, chosen, rejected, from)
      emit({ input = { messages = { { role = "user", content = prompt } }, tools = debrief.array {},
          parallel_tool_calls = true },
        preferred_output = assistant(chosen), non_preferred_output = assistant(rejected),
        provenance = ctx.options.provenance and from or nil }, { prompt, chosen, rejected })
    end)
  end,
}
