-- gepa: what went in, what came out, and what was said of it, by skill:
-- {SKILL: [{"Inputs", "Generated Outputs", "Feedback"}]} (reflective data sets of GEPA and DSPy). Every attempt that
-- something is known of, retries as well: these rows are read, not learnt.
local debrief = require "debrief"

return {
  name = "gepa",
  api = 1,
  summary = "Inputs, outputs and feedback by skill, for GEPA",
  options = {
    prompt = { type = "string", default = "input", help = "the field that is the input" },
    weak = { type = "boolean", default = false, help = "builds, lints and type checks decide too" },
    provenance = { type = "boolean", default = true, help = "where each row comes from, as a column" },
  },
  export = function(entry, emit, ctx)
    local options = { prompt = ctx.options.prompt, weak = ctx.options.weak, turns = true }
    local sample, why = debrief.samples(entry, options, ctx)
    if not sample then return ctx.skip(why) end
    for _, one in ipairs(sample.attempts) do
      local feedback = {}
      feedback[1] = one.verdict == nil and one.why or one.verdict and "verified" or "not verified"
      if one.error then feedback[2] = one.error end
      if not one.text then ctx.skip "attempts without an output"
      elseif not one.prompt then ctx.skip "retries that saw what is not in the log"
      else
        local skill, said = entry.skill or "skill", table.concat(feedback, "\n")
        emit({ [skill] = { { Inputs = { prompt = one.prompt }, ["Generated Outputs"] = one.text, Feedback = said,
          provenance = ctx.options.provenance and debrief.provenance(one, ctx) or nil } } },
          { one.prompt, one.text, skill, said })
      end
    end
  end,
}
