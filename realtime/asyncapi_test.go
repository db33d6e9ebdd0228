package realtime_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lectern/lectern/realtime"
)

func TestDocumentHasEveryMessage(t *testing.T) {
	d := readDocument(t)
	var commands, events []string
	for _, c := range realtime.Commands() {
		commands = append(commands, "command."+string(c.Type))
	}
	for _, e := range realtime.Events() {
		events = append(events, "event."+string(e.Type))
		if e.Data.EventType() != e.Type {
			t.Errorf("%s: its data is of %s", e.Type, e.Data.EventType())
		}
	}
	all := slices.Sorted(slices.Values(slices.Concat(commands, events)))
	if got := slices.Sorted(maps.Keys(d.Components.Messages)); !slices.Equal(got, all) {
		t.Errorf("messages: document %v\ncode %v", got, all)
	}
	room := d.Channels["room"]
	if d.AsyncAPI != "3.0.0" || room.Address != "/ws/{class}" || len(d.Channels) != 1 {
		t.Errorf("head = %q, %q", d.AsyncAPI, room.Address)
	}
	for name, r := range room.Messages {
		if r.Ref != "#/components/messages/"+name {
			t.Errorf("channel: %s refers to %s", name, r.Ref)
		}
	}
	if got := slices.Sorted(maps.Keys(room.Messages)); !slices.Equal(got, all) {
		t.Errorf("channel: %v", got)
	}
	for name, want := range map[string][]string{"command": commands, "event": events} {
		var got []string
		for _, r := range d.Operations[name].Messages {
			got = append(got, strings.TrimPrefix(r.Ref, "#/channels/room/messages/"))
		}
		if !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
			t.Errorf("operation %s: %v", name, got)
		}
	}
}

func TestDocumentHasEveryCode(t *testing.T) {
	d := readDocument(t)
	if len(d.ErrorCodes) != len(realtime.Errors()) || len(d.CloseCodes) != len(realtime.Closes()) {
		t.Fatalf("%d error and %d close codes", len(d.ErrorCodes), len(d.CloseCodes))
	}
	for i, e := range realtime.Errors() {
		if got := d.ErrorCodes[i]; got.Code != string(e.Code) || got.Retryable != e.Retryable || got.Description != e.Meaning || e.Code.Retryable() != e.Retryable {
			t.Errorf("document %+v, code %+v", got, e)
		}
	}
	seen := map[realtime.CloseCode]bool{}
	for i, c := range realtime.Closes() {
		if got := d.CloseCodes[i]; got.Code != int(c.Code) || got.Name != c.Name || got.Return != string(c.Return) || got.Description != c.Meaning {
			t.Errorf("document %+v, code %+v", got, c)
		}
		if seen[c.Code] || c.Code < 4000 || c.Code > 4999 || c.Code.Info() != c {
			t.Errorf("%d is there twice, or no code of ours", c.Code)
		}
		seen[c.Code] = true
	}
}

// TestCommandFixtures holds each command's schema and examples against the code.
func TestCommandFixtures(t *testing.T) {
	d := readDocument(t)
	for _, info := range realtime.Commands() {
		t.Run(string(info.Type), func(t *testing.T) {
			m := d.Components.Messages["command."+string(info.Type)]
			if m.Name != string(info.Type) || m.Summary == "" || m.Answered == nil || *m.Answered != info.Answered || !slices.Equal(m.Permissions, info.Needs.Names()) {
				t.Errorf("head: %+v", m)
			}
			if slices.Contains(m.Payload.Required, "id") != info.Answered || m.Payload.Properties["type"].Const != string(info.Type) {
				t.Errorf("payload: %+v", m.Payload)
			}
			for _, e := range m.Examples {
				if problems := d.validate(m.Payload, decoded(t, e.Payload), m.Name); problems != nil {
					t.Error(problems)
				}
				c, err := realtime.DecodeCommand(e.Payload)
				if err != nil {
					t.Fatal(err)
				}
				written, err := json.Marshal(c.Data)
				if err != nil {
					t.Fatal(err)
				}
				var h struct{ Data json.RawMessage }
				_ = json.Unmarshal(e.Payload, &h)
				if !reflect.DeepEqual(decoded(t, written), decoded(t, h.Data)) {
					t.Errorf("read %s, written %s", h.Data, written)
				}
				d.compare(t, reflect.TypeOf(c.Data), m.Payload.Properties["data"], m.Name, map[reflect.Type]bool{})
			}
			if len(m.Examples) == 0 {
				t.Error("no example")
			}
		})
	}
}

