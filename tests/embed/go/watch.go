// watch.go: libdebrief by cgo: append runs, ask for a table, follow what fails, and end a script that takes too long.
//
//	GO111MODULE=off go build watch.go
//	./watch sessions
//
// A goroutine keeps its thread while a call of C runs, so a host may be used by one goroutine, or by several behind a
// mutex. Signals belong to Go's runtime: config.time_limit_ms works without one.
package main

/*
#cgo pkg-config: debrief
#include <debrief/debrief.h>
#include <poll.h>
#include <stdlib.h>

// A struct of C has its size in C.
static debrief *open_host(const char *dir, unsigned time_limit_ms, debrief_error *err) {
  debrief_config config = {.struct_size = sizeof config, .dir = dir, .time_limit_ms = time_limit_ms};
  return debrief_open(&config, err);
}

static debrief_entries *follow_where(debrief *host, const char *where, debrief_error *err) {
  debrief_query query = {.struct_size = sizeof query, .where = where};
  return debrief_query_follow(host, &query, false, err);
}

static bool table(debrief *host, const char *by, const char *show, const char *format, debrief_text *text,
                  debrief_error *err) {
  const char *const shown[] = {by, show, NULL};
  debrief_format form = {.struct_size = sizeof form, .name = format};
  return debrief_table_text(host, shown, NULL, &form, text, err);
}

static bool is_readable(debrief_entries *entries, int ms) {
  struct pollfd item = {.fd = debrief_entries_fd(entries), .events = POLLIN};
  return poll(&item, 1, ms) == 1;
}
*/
import "C"

import (
	"encoding/json"
	"fmt"
	"os"
	"unsafe"
)

// Failure is what a function of debrief refused.
type Failure struct {
	Code    int
	Message string
}

func (f *Failure) Error() string { return f.Message }

func failure(err *C.debrief_error) error {
	return &Failure{int(err.code), C.GoString(&err.message[0])}
}

func text(t C.debrief_text) []byte { return C.GoBytes(unsafe.Pointer(t.data), C.int(t.len)) }

// Host is a log, and what can be asked of it.
type Host struct{ handle *C.debrief }

// Open opens the log in a folder; no call takes longer than limitMs, 0: as long as it likes.
func Open(folder string, limitMs uint) (*Host, error) {
	var err C.debrief_error
	dir := C.CString(folder)
	defer C.free(unsafe.Pointer(dir))
	handle := C.open_host(dir, C.uint(limitMs), &err)
	if handle == nil {
		return nil, failure(&err)
	}
	return &Host{handle}, nil
}

// Close closes it.
func (h *Host) Close() { C.debrief_close(h.handle) }

// Append appends an entry, whatever becomes a JSON object.
func (h *Host) Append(session string, entry any) error {
	var err C.debrief_error
	data, wrong := json.Marshal(entry)
	if wrong != nil {
		return wrong
	}
	id, body := C.CString(session), C.CBytes(data)
	defer C.free(unsafe.Pointer(id))
	defer C.free(body)
	if !C.debrief_append_json(h.handle, id, (*C.char)(body), C.size_t(len(data)), nil, &err) {
		return failure(&err)
	}
	return nil
}

// Table returns a table of measures as a text in a format of debrief.
func (h *Host) Table(by, show, format string) ([]byte, error) {
	var err C.debrief_error
	var out C.debrief_text
	words := []*C.char{C.CString("by=" + by), C.CString("show=" + show), C.CString(format)}
	for _, word := range words {
		defer C.free(unsafe.Pointer(word))
	}
	if !C.table(h.handle, words[0], words[1], words[2], &out, &err) {
		return nil, failure(&err)
	}
	return text(out), nil // a copy: out is the host's
}

// Eval returns the value of a Lua expression as JSON.
func (h *Host) Eval(code string) ([]byte, error) {
	var err C.debrief_error
	var out C.debrief_text
	data := C.CString(code)
	defer C.free(unsafe.Pointer(data))
	if !C.debrief_eval(h.handle, C.debrief_text{data: data, len: C.size_t(len(code))}, &out, &err) {
		return nil, failure(&err)
	}
	return text(out), nil
}

// Follow calls each with the entries that hold the expression, from now on, until it returns false.
func (h *Host) Follow(where string, ready func(), each func(session string, line uint64, entry []byte) bool) error {
	var err C.debrief_error
	var found C.debrief_found
	expression := C.CString(where)
	defer C.free(unsafe.Pointer(expression))
	entries := C.follow_where(h.handle, expression, &err)
	if entries == nil {
		return failure(&err)
	}
	defer C.debrief_entries_close(entries)
	ready()
	for {
		switch C.debrief_entries_next(entries, &found, &err) {
		case C.DEBRIEF_NEXT_ENTRY:
			if !each(C.GoString(found.session), uint64(found.line), text(found.json)) {
				return nil
			}
		case C.DEBRIEF_NEXT_END:
			C.is_readable(entries, 1000)
		default:
			return failure(&err)
		}
	}
}

func run(folder string) error {
	host, err := Open(folder, 0)
	if err != nil {
		return err
	}
	defer host.Close()
	scripts, err := Open(folder, 200) // for scripts that users write
	if err != nil {
		return err
	}
	defer scripts.Close()
	for i, status := range []string{"ok", "error", "ok"} {
		entry := map[string]any{"skill": "review", "final_status": status, "input": map[string]int{"ticket": 40 + i}}
		if err := host.Append("go", entry); err != nil {
			return err
		}
	}
	table, err := host.Table("skill", "runs,passed", "csv")
	if err != nil {
		return err
	}
	fmt.Print(string(table))
	_, err = scripts.Eval("(function() while true do end end)()")
	fmt.Println(err)
	add := func() { err = host.Append("go", map[string]any{"skill": "deploy", "final_status": "error"}) }
	wrong := host.Follow("outcome == 'fail'", add, func(session string, line uint64, entry []byte) bool {
		fmt.Printf("%s:%d %s\n", session, line, entry)
		return false
	})
	if wrong != nil {
		return wrong
	}
	return err
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: watch FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "watch:", err)
		os.Exit(1)
	}
}
