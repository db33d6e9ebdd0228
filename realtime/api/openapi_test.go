package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/class"
)

// schema is as much of JSON Schema as openapi.json uses.
type schema struct {
	Ref         string             `json:"$ref"`
	Type        any                `json:"type"` // string or list
	Properties  map[string]*schema `json:"properties"`
	Required    []string           `json:"required"`
	Additional  *bool              `json:"additionalProperties"`
	Enum        []string           `json:"enum"`
	OneOf       []*schema          `json:"oneOf"`
	Items       *schema            `json:"items"`
	Pattern     string             `json:"pattern"`
	Format      string             `json:"format"`
	Description string             `json:"description"`
	MinLength   int                `json:"minLength"`
	MaxLength   int                `json:"maxLength"`
	Minimum     int64              `json:"minimum"`
	Maximum     int64              `json:"maximum"`
	Default     int                `json:"default"`
}

type content map[string]struct {
	Schema *schema `json:"schema"`
}

type documentedResponse struct {
	Ref         string  `json:"$ref"`
	Description string  `json:"description"`
	Headers     any     `json:"headers"`
	Content     content `json:"content"`
}

type operation struct {
	OperationID string `json:"operationId"`
	Summary     string `json:"summary"`
	Description string `json:"description"`
	Parameters  []struct {
		Name, In, Description string
		Schema                *schema
	} `json:"parameters"`
	RequestBody *struct {
		Required bool    `json:"required"`
		Content  content `json:"content"`
	} `json:"requestBody"`
	Responses map[string]documentedResponse `json:"responses"`
	Security  *[]any                        `json:"security"`
}

type document struct {
	OpenAPI    string
	Info       struct{ Title, Version string }
	Paths      map[string]map[string]json.RawMessage
	Components struct {
		Schemas    map[string]*schema
		Responses  map[string]documentedResponse
		Parameters map[string]struct {
			Name, In string
			Required bool
			Schema   *schema
		}
	}
}

func readDocument(t *testing.T) document {
	t.Helper()
	var d document
	if err := json.Unmarshal([]byte(OpenAPI), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d document) operation(t *testing.T, template, method string) *operation {
	t.Helper()
	raw, ok := d.Paths[template][strings.ToLower(method)]
	if !ok {
		return nil
	}
	var op operation
	if err := json.Unmarshal(raw, &op); err != nil {
		t.Fatalf("%s %s: %v", method, template, err)
	}
	return &op
}

func (d document) resolve(s *schema) *schema {
	if s.Ref == "" {
		return s
	}
	return d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
}

func (d document) response(r documentedResponse) documentedResponse {
	if r.Ref == "" {
		return r
	}
	return d.Components.Responses[strings.TrimPrefix(r.Ref, "#/components/responses/")]
}

// validate returns what is wrong with v by s; unknown properties always are.
func (d document) validate(s *schema, v any, at string) []string {
	s = d.resolve(s)
	if s == nil {
		return []string{at + ": dangling reference"}
	}
	if s.OneOf != nil {
		matches := 0
		var all []string
		for _, o := range s.OneOf {
			if problems := d.validate(o, v, at); len(problems) == 0 {
				matches++
			} else {
				all = append(all, problems...)
			}
		}
		if matches == 1 {
			return nil
		}
		return append(all, fmt.Sprintf("%s: matches %d of oneOf", at, matches))
	}
	var problems []string
	kind := map[reflect.Kind]string{reflect.String: "string", reflect.Float64: "number", reflect.Bool: "boolean", reflect.Map: "object", reflect.Slice: "array"}[reflect.ValueOf(v).Kind()]
	if v == nil {
		kind = "null"
	}
	if !slices.Contains(types(s), kind) && (kind != "number" || !slices.Contains(types(s), "integer")) {
		return []string{fmt.Sprintf("%s: is %s, want %v", at, kind, s.Type)}
	}
	switch v := v.(type) {
	case string:
		if s.Enum != nil && !slices.Contains(s.Enum, v) {
			problems = append(problems, fmt.Sprintf("%s: %q is not in %v", at, v, s.Enum))
		}
		if s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(v) {
			problems = append(problems, fmt.Sprintf("%s: %q does not match", at, v))
		}
		if _, err := time.Parse(time.RFC3339, v); s.Format == "date-time" && (err != nil || !strings.HasSuffix(v, "Z")) {
			problems = append(problems, fmt.Sprintf("%s: %q is no UTC time", at, v))
		}
	case map[string]any:
		if s.Properties == nil {
			return nil // any object
		}
		for name, value := range v {
			if p := s.Properties[name]; p == nil {
				problems = append(problems, at+"."+name+": is not documented")
			} else {
				problems = append(problems, d.validate(p, value, at+"."+name)...)
			}
		}
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				problems = append(problems, at+"."+name+": is missing")
			}
		}
	case []any:
		for i, value := range v {
			problems = append(problems, d.validate(s.Items, value, fmt.Sprintf("%s[%d]", at, i))...)
		}
	}
	return problems
}

