# find_package(debrief): targets debrief::log (no Lua) and debrief::debrief. They are the shared libraries, or the
# static ones when debrief_USE_STATIC_LIBS is set before. Paths are relative to this file: the tree may be moved.
include(CMakeFindDependencyMacro)

get_filename_component(_debrief_libdir "${CMAKE_CURRENT_LIST_DIR}/../.." REALPATH)
get_filename_component(_debrief_include "${_debrief_libdir}/@LIBDIR_TO_PREFIX@/include" ABSOLUTE)

if(debrief_USE_STATIC_LIBS)
  set(_debrief_kind STATIC)
  set(_debrief_suffix .a)
  find_dependency(Threads)
  find_dependency(PkgConfig)
  pkg_check_modules(debrief_LUA REQUIRED IMPORTED_TARGET lua5.4-cjson lua5.4)
else()
  set(_debrief_kind SHARED)
  set(_debrief_suffix .so.@SOVERSION@)
endif()

function(_debrief_add target name)
  if(NOT TARGET ${target})
    add_library(${target} ${_debrief_kind} IMPORTED)
    set_target_properties(${target} PROPERTIES
      IMPORTED_LOCATION "${_debrief_libdir}/lib${name}${_debrief_suffix}"
      IMPORTED_SONAME "lib${name}${_debrief_suffix}"
      IMPORTED_LINK_INTERFACE_LANGUAGES C
      INTERFACE_INCLUDE_DIRECTORIES "${_debrief_include}"
      INTERFACE_LINK_LIBRARIES "${ARGN}")
  endif()
endfunction()

if(debrief_USE_STATIC_LIBS)
  _debrief_add(debrief::log debrief-log Threads::Threads)
  _debrief_add(debrief::debrief debrief debrief::log PkgConfig::debrief_LUA m)
else()
  _debrief_add(debrief::log debrief-log)
  _debrief_add(debrief::debrief debrief)
endif()

set(debrief_FOUND TRUE)
