package api

import (
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// What the operator can do something about is said, without the path.
func TestFullDiskIsNamed(t *testing.T) {
	e := toError(fmt.Errorf("store class x: %w", &fs.PathError{Op: "write", Path: "/srv/secret/lectern.db", Err: syscall.ENOSPC}))
	if e.Status != http.StatusInsufficientStorage || e.Code != CodeStorageFull || !strings.Contains(e.Message, "disk is full") || strings.Contains(e.Message, "secret") {
		t.Errorf("error = %+v", e)
	}
}