func types(s *schema) []string {
	switch x := s.Type.(type) {
	case string:
		return []string{x}
	case []any:
		var out []string
		for _, v := range x {
			out = append(out, fmt.Sprint(v))
		}
		return out
	}
	return nil
}

func TestDocumentHasEveryRoute(t *testing.T) {
	d := readDocument(t)
	if d.OpenAPI != "3.1.0" || d.Info.Title == "" || d.Info.Version == "" {
		t.Errorf("head = %q, %+v", d.OpenAPI, d.Info)
	}
	inGo := map[string]bool{}
	ids := map[string]bool{}
	for _, rt := range (&Handler{}).makeRoutes() {
		for method := range rt.methods {
			inGo[method+" "+rt.template] = true
			op := d.operation(t, rt.template, method)
			if op == nil {
				t.Errorf("%s %s is not documented", method, rt.template)
				continue
			}
			if op.OperationID == "" || ids[op.OperationID] || op.Summary == "" {
				t.Errorf("%s %s: needs its own operationId, and a summary", method, rt.template)
			}
			ids[op.OperationID] = true
			security := map[credential]string{adminToken: "<nil>", nothing: "&[]", viewerToken: "&[map[viewer:[]]]"}[rt.needs]
			if got := fmt.Sprint(op.Security); got != security {
				t.Errorf("%s %s: security is documented as %s, is %s", method, rt.template, got, security)
			}
			if _, ok := op.Responses["401"]; ok == (rt.needs == nothing) {
				t.Errorf("%s %s: 401 documented is %v", method, rt.template, ok)
			}
			for status, r := range op.Responses {
				if d.response(r).Description == "" {
					t.Errorf("%s %s %s: no description", method, rt.template, status)
				}
			}
		}
	}
	for path, item := range d.Paths {
		for method := range item {
			if method != "parameters" && !inGo[strings.ToUpper(method)+" "+path] {
				t.Errorf("%s %s is documented but does not exist", method, path)
			}
		}
		if strings.Contains(path, "{id}") != (item["parameters"] != nil) {
			t.Errorf("%s: path parameter", path)
		}
	}
}

