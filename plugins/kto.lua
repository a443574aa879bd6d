-- kto: what worked and what did not: {"prompt", "completion", "label"} (unpaired preference of TRL). One row per judged
-- attempt.
local debrief = require "debrief"

return {
  name = "kto",
  api = 1,
  summary = "Judged attempts as prompt, completion and label, for KTO",
  options = {
    prompt = { type = "string", default = "input", help = "the field that is the prompt" },
    retries = { type = "boolean", default = false, help = "retries too, with the former outputs in their prompts" },
    turns = { type = "boolean", default = false, help = "later turns of conversations too" },
    weak = { type = "boolean", default = false, help = "builds, lints and type checks decide too" },
    provenance = { type = "boolean", default = true, help = "where each row comes from, as a column" },
  },
  export = function(entry, emit, ctx)
    for _, one in ipairs(debrief.judged(entry, ctx)) do
      emit({ prompt = one.prompt, completion = one.text, label = one.verdict,
        provenance = ctx.options.provenance and debrief.provenance(one, ctx) or nil },
        { one.prompt, one.text, one.verdict })
    end
  end,
}
