package api

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/lectern/lectern/realtime/class"
)

// EnsureToken returns the token in the file at path. If there is no such file it
// makes a token of 256 random bits and writes it there, readable by the owner
// only; created tells. A file that others can read is an error.
func EnsureToken(path string) (token class.Secret, created bool, err error) {
	token, err = ReadToken(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return token, false, err
	}
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	value := hex.EncodeToString(b)

	// Written aside and linked, so that a crash leaves no half token, and of two
	// processes that start at once both use the first one's.
	f, err := os.CreateTemp(filepath.Dir(path), ".api-token-*") // mode 0600
	if err != nil {
		return class.Secret{}, false, fmt.Errorf("create api token: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(value + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return class.Secret{}, false, fmt.Errorf("create api token: %w", err)
	}
	if err = os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
		token, err = ReadToken(path)
		return token, false, err
	}
	if err != nil {
		return class.Secret{}, false, fmt.Errorf("create api token: %w", err)
	}
	return class.NewSecret(value), true, nil
}

// ReadToken returns the token in the first line of the file at path. A file that
// others can read is an error, and so is a token that is too short.
func ReadToken(path string) (class.Secret, error) {
	info, err := os.Stat(path)
	if err != nil {
		return class.Secret{}, fmt.Errorf("read api token: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return class.Secret{}, fmt.Errorf("api token %s can be read by others (mode %s): chmod 600 it", path, info.Mode().Perm())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return class.Secret{}, fmt.Errorf("read api token: %w", err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	token := class.NewSecret(strings.TrimSpace(line))
	if err := checkToken(token); err != nil {
		return class.Secret{}, fmt.Errorf("%s: %w", path, err)
	}
	return token, nil
}