// Every field in Go is in the document with the right type, and the other way
// round.
func TestDocumentHasEveryField(t *testing.T) {
	d := readDocument(t)
	used := map[string]bool{"ClassID": true, "TokenID": true, "State": true, "Access": true, "Role": true, "UpdateClass": true}
	for name, v := range map[string]any{
		"LadderState": LadderState{}, "Rendition": Rendition{}, "Worker": Worker{}, "LevelChange": LevelChange{},
		"Health": Health{}, "Finding": Finding{}, "HealthEvent": HealthEvent{},
		"Class": Class{}, "Ingest": Ingest{}, "Playback": Playback{}, "Publisher": Publisher{}, "Refusal": Refusal{},
		"CreatePlaybackToken": CreatePlaybackToken{}, "PlaybackToken": PlaybackToken{}, "PlaybackKeys": PlaybackKeys{}, "PlaybackKey": PlaybackKey{},
		"CreateGrant": CreateGrant{}, "RoomGrant": RoomGrant{},
		"Attendance": Attendance{}, "Attendee": Attendee{}, "Interval": Interval{},
		"ClassList": ClassList{}, "CreateClass": CreateClass{}, "Error": errorBody{}, "ErrorObject": errorObject{},
	} {
		used[name] = true
		s := d.Components.Schemas[name]
		if s == nil {
			t.Errorf("schema %s is missing", name)
			continue
		}
		typ := reflect.TypeOf(v)
		inGo := map[string]bool{}
		for f := range fields(typ) {
			tag, option, _ := strings.Cut(f.Tag.Get("json"), ",")
			inGo[tag] = true
			p := s.Properties[tag]
			if p == nil {
				t.Errorf("%s.%s is not documented", name, tag)
				continue
			}
			if required := slices.Contains(s.Required, tag); required != (option == "") {
				t.Errorf("%s.%s: required is %v", name, tag, required)
			}
			if want, got := goTypes(f.Type), d.types(p); !strings.HasPrefix(name, "Create") && want != got {
				t.Errorf("%s.%s: documented as %s, is %s", name, tag, got, want)
			}
			if d.resolve(p).Description == "" {
				t.Errorf("%s.%s: no description", name, tag)
			}
		}
		for tag := range s.Properties {
			if !inGo[tag] {
				t.Errorf("%s.%s is documented but not in Go", name, tag)
			}
		}
	}
	for name := range d.Components.Schemas {
		if !used[name] {
			t.Errorf("schema %s: teach this test what it is in Go", name)
		}
	}
	for name, want := range map[string][]string{"CreateClass": createFields(), "UpdateClass": patchFields(), "CreatePlaybackToken": mintFields(), "CreateGrant": grantFields()} {
		s := d.Components.Schemas[name]
		if got := slices.Sorted(maps.Keys(s.Properties)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("%s has %v, the reader knows %v", name, got, want)
		}
		if s.Additional == nil || *s.Additional {
			t.Errorf("%s: unknown fields are errors", name)
		}
	}

	var states, codes, accesses, roles []string
	for _, role := range realtime.Roles() {
		roles = append(roles, string(role))
	}
	for _, a := range class.Accesses() {
		accesses = append(accesses, string(a))
	}
	for _, s := range class.States() {
		states = append(states, s.String())
	}
	for c := range statuses() {
		codes = append(codes, string(c))
	}
	for at, want := range map[*schema][]string{d.Components.Schemas["State"]: states, d.Components.Schemas["Access"]: accesses, d.Components.Schemas["Role"]: roles, d.Components.Schemas["ErrorObject"].Properties["code"]: codes} {
		got := slices.Sorted(slices.Values(at.Enum))
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("enum has %v, Go has %v", got, want)
		}
	}
	title := d.Components.Schemas["CreateClass"].Properties["title"]
	if title.MinLength != 1 || title.MaxLength != 200 {
		t.Errorf("title is documented as %d to %d characters", title.MinLength, title.MaxLength)
	}
	limit := d.operation(t, classesPath, http.MethodGet).Parameters[0]
	if limit.Name != "limit" || limit.Schema.Maximum != class.MaxListLimit || limit.Schema.Minimum != 1 || limit.Schema.Default != defaultLimit {
		t.Errorf("limit = %+v", limit.Schema)
	}
	for _, name := range []string{"Class", "CreateClass", "UpdateClass"} {
		if w := d.Components.Schemas[name].Properties["dvr_window"]; dvrWindowRule[:len("must be 60 to 86400")] != fmt.Sprintf("must be %d to %d", w.Minimum, w.Maximum) {
			t.Errorf("%s.dvr_window = %+v", name, w)
		}
	}
	if life := d.Components.Schemas["CreatePlaybackToken"].Properties["expires_in"]; life.Minimum != int64(access.MinLifetime/time.Second) || life.Maximum != int64(access.MaxLifetime/time.Second) ||
		lifetimeRule != fmt.Sprintf("must be %d to %d seconds", life.Minimum, life.Maximum) {
		t.Errorf("expires_in = %+v", life)
	}
	permissions := d.Components.Schemas["CreateGrant"].Properties["permissions"].Items.Enum
	if all := realtime.RoleHost.Permissions().Names(); !slices.Equal(permissions, all) {
		t.Errorf("permissions are documented as %v, are %v", permissions, all)
	}
	person := regexp.MustCompile(d.Components.Schemas["CreateGrant"].Properties["person"].Pattern)
	for _, id := range []string{"", "a", "P_1-x", "a.b", "ä", strings.Repeat("a", 40), strings.Repeat("a", 41)} {
		if person.MatchString(id) != realtime.ValidID(id) {
			t.Errorf("person %q: pattern says %v", id, person.MatchString(id))
		}
	}
	tokenID := regexp.MustCompile(d.Components.Schemas["TokenID"].Pattern)
	for _, id := range []string{"", "abcdefg", "abcdefgh", "ABCDEFGH", "abcdefgh-", "0123456789abcdef", "0123456789abcdefg"} {
		if tokenID.MatchString(id) != access.ValidID(id) {
			t.Errorf("token id %q: pattern says %v", id, tokenID.MatchString(id))
		}
	}
	pattern := regexp.MustCompile(d.Components.Schemas["ClassID"].Pattern)
	for _, id := range []string{"", "a", "-a", "a-", "A", "a.b", "0", strings.Repeat("a", 63), strings.Repeat("a", 64)} {
		if pattern.MatchString(id) != class.ValidID(id) {
			t.Errorf("id %q: pattern says %v", id, pattern.MatchString(id))
		}
	}
}

func fields(typ reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range typ.NumField() {
			if !yield(typ.Field(i)) {
				return
			}
		}
	}
}

// goTypes and types name the JSON types of a Go type and of a schema.
func goTypes(typ reflect.Type) string {
	null := ""
	if typ.Kind() == reflect.Pointer {
		typ, null = typ.Elem(), " or null"
	}
	switch {
	case typ == reflect.TypeFor[time.Time]():
		return "date-time" + null
	case typ == reflect.TypeFor[class.State](), typ.Kind() == reflect.String:
		return "string" + null
	case typ.Kind() == reflect.Bool:
		return "boolean" + null
	case typ.Kind() == reflect.Int64, typ.Kind() == reflect.Int:
		return "integer" + null
	case typ.Kind() == reflect.Float64:
		return "number" + null
	case typ.Kind() == reflect.Slice:
		return "array" + null
	default:
		return "object" + null
	}
}

func (d document) types(s *schema) string {
	s = d.resolve(s)
	var names []string
	for _, o := range s.OneOf {
		names = append(names, d.types(o))
	}
	for _, name := range types(s) {
		if name == "string" && s.Format != "" {
			name = s.Format
		}
		names = append(names, name)
	}
	return strings.Join(names, " or ")
}
