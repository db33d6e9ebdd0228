package class

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/lectern/lectern/storage/kv"
)

// SwapDB makes the registry write to db from now on, to test what happens when
// a database refuses.
func (r *Registry) SwapDB(db *kv.DB) *kv.DB {
	r.changes.Lock()
	defer r.changes.Unlock()
	old := r.db
	r.db = db
	return old
}

// Every field of a Class must survive the database, secrets included.
func TestRecordKeepsEveryField(t *testing.T) {
	var c Class
	v := reflect.ValueOf(&c).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i).Addr().Interface().(type) {
		case *string:
			*f = "text"
		case *bool:
			*f = true
		case *State:
			*f = Interrupted
		case *time.Time:
			*f = time.Date(2026, 11, 22, 9, i, 0, 0, time.UTC)
		case *time.Duration:
			*f = time.Duration(i) * time.Second
		case *[]string:
			*f = []string{"source", "audio"}
		case *Access:
			*f = AccessToken
		case *Secret:
			*f = NewSecret("secret")
		default:
			t.Fatalf("field %s: teach this test its type", v.Type().Field(i).Name)
		}
	}
	db, err := kv.Open(t.TempDir()+"/x.db", kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	s := newStore()
	if err = db.Update(func(tx *kv.Tx) error { return s.put(tx, Class{}, c) }); err != nil {
		t.Fatal(err)
	}
	var got Class
	if err = db.View(func(tx *kv.Tx) (err error) { got, err = s.get(tx, c.ID); return err }); err != nil {
		t.Fatal(err)
	}
	if !got.Equal(c) {
		t.Errorf("got %+v, want %+v", got, c)
	}
	for i := range v.NumField() {
		changed := c
		reflect.ValueOf(&changed).Elem().Field(i).SetZero()
		if changed.Equal(c) {
			t.Errorf("Equal does not look at %s", v.Type().Field(i).Name)
		}
	}
}

// The database holds classes from before there were ladders and access.
func TestOldRecordIsReadable(t *testing.T) {
	const old = `{"id":"maths","title":"Analysis","state":"scheduled","created_at":"2026-11-22T09:00:00Z","stream_key":"abc"}`
	var r record
	if err := json.Unmarshal([]byte(old), &r); err != nil {
		t.Fatal(err)
	}
	if c := r.class(); c.ID != "maths" || c.State != Scheduled || c.Ladder != nil || c.Access != AccessPublic || c.DVRWindow != 0 {
		t.Errorf("class = %+v", c)
	}
	now, err := json.Marshal(newRecord(r.class()))
	if err != nil {
		t.Fatal(err)
	}
	if string(now) != old {
		t.Errorf("stored again: %s", now)
	}
}

