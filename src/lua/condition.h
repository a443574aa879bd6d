/* condition.h: what `--where` asks, as far as it can be judged before Lua sees an entry.
 *
 *     final_status == "fail" and duration_ms > 60000 and not subagent
 *
 * Of the entries that it is unsure of, Lua decides. */
#ifndef DBF_CONDITION_H
#define DBF_CONDITION_H

#include "subject.h"

#include <lua.h>

typedef struct dbf_condition dbf_condition;

typedef enum dbf_judgement { DBF_CONDITION_NO, DBF_CONDITION_YES, DBF_CONDITION_UNSURE } dbf_judgement;

void dbf_condition_open(lua_State *L);

/* The condition at `index`; raises when it is something else. */
dbf_condition *dbf_condition_check(lua_State *L, int index);

dbf_judgement dbf_condition_judge(lua_State *L, dbf_condition *condition, dbf_subject *subject);

/* Another one of it for a thread without a Lua state, whose `lua_State *` may then be NULL, or NULL when there is no memory. It
 * must not order texts; what it finds out about names is forgotten. Its texts are those of `condition`, which must outlive
 * it. */
dbf_condition *dbf_condition_copy(const dbf_condition *condition);
void dbf_condition_free(dbf_condition *copy);

/* Lua functions: condition { words =, ways =, terms = } -> condition, or nil where there is too much of it; condition:hits() -> an
 * array of the names that some entry had (see debrief.query.where). */
void dbf_condition_register(lua_State *L);

#endif
