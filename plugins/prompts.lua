-- prompts: what was asked, each once: {"prompt"} (prompt-only of TRL, for methods that make their own answers), with
-- the skill it was for.
local debrief = require "debrief"

return {
  name = "prompts",
  api = 1,
  summary = "Every prompt once, for methods that make their own answers",
  options = {
    prompt = { type = "string", default = "input", help = "the field that is the prompt" },
    provenance = { type = "boolean", default = true, help = "where each row comes from, as a column" },
  },
  export = function(entry, emit, ctx)
    local prompt = debrief.prompt(entry, ctx.options.prompt)
    if not prompt then return ctx.skip(("no %s, which would be the prompt"):format(ctx.options.prompt)) end
    emit({ prompt = prompt, skill = entry.skill,
      provenance = ctx.options.provenance and { entry = ("%s:%d"):format(ctx.session, ctx.line) } or nil }, prompt)
  end,
}
