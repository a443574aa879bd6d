local skill = {
  no_folder = true,
  epilog = "It is a file for an agent: debrief skill >.claude/skills/debrief/SKILL.md",
}

-- A spec runs every line of the blocks.
local TEXT = [[
---
name: debrief
description: Ask the log of agent runs (debrief) what was tried before, what failed, what worked, and what it cost. Use
  before repeating a task, when a test keeps failing, and when asked how well a skill, model or project does.
---

# debrief: the log of agent runs

A session holds entries, one per skill run; a run has attempts, each verified by a check or not. The log is the folder
`-d DIR`, else `$DEBRIEF_DIR`, else `./sessions`. Nothing here changes it, except `append` and `record`.

## Before you start

```sh
debrief retro history --last 5 --md
debrief retro lessons --since 30d --md
debrief retro failures --since 30d --md --opt of=attempts
```

`history` is what earlier runs did, `lessons` what worked after failing, `failures` what fails again and again. Each
finding cites its entry as SESSION:LINE; `debrief read SESSION:LINE --format card` shows it.

## Questions in one line

```sh
debrief table --by skill --show runs,passed,lost
debrief table --by model --show runs,passed --since 7d
debrief read --outcome fail --last 10 --fields session,line,skill,timestamp
debrief read --grep 'timeout' --last 5 --json
debrief read --where 'attempt_count > 1' --fields session,line,skill,attempt_count
debrief retro tools,stuck --since 7d --md
debrief fields
```

Selectors go with every command: `--skill`, `--model`, `--project`, `--outcome ok|fail|skip|unknown`, `--since 7d`,
`--until`, `--grep TEXT`, `--where EXPR` (Lua over fields), `--last N`. Output: `--json`, `--csv`, `--md`.

Fields: `session_id timestamp skill phase project_root input attempts final_status file_path model_used duration_ms`; of
an attempt `attempt model output_summary runner_output verified duration_ms checks`. Computed: `outcome passed first_try
attempt_count lost_ms`.

## What to make of it

* A rate shows its cases (`3/4`); `*` marks fewer than five: a hint, not a rate. Undecided runs are not passed runs.
* `verified` rests on a test that ran. No check, no claim.

## Leave a trace

```sh
debrief record "$SESSION" --skill fix --check 'true' -- true
debrief append "$SESSION" skill=review final_status=ok --sparse
```

`record` runs a command, stores how it ended, and lets `--check` decide whether it is verified. `debrief help` lists the
rest.
]]

function skill.options() end

function skill.run()
  io.write(TEXT)
  return 0
end

return skill
