#include "place.h"
#include "value.h"

#include <string.h>

/* ---- Addresses --------------------------------------------------------------------------------------------------- */

enum { LONGEST_USER = 256, LONGEST_PASSWORD = 1024, MOST_HEAD_LINES = 12 };

/* Is there an '@' near enough? Most addresses have none: this looks quicker than what follows. */
static bool has_at(const dbf_find *f, size_t at, bool encoded) {
  size_t len = f->t.len - at, most = LONGEST_USER + LONGEST_PASSWORD;
  if (len > most) len = most;
  return memchr(f->t.s + at, '@', len) || (encoded && memchr(f->t.s + at, DBF_VIEW_AT, len));
}

/* May this be in the part of an address before the '@'? `encoded`: the whole address is, its signs, too. */
static bool in_userinfo(const dbf_find *f, size_t at, bool encoded) {
  uint32_t class = dbf_shape_class[f->t.s[at]];
  if (f->t.s[at] == '\n')
    return at > 0 && dbf_shape_is(&f->t, at - 1, DBF_ALNUM) && dbf_shape_is(&f->t, at + 1, DBF_ALNUM);
  if (class & (DBF_BLANK | DBF_NEWLINE | DBF_QUOTE | DBF_END)) return false;
  return !encoded || f->t.s[at] != DBF_VIEW_BLANK;
}

static bool is_sign(const dbf_find *f, size_t at, char sign, bool encoded) {
  return (encoded ? dbf_find_plain(f, at) : f->t.s[at]) == (unsigned char)sign;
}

/* 8080/path, or the end of a line: of an address without a password. */
static bool is_port(const dbf_find *f, size_t from, size_t to, bool encoded) {
  size_t i = dbf_shape_is(&f->t, from, DBF_DIGIT) ? from : to;
  while (i < to && i - from < 6 && dbf_shape_is(&f->t, i, DBF_DIGIT)) i++;
  if (i > from && i < to && f->t.s[i] == '\n') return true;
  return i > from && i < to &&
         (is_sign(f, i, '/', encoded) || is_sign(f, i, '?', encoded) || is_sign(f, i, '#', encoded));
}

/* Is what follows an '@' clearly a host, so that no later '@' ends the password? */
static bool is_host(const dbf_find *f, size_t at, bool encoded) {
  size_t i = at, points = 0;
  while (dbf_shape_is(&f->t, i, DBF_NAME)) points += f->t.s[i++] == '.';
  if (i == at) return f->t.s[at] == '[';
  bool named = points > 0 || (i - at == 9 && dbf_find_word(f, at, "localhost"));
  if (is_sign(f, i, ':', encoded) && dbf_shape_is(&f->t, i + 1, DBF_DIGIT)) return true;
  if (named || !is_sign(f, i, '/', encoded)) return named;
  for (i++; dbf_shape_is(&f->t, i, DBF_NAME); i++) continue;
  return is_sign(f, i, '?', encoded) && dbf_shape_is(&f->t, i + 1, DBF_WORD);
}

/* The '@' that ends what stands at `from`: the first one before a clear host, else the last one. SIZE_MAX: none. */
static size_t find_at(const dbf_find *f, size_t from, bool encoded) {
  size_t last = SIZE_MAX, breaks = 0;
  for (size_t i = from; i - from < LONGEST_PASSWORD && in_userinfo(f, i, encoded); i++) {
    if (f->t.s[i] == '\n' && ++breaks > 2) break;
    if (!is_sign(f, i, '@', encoded)) continue;
    if (!dbf_shape_is(&f->t, i + 1, DBF_ALNUM) && f->t.s[i + 1] != '[' && f->t.s[i + 1] != '$' &&
        f->t.s[i + 1] != '{')
      continue;
    last = i;
    if (is_host(f, i + 1, encoded)) break;
  }
  return last;
}

/* https://TOKEN@host */
static bool find_user(dbf_find *f, size_t from, size_t to, dbf_span *span) {
  dbf_shape_stats stats = dbf_shape_measure(&f->t, from, to);
  *span = (dbf_span){from, to, "url_token", DBF_RANK_PLACE};
  return to > from && stats.len >= 20 && dbf_shape_is_random(&stats);
}

