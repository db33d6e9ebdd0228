package api

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/class"
)

// Attendances knows who was in the rooms of classes. Its method may be called from any
// goroutine.
type Attendances interface {
	// Attendance returns all who were in the room of a class, which must exist, but
	// observers and programs. What it returns is the caller's.
	Attendance(ctx context.Context, classID string) ([]Attendee, error)
}

// Attendance is who was in the room of a class.
type Attendance struct {
	Class string      `json:"class"`
	State class.State `json:"state"`
	AsOf  time.Time   `json:"as_of"`

	Participants []Attendee `json:"participants"` // by Participant
}

// Attendee is somebody who was in the room.
type Attendee struct {
	Participant string `json:"participant"`

	// ExternalID is the id that the school knows the person by, nil for somebody who
	// came without one. It is Participant.
	ExternalID *string `json:"external_id"`

	Name    string        `json:"name"` // the last one; empty if they gave none
	Role    realtime.Role `json:"role"`
	Present bool          `json:"present"` // is in the room now

	First   time.Time `json:"first"`
	Last    time.Time `json:"last"` // of who is present: half a minute ago at most
	Seconds int64     `json:"seconds"`

	// PlayingSeconds is how long the video played, as the person's pages say.
	PlayingSeconds int64 `json:"playing_seconds"`

	Intervals []Interval `json:"intervals"` // in order; the last one of who is present goes on
}

// Interval is a time that somebody was in the room.
type Interval struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

const formatRule = "must be json or csv"

func (h *Handler) attendance(r *http.Request, id string) (response, error) {
	asCSV, err := wantsCSV(r)
	if err != nil {
		return response{}, err
	}
	c, err := h.deps.Classes.Get(r.Context(), id)
	switch {
	case err != nil:
		return response{}, err
	case h.deps.Attendances == nil:
		return response{}, newError(CodeNotFound, "this server has no rooms")
	}
	out := Attendance{Class: id, State: c.State, AsOf: h.deps.Now().UTC()}
	if out.Participants, err = h.deps.Attendances.Attendance(r.Context(), id); err != nil {
		return response{}, err
	}
	if out.Participants == nil {
		out.Participants = []Attendee{}
	}
	for i := range out.Participants {
		out.Participants[i].sum()
	}
	if !asCSV {
		return response{status: http.StatusOK, body: out}, nil
	}
	table, err := attendanceTable(out.Participants)
	if err != nil {
		return response{}, err
	}
	return response{
		status: http.StatusOK, body: json.RawMessage(table),
		contentType: "text/csv; charset=utf-8; header=present", file: "attendance-" + id + ".csv",
	}, nil
}

// sum fills in what follows from the intervals.
func (a *Attendee) sum() {
	var total time.Duration
	for _, v := range a.Intervals {
		total += v.To.Sub(v.From)
	}
	a.Seconds = int64(total / time.Second)
	if n := len(a.Intervals); n > 0 {
		a.First, a.Last = a.Intervals[0].From, a.Intervals[n-1].To
	}
}

// wantsCSV reports whether the client asks for a table: by the query, or by an Accept
// that has nothing of JSON.
func wantsCSV(r *http.Request) (bool, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return false, invalidField("query", "is not well formed")
	}
	switch query.Get("format") {
	case "csv":
		return true, nil
	case "json":
		return false, nil
	case "":
	default:
		return false, invalidField("format", formatRule)
	}
	table := false
	for _, line := range r.Header.Values("Accept") {
		for one := range strings.SplitSeq(line, ",") {
			kind, params, err := mime.ParseMediaType(one)
			if err != nil || strings.Trim(params["q"], "0.") == "" && params["q"] != "" {
				continue
			}
			switch kind {
			case "application/json":
				return false, nil
			case "text/csv":
				table = true
			}
		}
	}
	return table, nil
}

// attendanceTable is CSV (RFC 4180) in UTF-8, one row for a person. Times are ISO
// 8601 in UTC, and intervals are as in its section 4.4: from/to.
func attendanceTable(all []Attendee) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	rows := [][]string{{"participant", "external_id", "name", "role", "present", "first", "last", "seconds", "playing_seconds", "intervals"}}
	at := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }
	for _, a := range all {
		external := ""
		if a.ExternalID != nil {
			external = *a.ExternalID
		}
		intervals := make([]string, len(a.Intervals))
		for i, v := range a.Intervals {
			intervals[i] = at(v.From) + "/" + at(v.To)
		}
		rows = append(rows, []string{
			harmless(a.Participant), harmless(external), harmless(a.Name), string(a.Role), strconv.FormatBool(a.Present), at(a.First), at(a.Last),
			strconv.FormatInt(a.Seconds, 10), strconv.FormatInt(a.PlayingSeconds, 10), strings.Join(intervals, " "),
		})
	}
	if err := w.WriteAll(rows); err != nil {
		return nil, fmt.Errorf("write attendance: %w", err)
	}
	return b.Bytes(), nil
}

// harmless keeps spreadsheets from taking what a person calls themselves for a
// formula: it puts ' before what they begin with, blanks aside.
func harmless(s string) string {
	if t := strings.TrimLeft(s, " \u00a0\u3000"); t != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(t)[0]) {
		return "'" + s
	}
	return s
}