// TestEventFixtures does the same for events.
func TestEventFixtures(t *testing.T) {
	d := readDocument(t)
	for _, info := range realtime.Events() {
		t.Run(string(info.Type), func(t *testing.T) {
			m := d.Components.Messages["event."+string(info.Type)]
			if m.Name != string(info.Type) || m.Summary == "" || m.Delivery != info.Delivery.String() || info.Type.Delivery() != info.Delivery {
				t.Errorf("head: %+v", m)
			}
			d.compare(t, reflect.TypeOf(info.Data), m.Payload.Properties["data"], m.Name, map[reflect.Type]bool{})
			if m.Payload.Properties["type"].Const != string(info.Type) {
				t.Errorf("payload: %+v", m.Payload)
			}
			for _, e := range m.Examples {
				if problems := d.validate(m.Payload, decoded(t, e.Payload), m.Name); problems != nil {
					t.Error(problems)
				}
				var ev realtime.Event
				if err := json.Unmarshal(e.Payload, &ev); err != nil {
					t.Fatal(err)
				}
				data := strict(t, reflect.TypeOf(info.Data), ev.Data)
				ev.Data = data
				written, err := ev.Encode(nil)
				if err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(decoded(t, written), decoded(t, e.Payload)) {
					t.Errorf("read %s, written %s", e.Payload, written)
				}
			}
			if len(m.Examples) == 0 {
				t.Error("no example")
			}
		})
	}
}

// TestLimitsOfTheDocumentHold breaks each limit that the document names by one,
// and wants the decoder to mind.
func TestLimitsOfTheDocumentHold(t *testing.T) {
	d := readDocument(t)
	broken := 0
	for _, info := range realtime.Commands() {
		m := d.Components.Messages["command."+string(info.Type)]
		s := d.resolve(m.Payload.Properties["data"])
		for name, p := range s.Properties {
			for what, wrong := range outOfLimits(p) {
				e, _ := decoded(t, m.Examples[0].Payload).(map[string]any)
				data, _ := e["data"].(map[string]any)
				data[name] = wrong
				in, err := json.Marshal(e)
				if err != nil {
					t.Fatal(err)
				}
				broken++
				if _, err := realtime.DecodeCommand(in); err == nil {
					t.Errorf("%s.%s: takes what breaks %s", info.Type, name, what)
				}
			}
		}
		for _, name := range s.Required {
			e, _ := decoded(t, m.Examples[0].Payload).(map[string]any)
			data, _ := e["data"].(map[string]any)
			delete(data, name)
			in, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			broken++
			if _, err := realtime.DecodeCommand(in); err == nil {
				t.Errorf("%s.%s: may be missing", info.Type, name)
			}
		}
	}
	if broken < 100 {
		t.Errorf("only %d limits were tried", broken)
	}
}

// outOfLimits returns values that break each limit of the schema.
func outOfLimits(s *schema) map[string]any {
	wrong := map[string]any{"type": map[string]any{}}
	if s.MinLength != nil && *s.MinLength > 0 {
		wrong["minLength"] = ""
	}
	if s.MaxLength != nil {
		wrong["maxLength"] = strings.Repeat("ä", *s.MaxLength+1)
	}
	if s.Minimum != nil {
		wrong["minimum"] = *s.Minimum - 1
	}
	if s.Maximum != nil {
		wrong["maximum"] = *s.Maximum + 1
	}
	if s.Enum != nil {
		wrong["enum"] = "sing"
	}
	if s.Pattern != "" {
		wrong["pattern"] = "a.b"
	}
	if s.MaxItems != nil {
		item := any("x")
		if s.Items.Type == "integer" {
			item = 0
		}
		wrong["maxItems"] = slices.Repeat([]any{item}, *s.MaxItems+1)
	}
	return wrong
}