static bool is_weak_example(const dbf_find *f, size_t from, size_t to) {
  static const char *const words[] = {"password", "passwd", "pass", "pwd", "secret", "pw", NULL};
  for (int i = 0; words[i]; i++)
    if (strlen(words[i]) == to - from && dbf_find_word(f, from, words[i])) return true;
  return dbf_value_is_placeholder(&f->t, from, to);
}

bool dbf_place_find_address(dbf_find *f, size_t at, size_t after, dbf_span *span) {
  bool encoded = f->t.s[after - 1] < ' ';
  size_t colon = after;
  if (!has_at(f, after, encoded)) return false;
  (void)at;
  while (colon - after < LONGEST_USER && in_userinfo(f, colon, encoded) && !is_sign(f, colon, ':', encoded)) {
    if (is_sign(f, colon, '@', encoded)) return find_user(f, after, colon, span);
    if (is_sign(f, colon, '/', encoded) || is_sign(f, colon, '?', encoded) || is_sign(f, colon, '#', encoded))
      return false;
    colon++;
  }
  size_t from = colon + 1, to = is_sign(f, colon, ':', encoded) ? find_at(f, from, encoded) : SIZE_MAX;
  if (to == SIZE_MAX || to <= from || is_port(f, from, to, encoded) || is_weak_example(f, from, to))
    return false;
  *span = (dbf_span){from, to, "password", DBF_RANK_PLACE};
  return true;
}

/* ---- Private keys ------------------------------------------------------------------------------------------------ */

/* `-----BEGIN RSA PRIVATE KEY-----`, from past BEGIN or END: the end of the line's dashes, or SIZE_MAX. */
static size_t end_of_label(const dbf_find *f, size_t at) {
  size_t i = at, stop = at + 60;
  bool is_private = false;
  for (; i < stop &&
         (dbf_shape_is(&f->t, i, DBF_CAPITAL | DBF_DIGIT) || dbf_find_plain(f, i) == ' ' || f->t.s[i] == '+');
       i++)
    is_private = is_private || dbf_find_word(f, i, "private");
  size_t dashes = i;
  while (dbf_find_plain(f, i) == '-' && i - dashes < 5) i++;
  return is_private && i > dashes ? i : SIZE_MAX;
}

/* Does the line from..to hold a piece of a key? */
static bool is_key_line(dbf_find *f, size_t from, size_t to) {
  for (size_t i = from; i < to && i - from < 512;) {
    size_t end = dbf_shape_run(&f->t, i, DBF_BASE64);
    if (end > to) end = to;
    dbf_shape_stats s = dbf_shape_measure(&f->t, i, end);
    bool whole = i == from && end == to && s.len >= 4 && s.capitals > 0;
    if (whole || (s.len >= 30 && s.capitals > 0 && s.small > 0)) return true;
    i = end + 1;
  }
  return false;
}

/* A line between the head of a key and its body: `Proc-Type: 4,ENCRYPTED`, nothing, an ellipsis. */
static bool is_head_line(const dbf_find *f, size_t from, size_t to) {
  size_t i = from;
  while (i < to && dbf_shape_is(&f->t, i, DBF_KEY)) i++;
  if (i < to && i > from && f->t.s[i] == ':') return true;
  for (i = from; i < to && !dbf_shape_is(&f->t, i, DBF_ALNUM);) i++;
  return i == to;
}

/* The end of the lines of a key from `at` on; `at` when there is no such line. */
static size_t end_of_body(dbf_find *f, size_t at) {
  size_t good = at;
  bool keys = false;
  for (int others = 0; f->t.s[at] && others < MOST_HEAD_LINES; others++) {
    size_t end = dbf_find_line_end(f, at), last = end;
    while (last > at && dbf_find_is_quote(f, last - 1)) last--;
    if (is_key_line(f, at, last) && (keys || last - at >= 16 || dbf_find_word(f, at, "mi"))) {
      good = last;
      keys = true;
      others = 0;
    } else if (keys ? end > at && !is_head_line(f, at, end) : !is_head_line(f, at, end)) {
      break;
    }
    if (f->t.s[end] != '\n') break;
    at = end + 1;
  }
  return good;
}

