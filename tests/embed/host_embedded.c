/* The built-in sources: bytecode where the Lua that runs is the one that made it, and their text in any other. */
#include "../unit/temp_folder.h"
#include "lua/embedded.h"
#include "lua/lz4_block.h"

#include <lauxlib.h>
#include <string.h>

static const char text[] = "\xf0\x05return 'text', (...)"; /* packed: 20 literals */
static const dbf_embedded_block block = {text, sizeof text - 1, sizeof text - 3};
static lua_State *L;
static char code[4096];
static dbf_embedded_file file;

static int append(lua_State *state, const void *piece, size_t len, void *user) {
  (void)state, (void)user;
  assert_true(file.code_len + len <= sizeof code);
  memcpy(code + file.code_len, piece, len);
  file.code_len += len;
  return 0;
}

/* A file whose code says something else than its text, so that one sees which was loaded. */
static int set_up(void **state) {
  (void)state;
  L = luaL_newstate();
  file = (dbf_embedded_file){.path = "lua/made_up.lua", .block = &block, .len = block.len, .code = code};
  static const char compiled[] = "local function f() local t; return t.x end\nreturn 'code', f";
  assert_int_equal(luaL_loadbuffer(L, compiled, sizeof compiled - 1, "@lua/made_up.lua"), LUA_OK);
  assert_int_equal(lua_dump(L, append, NULL, 0), 0);
  lua_settop(L, 0);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  lua_close(L);
  return 0;
}

static void assert_loads(const char *release, const char *what) {
  assert_int_equal(dbf_embedded_load(L, &file, release), LUA_OK);
  assert_int_equal(lua_gettop(L), 1);
  lua_call(L, 0, 2);
  assert_string_equal(lua_tostring(L, 1), what);
}

static void this_lua_loads_its_own_code(void **state) {
  (void)state;
  assert_loads(dbf_embedded_release, "code");
  assert_int_equal(lua_pcall(L, 0, 0, 0), LUA_ERRRUN); /* places and names are kept */
  assert_string_equal(lua_tostring(L, -1), "lua/made_up.lua:1: attempt to index a nil value (local 't')");
}

static void code_of_another_release_is_left_alone(void **state) {
  (void)state;
  static const char *const others[] = {"Lua 5.4.0  Copyright (C) 1994-2020 Lua.org, PUC-Rio", "Lua 5.4", ""};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    assert_loads(others[i], "text");
    lua_settop(L, 0);
  }
}

/* ESC "Lua" 0x54 0 LUAC_DATA(6) sizeof(Instruction) sizeof(lua_Integer) sizeof(lua_Number) LUAC_INT LUAC_NUM */
static void code_for_another_machine_is_left_alone(void **state) {
  (void)state;
  enum { SIZES = 12, INTEGER = 15, INTEGER_END = INTEGER + sizeof(lua_Integer) };
  for (size_t i = SIZES; i < INTEGER; i++) {
    code[i] ^= 12; /* 4 bytes and 8 change places */
    assert_loads(dbf_embedded_release, "text");
    code[i] ^= 12;
    lua_settop(L, 0);
  }
  for (size_t i = INTEGER, j = INTEGER_END - 1; i < j; i++, j--) { /* the other byte order */
    char c = code[i];
    code[i] = code[j];
    code[j] = c;
  }
  assert_loads(dbf_embedded_release, "text");
}

static void code_that_is_cut_is_left_alone(void **state) {
  (void)state;
  file.code_len = 40;
  assert_loads(dbf_embedded_release, "text");
}

static void a_file_without_code_has_its_text(void **state) {
  (void)state;
  file.code = NULL;
  assert_loads(dbf_embedded_release, "text");
}

static void every_module_exists_in_both_forms(void **state) {
  (void)state;
  assert_true(dbf_embedded_count > 50);
  for (size_t i = 0; i < dbf_embedded_count; i++) {
    const dbf_embedded_file *f = &dbf_embedded_files[i];
    assert_ptr_equal(dbf_embedded_find(f->path), f);
    if (!f->code && !f->packed_code) continue;
    dbf_embedded_push_code(L, f);
    assert_int_equal(luaL_loadbufferx(L, lua_tostring(L, -1), lua_rawlen(L, -1), f->path, "b"), LUA_OK);
    assert_int_equal(dbf_embedded_load(L, f, dbf_embedded_release), LUA_OK);
    dbf_embedded_push_text(L, f);
    assert_int_equal(lua_rawlen(L, -1), f->len);
    assert_int_equal(luaL_loadbufferx(L, lua_tostring(L, -1), f->len, f->path, "t"), LUA_OK);
    lua_settop(L, 0);
  }
  assert_null(dbf_embedded_find("lua/debrief/nothing.lua"));
  assert_null(dbf_embedded_find(""));
}

/* What is unpacked goes into exactly its room, whatever the bytes are. */
static void a_damaged_block_is_refused_or_fills_its_room(void **state) {
  (void)state;
  static const char packed[] = "\x4f"
                               "abcd\x04\x00\x05"
                               "\x50"
                               "vwxyz";
  char out[33], copy[sizeof packed], expected[] = "abcdabcdabcdabcdabcdabcdabcdvwxyz";
  assert_true(dbf_lz4_block_unpack(packed, sizeof packed - 1, out, 33));
  assert_memory_equal(out, expected, 33);
  for (size_t size = 0; size < 33; size++) {
    char *room = malloc(size + 1);
    assert_false(dbf_lz4_block_unpack(packed, sizeof packed - 1, room, size));
    free(room);
  }
  for (size_t len = 0; len < sizeof packed - 1; len++)
    assert_false(dbf_lz4_block_unpack(packed, len, out, 33));
  for (size_t bit = 0; bit < 8 * (sizeof packed - 1); bit++) {
    memcpy(copy, packed, sizeof packed);
    copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
    char *room = malloc(33);
    dbf_lz4_block_unpack(copy, sizeof packed - 1, room, 33);
    free(room);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(this_lua_loads_its_own_code, set_up, tear_down),
      cmocka_unit_test_setup_teardown(code_of_another_release_is_left_alone, set_up, tear_down),
      cmocka_unit_test_setup_teardown(code_for_another_machine_is_left_alone, set_up, tear_down),
      cmocka_unit_test_setup_teardown(code_that_is_cut_is_left_alone, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_file_without_code_has_its_text, set_up, tear_down),
      cmocka_unit_test_setup_teardown(every_module_exists_in_both_forms, set_up, tear_down),
      cmocka_unit_test(a_damaged_block_is_refused_or_fills_its_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
