package realtime_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/lectern/lectern/realtime"
)

func TestRolesPermissions(t *testing.T) {
	tests := []struct {
		role realtime.Role
		may  []realtime.CommandType
		not  []realtime.CommandType
	}{
		{realtime.RoleHost, []realtime.CommandType{"chat.send", "poll.open", "room.set", "moderate", "marker"}, nil},
		{realtime.RoleModerator, []realtime.CommandType{"chat.send", "moderate", "question.merge", "announce"}, []realtime.CommandType{"poll.open", "marker"}},
		{realtime.RoleParticipant, []realtime.CommandType{"chat.send", "poll.vote", "hand.raise", "question.ask", "react"}, []realtime.CommandType{"moderate", "poll.open", "announce", "chat.pin", "room.set", "hand.call"}},
		{realtime.RoleObserver, []realtime.CommandType{"position"}, []realtime.CommandType{"chat.send", "poll.vote", "react", "hand.raise"}},
		{realtime.RoleService, []realtime.CommandType{"position"}, []realtime.CommandType{"chat.send", "moderate"}},
		{"king", []realtime.CommandType{"hello"}, []realtime.CommandType{"chat.send"}},
	}
	for _, tt := range tests {
		t.Run(string(tt.role), func(t *testing.T) {
			for _, c := range tt.may {
				if info, ok := c.Info(); !ok || !tt.role.Permissions().Has(info.Needs) {
					t.Errorf("may not %s", c)
				}
			}
			for _, c := range tt.not {
				if info, ok := c.Info(); !ok || tt.role.Permissions().Has(info.Needs) {
					t.Errorf("may %s", c)
				}
			}
			if tt.role.Valid() != slices.Contains(realtime.Roles(), tt.role) {
				t.Error("is and is not a role")
			}
		})
	}
}

func TestPermissionsNames(t *testing.T) {
	all := realtime.RoleHost.Permissions()
	if n := len(all.Names()); n != 13 {
		t.Errorf("a host may %d things", n)
	}
	back, err := realtime.ParsePermissions(all.Names())
	if err != nil || back != all {
		t.Errorf("got %v, %v", back, err)
	}
	for _, wrong := range [][]string{{"king"}, {"chat", "chat"}, {""}} {
		if _, wrongErr := realtime.ParsePermissions(wrong); wrongErr == nil {
			t.Errorf("%v was taken", wrong)
		}
	}
	b, err := json.Marshal(realtime.Permissions(0))
	if err != nil || string(b) != "[]" {
		t.Errorf("none is %s, %v", b, err)
	}
	var p realtime.Permissions
	if err := json.Unmarshal([]byte(`["chat","of a later version"]`), &p); err != nil || p != realtime.MayChat {
		t.Errorf("got %v, %v", p, err)
	}
}