/* The first END of a private key from `at` on: its beginning and its end. */
static bool find_end(dbf_find *f, size_t at, size_t *begin, size_t *end) {
  if (f->block_from > at || f->block_end < at || f->block_end == 0) {
    f->block_from = at;
    for (f->block_end = at; f->block_end < f->t.len; f->block_end++) {
      const unsigned char *dash = memchr(f->t.s + f->block_end, '-', f->t.len - f->block_end);
      f->block_end = dash ? (size_t)(dash - f->t.s) : f->t.len;
      if (!dash) break;
      size_t word = dbf_find_skip_blanks(f, f->block_end + 1);
      if (dbf_find_word(f, word, "end") && end_of_label(f, word + 3) != SIZE_MAX) break;
    }
  }
  if (f->block_end >= f->t.len) return false;
  *begin = f->block_end;
  *end = end_of_label(f, dbf_find_skip_blanks(f, f->block_end + 1) + 3);
  return true;
}

static size_t back_over_dashes(const dbf_find *f, size_t at) {
  while (at > 0 && (dbf_find_plain(f, at - 1) == '-' || dbf_find_plain(f, at - 1) == ' ')) at--;
  while (dbf_find_plain(f, at) == ' ') at++;
  return at;
}

/* Is there a fence, or a marker, between the two? */
static bool is_parted(const dbf_find *f, size_t from, size_t to) {
  return memchr(f->t.s + from, DBF_VIEW_FENCE, to - from) ||
         memchr(f->t.s + from, DBF_VIEW_MARKER, to - from);
}

bool dbf_place_find_key_begin(dbf_find *f, size_t at, size_t after, dbf_span *span) {
  size_t body = end_of_label(f, after), begin, end, from = back_over_dashes(f, at);
  if (body == SIZE_MAX || from == at) return false;
  size_t first = f->t.s[body] == '\n' ? body + 1 : body, lines = end_of_body(f, first);
  *span = (dbf_span){from, lines, "private_key", DBF_RANK_BLOCK};
  if (lines == first) return false; /* only a name for such a thing */
  if (find_end(f, body, &begin, &end) && begin <= lines + 120 && !is_parted(f, body, begin)) span->to = end;
  return true;
}

/* An end whose beginning was cut off: the lines before it. */
bool dbf_place_find_key_end(dbf_find *f, size_t at, size_t after, dbf_span *span) {
  size_t end = end_of_label(f, after), begin = back_over_dashes(f, at), from = begin;
  if (end == SIZE_MAX || begin == at) return false;
  while (from > 1 && f->t.s[from - 1] == '\n' && begin - from < 65536) {
    size_t line = from - 1;
    while (line > 0 && !dbf_shape_is(&f->t, line - 1, DBF_NEWLINE | DBF_END)) line--;
    if (!is_key_line(f, line, from - 1)) break;
    from = line;
  }
  *span = (dbf_span){from, end, "private_key", DBF_RANK_BLOCK};
  return from < begin;
}

/* Private-Lines: 8, and so many lines. */
bool dbf_place_find_key_lines(dbf_find *f, size_t at, size_t after, dbf_span *span) {
  size_t from = dbf_find_line_end(f, after), to;
  (void)at;
  if (f->t.s[from] != '\n') return false;
  to = end_of_body(f, ++from);
  *span = (dbf_span){from, to, "private_key", DBF_RANK_BLOCK};
  return to > from;
}

/* ---- Commands ---------------------------------------------------------------------------------------------------- */

enum { LONGEST_COMMAND = 600 }; /* its lines may be many, each ended by a backslash */

typedef enum argument { VALUE, ATTACHED, PAIR, ATTACHED_PAIR } argument; /* -p x, -px, -u user:x, -uuser:x */

