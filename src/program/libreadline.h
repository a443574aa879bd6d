/* libreadline.h: GNU readline, loaded when the prompt starts: no other command waits for the loader to find and
 * relocate it, and the program works on a machine without it.
 *
 * Its own headers say of what types things are. What they call rl_redisplay and rl_point is rl.redisplay and *rl.point
 * here; functions and variables of its history keep their names. */
#ifndef LIBREADLINE_H
#define LIBREADLINE_H

#include <stdbool.h>
#include <stdio.h>
#include <readline/readline.h>
#include <readline/history.h>

/* clang-format off */
#define LIBREADLINE(X) \
  X(add_defun) X(attempted_completion_function) X(attempted_completion_over) X(basic_quote_characters) \
  X(bind_key) X(catch_signals) X(catch_sigwinch) X(change_environment) X(cleanup_after_signal) X(complete) \
  X(completer_quote_characters) X(completion_append_character) X(completion_display_matches_hook) \
  X(completion_matches) X(completion_type) X(completion_word_break_hook) X(crlf) X(end) \
  X(forced_update_display) X(function_of_keyseq) X(get_screen_size) X(getc_function) X(initialize) \
  X(insert_text) X(last_func) X(line_buffer) X(outstream) X(point) X(readline_name) X(readline_state) \
  X(redisplay) X(reset_after_signal) X(reset_screen_size) X(resize_terminal) X(variable_value)

#define LIBHISTORY(X) \
  X(add_history) X(history_base) X(history_get) X(history_is_stifled) X(history_length) X(stifle_history) \
  X(using_history)
/* clang-format on */

#define LIBREADLINE_MEMBER(name) __typeof__(rl_##name) *name;
#define LIBHISTORY_MEMBER(name)  __typeof__(name) *name;

typedef struct libreadline {
  __typeof__(readline) *readline;
  LIBREADLINE(LIBREADLINE_MEMBER)
  LIBHISTORY(LIBHISTORY_MEMBER)
} libreadline;

/* All of it; NULL members until libreadline_load. */
extern libreadline rl;

/* Load it. False: it is not there, and *why, of `size` bytes, says why. */
bool libreadline_load(char *why, size_t size);

#endif
