package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/class"
)

// maxBodyBytes bounds a request's body. Nesting is bounded by it too: values
// are scanned without recursion and decoded into flat fields only.
const maxBodyBytes = 64 << 10

// The fields of the bodies, as in openapi.json.
func createFields() []string { return append([]string{"id"}, patchFields()...) }

func patchFields() []string {
	return []string{"title", "starts_at", "source", "ladder", "access", "dvr_window"}
}

func mintFields() []string { return []string{"expires_in"} }

const (
	dvrWindowRule = "must be 60 to 86400 seconds; null is the server's own choice"
	lifetimeRule  = "must be 60 to 604800 seconds"
)

// readCreate reads a CreateClass. Null means absent.
func readCreate(r *http.Request) (class.New, error) {
	o, err := readObject(r, createFields(), "application/json")
	if err != nil {
		return class.New{}, err
	}
	var n class.New
	var errs [7]error
	n.ID, _, errs[0] = o.text("id")
	n.Title, _, errs[1] = o.text("title")
	n.StartsAt, _, errs[2] = o.moment("starts_at")
	n.Source, _, errs[3] = o.secret("source")
	n.Ladder, _, errs[4] = o.texts("ladder")
	n.Access, _, errs[5] = o.access("access")
	n.DVRWindow, _, errs[6] = o.seconds("dvr_window", dvrWindowRule)
	if raw, ok := o["id"]; ok && n.ID == "" && !isNull(raw) && errs[0] == nil {
		errs[0] = invalidField("id", "must not be empty; leave it out to have one made")
	}
	return n, first(errs[:])
}

// readPatch reads a JSON Merge Patch (RFC 7396): what is absent stays, null
// clears.
func readPatch(r *http.Request) (class.Update, error) {
	o, err := readObject(r, patchFields(), "application/json", "application/merge-patch+json")
	if err != nil {
		return class.Update{}, err
	}
	var u class.Update
	title, hasTitle, err1 := o.text("title")
	startsAt, hasStart, err2 := o.moment("starts_at")
	source, hasSource, err3 := o.secret("source")
	ladder, hasLadder, err4 := o.texts("ladder")
	kind, hasAccess, err5 := o.access("access")
	window, hasWindow, err6 := o.seconds("dvr_window", dvrWindowRule)
	if hasTitle {
		u.Title = &title // a null title is an empty one, which the registry refuses
	}
	if hasStart {
		u.StartsAt = &startsAt
	}
	if hasSource {
		u.Source = &source
	}
	if hasLadder {
		u.Ladder = &ladder
	}
	if hasAccess {
		u.Access = &kind
	}
	if hasWindow {
		u.DVRWindow = &window
	}
	return u, first([]error{err1, err2, err3, err4, err5, err6})
}

// readMint reads a CreatePlaybackToken, which may be left out. A lifetime that
// is not given is 0.
func readMint(r *http.Request) (lifetime time.Duration, err error) {
	if r.ContentLength == 0 {
		return 0, nil
	}
	o, err := readObject(r, mintFields(), "application/json")
	if err != nil {
		return 0, err
	}
	lifetime, _, err = o.seconds("expires_in", lifetimeRule)
	if err == nil && lifetime != 0 && (lifetime < access.MinLifetime || lifetime > access.MaxLifetime) {
		err = invalidField("expires_in", lifetimeRule)
	}
	return lifetime, err
}

// readNothing reads the body of a request that has none to give.
func readNothing(r *http.Request) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	if b := bytes.TrimSpace(body); len(b) > 0 && string(b) != "{}" {
		return newError(CodeInvalidJSON, "body: must be empty")
	}
	return nil
}