static const struct {
  const char *command, *flag;
  argument argument;
} commands[] = {
    {"curl", "-u", PAIR},          {"curl", "-u", ATTACHED_PAIR},   {"curl", "--user", PAIR},
    {"curl", "-U", PAIR},          {"curl", "--proxy-user", PAIR},  {"http", "-a", PAIR},
    {"https", "-a", PAIR},         {"sshpass", "-p", ATTACHED},     {"sshpass", "-p", VALUE},
    {"mysql", "-p", ATTACHED},     {"mysqldump", "-p", ATTACHED},   {"mysqladmin", "-p", ATTACHED},
    {"mariadb", "-p", ATTACHED},   {"mongo", "-p", VALUE},          {"mongosh", "-p", VALUE},
    {"mongodump", "-p", VALUE},    {"redis-cli", "-a", VALUE},      {"docker login", "-p", VALUE},
    {"podman login", "-p", VALUE}, {"registry login", "-p", VALUE}, {"az login", "-p", VALUE},
    {"ldapsearch", "-w", VALUE},   {"ldapadd", "-w", VALUE},        {"ldapmodify", "-w", VALUE},
    {"sqlcmd", "-P", VALUE},       {"unzip", "-P", VALUE},          {"zip", "-P", VALUE},
    {"7z", "-p", ATTACHED},        {"rabbitmqadmin", "-p", VALUE},  {"cqlsh", "-p", VALUE},
    {"smbclient", "-U", PAIR},     {"openssl", "-k", VALUE},        {NULL, NULL, 0}};
_Static_assert(sizeof commands / sizeof *commands <= DBF_FIND_COMMANDS, "one place for each in dbf_find");

/* The next word of a command line that is this flag, or begins with it: the end of the flag. */
static size_t find_flag(const dbf_find *f, size_t at, size_t stop, const char *flag, argument how) {
  size_t len = strlen(flag);
  bool attached = how == ATTACHED || how == ATTACHED_PAIR;
  for (; at + len < stop; at++) {
    if (dbf_find_plain(f, at) != ' ' && f->t.s[at] != '\n' && !dbf_find_is_quote(f, at)) continue;
    if (memcmp(f->t.s + at + 1, flag, len) != 0) continue;
    unsigned char next = dbf_find_plain(f, at + 1 + len);
    bool apart = next == ' ' || next == '=' || dbf_find_is_quote(f, at + 1 + len);
    if (attached ? dbf_shape_is(&f->t, at + 1 + len, DBF_RAW_VALUE) && next != '=' : apart)
      return at + 1 + len;
  }
  return SIZE_MAX;
}

/* In a command that is percent-encoded, its blanks and quotes are, too. */
static size_t end_of_encoded(const dbf_find *f, size_t at, size_t end) {
  while (at < end && dbf_find_plain(f, at) != ' ' && !dbf_find_is_quote(f, at)) at++;
  return at;
}

/* The argument that begins at `at`, after blanks and an opening quote. */
static bool take_argument(dbf_find *f, size_t at, argument how, dbf_span *span) {
  bool attached = how == ATTACHED || how == ATTACHED_PAIR;
  if (!attached && dbf_find_is_quote(f, at)) /* "-u", "user:password" */
    while (dbf_find_is_quote(f, at) || dbf_find_plain(f, at) == ',' || dbf_find_plain(f, at) == ' ') at++;
  if (!attached && dbf_find_plain(f, at) == '=') at++;
  at = attached ? at : dbf_find_skip_blanks(f, at);
  size_t end = dbf_shape_run(&f->t, at, DBF_RAW_VALUE);
  /* an attached flag has two characters */
  if (f->t.s[at - (attached ? 3 : 1)] == DBF_VIEW_BLANK) end = end_of_encoded(f, at, end);
  if (dbf_find_is_quote(f, at)) {
    end = dbf_find_closing(f, at, 0);
    if (end == SIZE_MAX) return false;
    at++;
  }
  *span = (dbf_span){at, end, "password", DBF_RANK_PLACE};
  if (how == VALUE || how == ATTACHED)
    return end > at + 2 && f->t.s[at] != '-' && f->t.s[at] != '(' && !memchr(f->t.s + at, '}', end - at) &&
           !is_weak_example(f, at, end);
  size_t colon = at;
  while (colon < end && dbf_find_plain(f, colon) != ':' && f->t.s[colon] != '%') colon++;
  if (colon == end) return false;
  span->from = colon + 1;
  return end > span->from && !is_weak_example(f, span->from, end);
}

