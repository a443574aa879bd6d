"""libdebrief by ctypes: append runs, ask for reports and tables, follow a log. Copy this file into your program.

    import debrief
    with debrief.Host("sessions", time_limit_ms=10000) as host:
        host.append("login", {"skill": "review", "final_status": "ok"})
        print(host.retro("pass_rate", since="30d"))
        rows = host.table(by="skill", show="runs, passed", format="json")
        for session, line, entry in host.entries(where="duration_ms and duration_ms > 60000"): ...

A query is given by keywords: sessions, since, until, where, enrich, filter (texts); options, allow, skill, phase, model,
project, outcome, grep (lists of texts); strict, line, last. A host belongs to one thread at a time.
"""
import ctypes
import json
from ctypes import POINTER, c_bool, c_char, c_char_p, c_int, c_size_t, c_uint, c_uint64, c_void_p

_lib = ctypes.CDLL("libdebrief.so.0")


class Error(Exception):
    """What a function of debrief refused, with the number of its debrief_code."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


# The structs of debrief.h. Members that the library adds later follow these, and count as not given.


class _Error(ctypes.Structure):
    _fields_ = [("code", c_int), ("line", c_uint64), ("offset", c_uint64), ("message", c_char * 496)]


class _Text(ctypes.Structure):
    _fields_ = [("data", c_void_p), ("len", c_size_t)]


class _Config(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("dir", c_char_p), ("log", c_void_p), ("plugin_path", c_char_p),
                ("workers", c_uint), ("source_dir", c_char_p), ("on_log", c_void_p), ("on_print", c_void_p),
                ("user", c_void_p), ("console", c_void_p), ("plugin_memory", c_size_t), ("allocate", c_void_p),
                ("allocate_user", c_void_p), ("signal", c_int), ("isolate_program", c_char_p),
                ("plugin_time_ms", c_uint), ("time_limit_ms", c_uint)]


class _Query(ctypes.Structure):
    _fields_ = ([("struct_size", c_size_t)]
                + [(name, c_char_p) for name in ("sessions", "since", "until", "where", "enrich", "filter")]
                + [("options", POINTER(c_char_p)), ("allow", POINTER(c_char_p)), ("strict", c_bool),
                   ("on_diagnostic", c_void_p), ("on_problem", c_void_p), ("user", c_void_p), ("line", c_uint64),
                   ("last", c_uint64)]
                + [(name, POINTER(c_char_p)) for name in ("skill", "phase", "model", "project", "outcome", "grep")])


class _Format(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("name", c_char_p), ("columns", c_uint), ("color", c_bool)]


class _Found(ctypes.Structure):
    _fields_ = [("json", _Text), ("session", c_char_p), ("line", c_uint64)]


def _declare(name, result, *arguments):
    function = getattr(_lib, name)
    function.restype, function.argtypes = result, arguments
    return function


_err = POINTER(_Error)
_open = _declare("debrief_open", c_void_p, POINTER(_Config), _err)
_close = _declare("debrief_close", None, c_void_p)
_append = _declare("debrief_append_json", c_bool, c_void_p, c_char_p, c_char_p, c_size_t, POINTER(_Query), _err)
_retro = _declare("debrief_retro_text", c_bool, c_void_p, c_char_p, POINTER(_Query), POINTER(_Format), POINTER(_Text),
                  _err)
_table = _declare("debrief_table_text", c_bool, c_void_p, POINTER(c_char_p), POINTER(_Query), POINTER(_Format),
                  POINTER(_Text), _err)
_eval = _declare("debrief_eval", c_bool, c_void_p, _Text, POINTER(_Text), _err)
_entries = _declare("debrief_query_entries", c_void_p, c_void_p, POINTER(_Query), _err)
_follow = _declare("debrief_query_follow", c_void_p, c_void_p, POINTER(_Query), c_bool, _err)
_next = _declare("debrief_entries_next", c_int, c_void_p, POINTER(_Found), _err)
_fd = _declare("debrief_entries_fd", c_int, c_void_p)
_entries_close = _declare("debrief_entries_close", None, c_void_p)


def _checked(result, err):
    if not result:
        raise Error(err.code, err.message.decode())
    return result


def _list(texts):
    return (c_char_p * (len(texts) + 1))(*[text.encode() for text in texts], None)


def _string(text):
    return ctypes.string_at(text.data, text.len).decode()


def _query(given):
    query = _Query(struct_size=ctypes.sizeof(_Query))
    for name, value in given.items():
        if name not in (field[0] for field in _Query._fields_):
            raise TypeError(f"a query has no '{name}'")
        if isinstance(value, str):
            value = value.encode()
        elif isinstance(value, (list, tuple)):
            value = _list(value)
        setattr(query, name, value)
    return query


class Entries:
    """Entries as (session, line, dict). One that follows ends when nothing more has come: wait for fileno() to become
    readable (select, selectors, asyncio's add_reader), then iterate again."""

    def __init__(self, handle):
        self._handle = handle

    def __iter__(self):
        return self

    def __next__(self):
        found, err = _Found(), _Error()
        found_one = _next(self._handle, found, err)
        if found_one < 0:
            raise Error(err.code, err.message.decode())
        if found_one == 0:
            raise StopIteration
        return found.session.decode(), found.line, json.loads(_string(found.json))

    def fileno(self):
        return _fd(self._handle)

    def close(self):
        _entries_close(self._handle)
        self._handle = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Host:
    """A log, and what can be asked of it."""

    def __init__(self, folder="sessions", plugin_path=None, time_limit_ms=0):
        err = _Error()
        config = _Config(struct_size=ctypes.sizeof(_Config), dir=folder.encode(), time_limit_ms=time_limit_ms,
                         plugin_path=plugin_path.encode() if plugin_path else None)
        self._handle = _checked(_open(config, err), err)

    def append(self, session, entry, **through):
        """Append an entry, a dict; with enrich="redact" and the like through plugins."""
        text, err = json.dumps(entry).encode(), _Error()
        _checked(_append(self._handle, session.encode(), text, len(text), _query(through), err), err)

    def _report(self, function, what, name, query):
        text, err = _Text(), _Error()
        form = _Format(struct_size=ctypes.sizeof(_Format), name=name.encode())
        _checked(function(self._handle, what, _query(query), form, text, err), err)
        return json.loads(_string(text)) if name == "json" else _string(text)

    def retro(self, plugins, format="text", **query):
        """The reports of plugins: text, or with "json" what that holds."""
        return self._report(_retro, plugins.encode(), format, query)

    def table(self, format="text", query=None, **shown):
        """A table: by=, show=, across=, each=, sort=, limit= and the like, and a query as a dict."""
        return self._report(_table, _list([f"{key}={value}" for key, value in shown.items()]), format, query or {})

    def eval(self, code):
        """The value of a Lua expression, or what statements return."""
        data, text, err = code.encode(), _Text(), _Error()
        given = _Text(ctypes.cast(c_char_p(data), c_void_p), len(data))
        _checked(_eval(self._handle, given, text, err), err)
        return json.loads(_string(text))

    def entries(self, **query):
        err = _Error()
        return Entries(_checked(_entries(self._handle, _query(query), err), err))

    def follow(self, from_start=False, **query):
        err = _Error()
        return Entries(_checked(_follow(self._handle, _query(query), from_start, err), err))

    def close(self):
        _close(self._handle)
        self._handle = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
