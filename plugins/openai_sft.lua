-- openai_sft: what worked, as chats: {"messages": [user, assistant]} (fine-tuning of OpenAI and its like). One row per
-- prompt: the first attempt that a test verified.
local debrief = require "debrief"

return {
  name = "openai_sft",
  api = 1,
  summary = "Verified attempts as chats of two messages, for fine-tuning services",
  options = {
    prompt = { type = "string", default = "input", help = "the field that is the prompt" },
    retries = { type = "boolean", default = false, help = "retries too, with the former outputs in their prompts" },
    turns = { type = "boolean", default = false, help = "later turns of conversations too" },
    weak = { type = "boolean", default = false, help = "builds, lints and type checks decide too" },
    provenance = { type = "boolean", default = false, help = "where each row comes from, as a column" },
  },
  export = function(entry, emit, ctx)
    for _, one in ipairs(debrief.judged(entry, ctx)) do
      if not one.verdict then
        ctx.skip "attempts that did not verify"
      else
        emit({ messages = { { role = "user", content = one.prompt }, { role = "assistant", content = one.text } },
          provenance = ctx.options.provenance and debrief.provenance(one, ctx) or nil }, one.prompt)
      end
    end
  end,
}