/* Flags are looked for once between a command and the next one of its name, however many there are. */
bool dbf_place_find_command(dbf_find *f, size_t at, size_t after, dbf_span *span) {
  (void)after;
  if (at > 0 && dbf_shape_is(&f->t, at - 1, DBF_WORD)) return false;
  for (int i = 0; commands[i].command; i++) {
    size_t from = at + strlen(commands[i].command), flag = from;
    if (from < f->command_to[i] || !dbf_find_word(f, at, commands[i].command)) continue;
    size_t stop = f->t.len - from > LONGEST_COMMAND ? from + LONGEST_COMMAND : f->t.len;
    f->command_to[i] = stop;
    while ((flag = find_flag(f, flag, stop, commands[i].flag, commands[i].argument)) != SIZE_MAX) {
      if (!take_argument(f, flag, commands[i].argument, span)) continue;
      f->command_to[i] = span->to;
      return true;
    }
  }
  return false;
}

/* sqlplus scott/tiger@host, jdbc:oracle:thin:scott/tiger@//host. */
bool dbf_place_find_login(dbf_find *f, size_t at, size_t after, dbf_span *span) {
  size_t user = after, from, to;
  (void)at;
  while (user - after < 64 && dbf_shape_is(&f->t, user, DBF_NAME)) user++;
  if (user == after || dbf_find_plain(f, user) != '/') return false;
  from = to = user + 1;
  while (to - from < 128 && dbf_find_plain(f, to) != '@' && in_userinfo(f, to, false)) to++;
  *span = (dbf_span){from, to, "password", DBF_RANK_PLACE};
  return to > from && dbf_find_plain(f, to) == '@' && !is_weak_example(f, from, to);
}

/* Words whose argument is a password: in SQL after a user, in files of settings at the beginning of a line. */
bool dbf_place_find_argument(dbf_find *f, size_t at, size_t after, dbf_span *span) {
  bool is_sql = dbf_find_word(f, at, "identified");
  size_t from = dbf_find_skip_blanks(f, after), to = dbf_shape_run(&f->t, from, DBF_RAW_VALUE), user = at;
  while (user > 0 && at - user < 120 && f->t.s[user] != '\n' && !dbf_find_word(f, user, "user")) user--;
  if (is_sql ? !dbf_find_is_quote(f, from) || !dbf_find_word(f, user, "user")
             : at > 0 && dbf_shape_is(&f->t, at - 1, DBF_RAW_VALUE))
    return false;
  if (dbf_find_is_quote(f, from)) {
    to = dbf_find_closing(f, from++, 1);
    if (to == SIZE_MAX) return false;
  }
  *span = (dbf_span){from, to, "password", DBF_RANK_PLACE};
  return to > from + 3 && f->t.s[from] != '-' && !is_weak_example(f, from, to);
}

/* ---- Phrases ----------------------------------------------------------------------------------------------------- */

/* The words that a wallet is restored with: 12 to 24, each of 3 to 8 small letters; no sentence is made like that. */
bool dbf_place_find_phrase(dbf_find *f, size_t at, size_t after, dbf_span *span) {
  enum { LEAST_WORDS = 12, MOST_WORDS = 24 };
  size_t from = after, to = after, words = 0;
  (void)at;
  while (from - after < 24 && dbf_shape_is(&f->t, from, DBF_KEY | DBF_BLANK)) from++;
  if (dbf_find_is_quote(f, from)) from = dbf_find_skip_blanks(f, from + 1);
  if (dbf_find_plain(f, from) != ':' && dbf_find_plain(f, from) != '=') return false;
  from = dbf_find_skip_blanks(f, from + 1);
  if (dbf_find_is_quote(f, from)) from++;
  for (size_t end = from; words < MOST_WORDS; end++) {
    size_t word = end;
    while (end - word <= 8 && dbf_shape_is(&f->t, end, DBF_SMALL)) end++;
    if (end - word < 3 || end - word > 8) break;
    to = end;
    words++;
    if (dbf_find_plain(f, end) != ' ' && f->t.s[end] != '\n') break;
  }
  *span = (dbf_span){from, to, "seed_phrase", DBF_RANK_PLACE};
  return words >= LEAST_WORDS;
}