func TestTransitions(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	r := rules{
		Config: Config{ReconnectGrace: 60 * time.Second, CleanStopGrace: 10 * time.Second, PullGrace: 10 * time.Minute, PullLead: time.Minute, Access: AccessToken},
		timing: Timing{SegmentDuration: 4 * time.Second, PartDuration: 500 * time.Millisecond},
	}
	camera := NewSecret("rtsp://cam/1")
	arrived := func(c Class) Class { c, _ = r.arrived(c, now); return c }
	left := func(clean bool) func(Class) Class {
		return func(c Class) Class { return r.left(c, now, clean) }
	}
	ended := func(c Class) Class { return r.ended(c, now) }
	restored := func(c Class) Class { return r.restored(c, now) }
	timed := func(publishers int) func(Class) Class {
		return func(c Class) Class { return r.timed(c, now, publishers) }
	}
	update := func(u Update) func(Class) Class {
		return func(c Class) Class { c, _ = r.updated(c, u, now); return c }
	}
	future, past := now.Add(time.Hour), now.Add(-time.Hour)
	ladder := []string{"source", "480p", "audio"}
	segment, part := r.timing.SegmentDuration, r.timing.PartDuration

	for _, tc := range []struct {
		name string
		from Class
		do   func(Class) Class
		want Class
	}{
		{
			"scheduled, arrived",
			Class{State: Scheduled},
			arrived,
			Class{State: Live, StartedAt: now, SegmentDuration: segment, PartDuration: part},
		},
		{
			"interrupted, arrived: start and timing stay",
			Class{State: Interrupted, StartedAt: past, Deadline: future, CleanStop: true, SegmentDuration: time.Second, PartDuration: 0},
			arrived,
			Class{State: Live, StartedAt: past, SegmentDuration: time.Second},
		},
		{"live, arrived", Class{State: Live, StartedAt: past}, arrived, Class{State: Live, StartedAt: past}},
		{"ended, arrived", Class{State: Ended}, arrived, Class{State: Ended}},

		{"live, dropped", Class{State: Live}, left(false), Class{State: Interrupted, Deadline: now.Add(60 * time.Second)}},
		{"live, clean stop", Class{State: Live}, left(true), Class{State: Interrupted, Deadline: now.Add(10 * time.Second), CleanStop: true}},
		{"live camera, dropped", Class{State: Live, Source: camera}, left(false), Class{State: Interrupted, Source: camera, Deadline: now.Add(10 * time.Minute)}},
		{"live camera, clean stop", Class{State: Live, Source: camera}, left(true), Class{State: Interrupted, Source: camera, Deadline: now.Add(10 * time.Minute), CleanStop: true}},
		{"scheduled, left", Class{State: Scheduled}, left(true), Class{State: Scheduled}},
		{"interrupted, left: the deadline stays", Class{State: Interrupted, Deadline: future}, left(true), Class{State: Interrupted, Deadline: future}},
		{"ended, left", Class{State: Ended}, left(false), Class{State: Ended}},

		{"scheduled, ended", Class{State: Scheduled, Pull: true}, ended, Class{State: Ended, EndedAt: now}},
		{"live, ended", Class{State: Live, StartedAt: past}, ended, Class{State: Ended, StartedAt: past, EndedAt: now}},
		{"interrupted, ended", Class{State: Interrupted, Deadline: future}, ended, Class{State: Ended, EndedAt: now}},
		{"ended, ended: the time stays", Class{State: Ended, EndedAt: past}, ended, Class{State: Ended, EndedAt: past}},

		{"scheduled, restored", Class{State: Scheduled}, restored, Class{State: Scheduled}},
		{"live, restored", Class{State: Live}, restored, Class{State: Interrupted, Deadline: now.Add(60 * time.Second)}},
		{"live camera, restored", Class{State: Live, Source: camera}, restored, Class{State: Interrupted, Source: camera, Deadline: now.Add(10 * time.Minute)}},
		{"interrupted, restored: a whole grace", Class{State: Interrupted, Deadline: past}, restored, Class{State: Interrupted, Deadline: now.Add(60 * time.Second)}},
		{"interrupted, restored: never shorter", Class{State: Interrupted, Deadline: future}, restored, Class{State: Interrupted, Deadline: future}},
		{"stopped, restored: the deadline stays", Class{State: Interrupted, Deadline: past, CleanStop: true}, restored, Class{State: Interrupted, Deadline: past, CleanStop: true}},
		{"ended, restored", Class{State: Ended, EndedAt: past}, restored, Class{State: Ended, EndedAt: past}},

		{"interrupted, before the deadline", Class{State: Interrupted, Deadline: future}, timed(0), Class{State: Interrupted, Deadline: future}},
		{"interrupted, at the deadline", Class{State: Interrupted, Deadline: now}, timed(0), Class{State: Ended, EndedAt: now}},
		{"interrupted with a publisher on its way", Class{State: Interrupted, Deadline: now}, timed(1), Class{State: Interrupted, Deadline: now}},
		{"scheduled past its start", Class{State: Scheduled, StartsAt: past}, timed(0), Class{State: Scheduled, StartsAt: past}},
		{"camera an hour before its start", Class{State: Scheduled, Source: camera, StartsAt: future}, timed(0), Class{State: Scheduled, Source: camera, StartsAt: future}},
		{"camera a minute before its start", Class{State: Scheduled, Source: camera, StartsAt: now.Add(time.Minute)}, timed(0), Class{State: Scheduled, Source: camera, StartsAt: now.Add(time.Minute), Pull: true}},

		{"camera without a start is pulled", Class{State: Scheduled}, update(Update{Source: &camera}), Class{State: Scheduled, Source: camera, Pull: true}},
		{"camera with a start waits", Class{State: Scheduled, StartsAt: future}, update(Update{Source: &camera}), Class{State: Scheduled, StartsAt: future, Source: camera}},
		{"start moved away", Class{State: Scheduled, Source: camera, Pull: true}, update(Update{StartsAt: &future}), Class{State: Scheduled, Source: camera, StartsAt: future}},
		{"start moved away while live", Class{State: Live, Source: camera, Pull: true}, update(Update{StartsAt: &future}), Class{State: Live, Source: camera, StartsAt: future, Pull: true}},
		{"camera removed", Class{State: Live, Source: camera, Pull: true}, update(Update{Source: &Secret{}}), Class{State: Live}},
		{"camera removed while lost", Class{State: Interrupted, Source: camera, Pull: true, Deadline: future}, update(Update{Source: &Secret{}}), Class{State: Interrupted, Deadline: now.Add(60 * time.Second)}},
		{"start removed", Class{State: Scheduled, StartsAt: future}, update(Update{StartsAt: &time.Time{}}), Class{State: Scheduled}},
		{"title of an ended class", Class{State: Ended}, update(Update{Title: new("new")}), Class{State: Ended, Title: "new"}},
		{"ladder", Class{State: Live}, update(Update{Ladder: &ladder}), Class{State: Live, Ladder: ladder}},
		{"ladder removed", Class{State: Live, Ladder: ladder}, update(Update{Ladder: new([]string(nil))}), Class{State: Live}},
		{"ladder of an ended class", Class{State: Ended}, update(Update{Ladder: &ladder}), Class{State: Ended}},
		{"access", Class{State: Live}, update(Update{Access: new(AccessPublic)}), Class{State: Live, Access: AccessPublic}},
		{"access of an ended class", Class{State: Ended, Access: AccessPublic}, update(Update{Access: new(AccessToken)}), Class{State: Ended, Access: AccessToken}},
		{"access as the server's", Class{State: Live, Access: AccessPublic}, update(Update{Access: new(Access(""))}), Class{State: Live, Access: AccessToken}},
		{"window", Class{State: Live}, update(Update{DVRWindow: new(time.Hour)}), Class{State: Live, DVRWindow: time.Hour}},
		{"window removed", Class{State: Live, DVRWindow: time.Hour}, update(Update{DVRWindow: new(time.Duration(0))}), Class{State: Live}},
		{"window of an ended class", Class{State: Ended}, update(Update{DVRWindow: new(time.Hour)}), Class{State: Ended}},
		{"start of an ended class", Class{State: Ended}, update(Update{StartsAt: &future}), Class{State: Ended}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.do(tc.from); !got.Equal(tc.want) {
				t.Errorf("got  %+v\nwant %+v", got, tc.want)
			}
		})
	}
	if _, err := r.arrived(Class{State: Ended}, now); !errors.Is(err, ErrEnded) {
		t.Errorf("arrival at an ended class: %v, want ErrEnded", err)
	}
	if _, err := r.updated(Class{State: Ended}, Update{Source: &camera}, now); !errors.Is(err, ErrEnded) {
		t.Errorf("new source of an ended class: %v, want ErrEnded", err)
	}
}
