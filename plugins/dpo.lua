-- dpo: the better and the worse of two answers: {"prompt", "chosen", "rejected"} (preference of TRL). Both attempts saw
-- the same prompt, and both were judged. A retry saw the former error, so it is paired only if that is asked for.
local debrief = require "debrief"

return {
  name = "dpo",
  api = 1,
  summary = "Pairs of a verified and a failed attempt at the same prompt, for DPO",
  options = {
    prompt = { type = "string", default = "input", help = "the field that is the prompt" },
    retry_pairs = { type = "boolean", default = false, help = "pair a retry with what it saw fail" },
    weak = { type = "boolean", default = false, help = "builds, lints and type checks decide too" },
    provenance = { type = "boolean", default = true, help = "where each row comes from, as a column" },
  },
  export = function(entry, emit, ctx)
    debrief.sample_pairs(entry, ctx, function(prompt, chosen, rejected, from)
      emit({ prompt = prompt, chosen = chosen, rejected = rejected,
        provenance = ctx.options.provenance and from or nil }, { prompt, chosen, rejected })
    end)
  end,
}
