-- stepwise: attempts in their order and which of them verified: {"prompt", "completions", "labels"} (stepwise
-- supervision of TRL). Only entries all of whose attempts were judged:
-- a step that is missing would change what the next one means. What a step saw of the errors before it is not in a row.
local debrief = require "debrief"

return {
  name = "stepwise",
  api = 1,
  summary = "All attempts of a run with their verdicts, for process reward models",
  options = {
    prompt = { type = "string", default = "input", help = "the field that is the prompt" },
    turns = { type = "boolean", default = false, help = "later turns of conversations too" },
    weak = { type = "boolean", default = false, help = "builds, lints and type checks decide too" },
    provenance = { type = "boolean", default = true, help = "where each row comes from, as a column" },
  },
  export = function(entry, emit, ctx)
    local sample, why = debrief.samples(entry, ctx.options, ctx)
    if not sample then return ctx.skip(why) end
    local texts, labels, from = {}, {}, {}
    for i, one in ipairs(sample.attempts) do
      if not one.text then return ctx.skip "an attempt has no output" end
      if one.verdict == nil then return ctx.skip("an attempt: " .. one.why) end
      texts[i], labels[i], from[i] = one.text, one.verdict, debrief.provenance(one, ctx)
    end
    emit({ prompt = sample.prompt, completions = texts, labels = labels,
      provenance = ctx.options.provenance and from or nil }, { sample.prompt, texts, labels })
  end,
}
