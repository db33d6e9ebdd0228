package api_test

import (
	"context"
	"encoding/csv"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/class"
)

const attendancePath = "/api/v1/classes/algebra/attendance"

// register is who was in the room of every class: two, one of whom came back.
type register struct{}

func (register) Attendance(context.Context, string) ([]api.Attendee, error) {
	at := func(minute int) time.Time { return time.Date(2026, 11, 23, 9, minute, 0, 250_000_000, time.UTC) }
	id := "4711"
	return []api.Attendee{
		{Participant: id, ExternalID: &id, Name: `=HYPERLINK("http://evil","x")`, Role: realtime.RoleParticipant, Present: true, PlayingSeconds: 59, Intervals: []api.Interval{{at(0), at(10)}, {at(20), at(25)}}},
		{Participant: "p_abcdefghijklmnop", Name: "Zoë, “the” one", Role: realtime.RoleHost, Intervals: []api.Interval{{at(1), at(2)}}},
	}, nil
}

func TestAttendance(t *testing.T) {
	s := withClass(t, class.AccessPublic)
	got := decode[api.Attendance](t, s.request(t, http.MethodGet, attendancePath, ""), http.StatusOK)
	if got.Class != "algebra" || got.State != class.Scheduled || got.AsOf.IsZero() || len(got.Participants) != 2 {
		t.Fatalf("attendance is %+v", got)
	}
	first := got.Participants[0]
	if first.Seconds != 900 || first.First.Minute() != 0 || first.Last.Minute() != 25 || *first.ExternalID != "4711" || got.Participants[1].ExternalID != nil {
		t.Errorf("the first is %+v", first)
	}
	decode[failure](t, s.request(t, http.MethodGet, "/api/v1/classes/none/attendance", ""), http.StatusNotFound)
	decode[failure](t, s.request(t, http.MethodGet, attendancePath+"?format=xlsx", ""), http.StatusBadRequest)
	decode[failure](t, s.request(t, http.MethodGet, attendancePath, "", "Authorization", "-"), http.StatusUnauthorized)
}

func TestAttendanceTable(t *testing.T) {
	s := withClass(t, class.AccessPublic)
	for _, tc := range []struct {
		query, accept string
		table         bool
	}{
		{"", "", false},
		{"?format=csv", "application/json", true},
		{"?format=json", "text/csv", false},
		{"", "text/csv", true},
		{"", "text/html, text/csv;q=0.9, */*;q=0.1", true},
		{"", "text/csv, application/json", false},
		{"", "text/csv;q=0.0", false},
		{"", ";;;", false},
	} {
		resp := s.request(t, http.MethodGet, attendancePath+tc.query, "", "Accept", tc.accept)
		kind := resp.Header.Get("Content-Type")
		body := read(t, resp)
		if resp.StatusCode != 200 || strings.HasPrefix(kind, "text/csv; charset=utf-8") != tc.table || (resp.Header.Get("Content-Disposition") == `attachment; filename="attendance-algebra.csv"`) != tc.table {
			t.Errorf("%+v: %d %s", tc, resp.StatusCode, kind)
		}
		if !tc.table {
			continue
		}
		rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
		if err != nil || len(rows) != 3 || strings.Count(body, "\r\n") != 3 {
			t.Fatalf("table is %q, %v", body, err)
		}
		want := `4711 | 4711 | '=HYPERLINK("http://evil","x") | participant | true | 2026-11-23T09:00:00.250Z | 2026-11-23T09:25:00.250Z | 900 | 59 | ` +
			`2026-11-23T09:00:00.250Z/2026-11-23T09:10:00.250Z 2026-11-23T09:20:00.250Z/2026-11-23T09:25:00.250Z`
		if row := strings.Join(rows[1], " | "); row != want {
			t.Errorf("row is\n%s, not\n%s", row, want)
		}
		if row := rows[2]; row[1] != "" || row[2] != "Zoë, “the” one" || row[4] != "false" {
			t.Errorf("row is %q", row)
		}
	}
}
