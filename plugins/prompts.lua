-- prompts: what was asked, each once: {"prompt"} (prompt-only of TRL, for methods that make their own answers), with
-- the skill it was for.
local debrief = require "debrief"

return {
  name = "prompts",
  api = 1,
  summary = "Every prompt once, for methods that make their own answers",
  options = {
    prompt = { type = "string", default = "input", help = "the field that is the prompt" },
    turns = { type = "boolean", default = false, help = "later turns of conversations too" },
    provenance = { type = "boolean", default = true, help = "where each row comes from, as a column" },
  },
  export = function(entry, emit, ctx)
    local prompt, why = debrief.prompt_of(entry, ctx.options, ctx)
    if not prompt then return ctx.skip(why) end
    emit({ prompt = prompt.text, skill = entry.skill, provenance = ctx.options.provenance and {
      entry = ("%s:%d"):format(ctx.session, ctx.line), prompt = prompt.json and "json" or nil,
      turn = prompt.later and "later" or nil } or nil }, prompt.text)
  end,
}