func first(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// object is a JSON object whose values are not decoded yet.
type object map[string]json.RawMessage

// readObject reads a body that is one JSON object with no other than the known
// fields. It is stricter than encoding/json: names match by case, a name that
// comes twice and invalid UTF-8 are errors.
func readObject(r *http.Request, known []string, mediaTypes ...string) (object, error) {
	if err := checkMediaType(r.Header, mediaTypes); err != nil {
		return nil, err
	}
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(body) {
		return nil, newError(CodeInvalidJSON, "body: must be UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	broken := func() (object, error) {
		return nil, newError(CodeInvalidJSON, fmt.Sprintf("body: must be one JSON object; reading stopped at byte %d", dec.InputOffset()))
	}
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return broken()
	}
	o := object{}
	for dec.More() {
		t, err := dec.Token()
		name, isName := t.(string)
		if err != nil || !isName {
			return broken()
		}
		if !slices.Contains(known, name) {
			return nil, invalidField(shorten(name), "is not a known field; known are "+strings.Join(known, ", "))
		}
		if _, twice := o[name]; twice {
			return nil, invalidField(name, "is there twice")
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return broken()
		}
		o[name] = raw
	}
	if _, err := dec.Token(); err != nil {
		return broken()
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return broken()
	}
	return o, nil
}

func checkMediaType(header http.Header, accepted []string) error {
	media, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	charset := params["charset"]
	encoding := header.Get("Content-Encoding")
	if err != nil || !slices.Contains(accepted, media) || (charset != "" && !strings.EqualFold(charset, "utf-8")) || (encoding != "" && encoding != "identity") {
		return newError(CodeUnsupportedMediaType, "Content-Type must be "+strings.Join(accepted, " or ")+", in UTF-8 and not compressed")
	}
	return nil
}

func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, newError(CodeBodyTooLarge, "body: must be at most 64 KiB")
	case err != nil:
		return nil, newError(CodeInvalidJSON, "body: could not be read to its end")
	}
	return body, nil
}

// shorten keeps a name that the client made up from filling the answer.
func shorten(name string) string {
	const most = 40
	if len(name) <= most {
		return fmt.Sprintf("%q", name)
	}
	return fmt.Sprintf("%q…", strings.ToValidUTF8(name[:most], ""))
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

// text returns a field that is a string, and whether it is there. Null is
// there, and empty.
func (o object) text(name string) (s string, ok bool, err error) {
	raw, ok := o[name]
	if !ok || isNull(raw) {
		return "", ok, nil
	}
	if json.Unmarshal(raw, &s) != nil {
		return "", ok, invalidField(name, "must be a string")
	}
	return s, ok, nil
}

// texts returns a field that is a list of strings; null is nil.
func (o object) texts(name string) (list []string, ok bool, err error) {
	raw, ok := o[name]
	if !ok || isNull(raw) {
		return nil, ok, nil
	}
	// Pointers, because encoding/json takes a null in a list for an empty string.
	var items []*string
	if json.Unmarshal(raw, &items) != nil || slices.Contains(items, nil) {
		return nil, ok, invalidField(name, "must be a list of strings")
	}
	list = make([]string, len(items))
	for i, item := range items {
		list[i] = *item
	}
	return list, ok, nil
}

// moment returns a field that is a time; null is the zero one.
func (o object) moment(name string) (t time.Time, ok bool, err error) {
	s, ok, err := o.text(name)
	if !ok || err != nil || isNull(o[name]) {
		return time.Time{}, ok, err
	}
	if t, err = time.Parse(time.RFC3339, s); err != nil || t.IsZero() {
		return time.Time{}, ok, invalidField(name, "must be an RFC 3339 time such as 2026-09-01T09:00:00+02:00")
	}
	return t, ok, nil
}

// seconds returns a field that is a whole number of seconds, not 0; null is 0.
// rule is what it must be.
func (o object) seconds(name, rule string) (d time.Duration, ok bool, err error) {
	raw, ok := o[name]
	if !ok || isNull(raw) {
		return 0, ok, nil
	}
	const most = 1 << 30
	var n int64
	if json.Unmarshal(raw, &n) != nil || n < 1 || n > most {
		return 0, ok, invalidField(name, rule)
	}
	return time.Duration(n) * time.Second, ok, nil
}

// truth returns a field that is true or false; null is false. rule is what it must
// be.
func (o object) truth(name, rule string) (v bool, err error) {
	raw, ok := o[name]
	if ok && !isNull(raw) && json.Unmarshal(raw, &v) != nil {
		err = invalidField(name, rule)
	}
	return v, err
}

// percent returns a field that is a whole number from 0 to 300; null is 0. rule is
// what it must be.
func (o object) percent(name, rule string) (n int, err error) {
	raw, ok := o[name]
	if ok && !isNull(raw) && (json.Unmarshal(raw, &n) != nil || n < 0 || n > 300) {
		err = invalidField(name, rule)
	}
	return n, err
}

// access returns a field that is a kind of access; null is the empty one.
func (o object) access(name string) (class.Access, bool, error) {
	s, ok, err := o.text(name)
	if ok && err == nil && s == "" && !isNull(o[name]) {
		err = invalidField(name, "must be public or token")
	}
	return class.Access(s), ok, err
}

// secret returns a field that is a string with a credential in it; null is the
// empty one.
func (o object) secret(name string) (class.Secret, bool, error) {
	s, ok, err := o.text(name)
	if ok && err == nil && s == "" && !isNull(o[name]) {
		err = invalidField(name, "must not be empty; null is no value")
	}
	return class.NewSecret(s), ok, err
}
