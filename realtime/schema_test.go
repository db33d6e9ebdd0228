package realtime_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/lectern/lectern/realtime"
)

// schema is as much of JSON Schema as asyncapi.json uses.
type schema struct {
	Ref           string             `json:"$ref"`
	Type          string             `json:"type"`
	Description   string             `json:"description"`
	Const         any                `json:"const"`
	Enum          []any              `json:"enum"`
	Pattern       string             `json:"pattern"`
	MinLength     *int               `json:"minLength"`
	MaxLength     *int               `json:"maxLength"`
	Minimum       *float64           `json:"minimum"`
	Maximum       *float64           `json:"maximum"`
	MaxItems      *int               `json:"maxItems"`
	Items         *schema            `json:"items"`
	Required      []string           `json:"required"`
	Properties    map[string]*schema `json:"properties"`
	PropertyNames *schema            `json:"propertyNames"`
	Additional    json.RawMessage    `json:"additionalProperties"`
}

type reference struct {
	Ref string `json:"$ref"`
}

type message struct {
	Name        string   `json:"name"`
	Summary     string   `json:"summary"`
	Permissions []string `json:"x-permissions"`
	Answered    *bool    `json:"x-answered"`
	Delivery    string   `json:"x-delivery"`
	Payload     *schema  `json:"payload"`
	Examples    []struct {
		Name    string          `json:"name"`
		Payload json.RawMessage `json:"payload"`
	} `json:"examples"`
}

type document struct {
	AsyncAPI string `json:"asyncapi"`
	Channels map[string]struct {
		Address  string               `json:"address"`
		Messages map[string]reference `json:"messages"`
	} `json:"channels"`
	Operations map[string]struct {
		Action   string      `json:"action"`
		Messages []reference `json:"messages"`
	} `json:"operations"`
	ErrorCodes []struct {
		Code        string `json:"code"`
		Retryable   bool   `json:"retryable"`
		Description string `json:"description"`
	} `json:"x-error-codes"`
	CloseCodes []struct {
		Code        int    `json:"code"`
		Name        string `json:"name"`
		Return      string `json:"return"`
		Description string `json:"description"`
	} `json:"x-close-codes"`
	Components struct {
		Messages map[string]message `json:"messages"`
		Schemas  map[string]*schema `json:"schemas"`
	} `json:"components"`
}

func readDocument(tb testing.TB) document {
	tb.Helper()
	var d document
	if err := json.Unmarshal([]byte(realtime.AsyncAPI), &d); err != nil {
		tb.Fatal(err)
	}
	return d
}

func (d document) resolve(s *schema) *schema {
	if s != nil && s.Ref != "" {
		return d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	return s
}

// validate returns what is wrong with v by s.
func (d document) validate(s *schema, v any, at string) []string {
	s = d.resolve(s)
	if s == nil {
		return []string{at + ": dangling reference"}
	}
	var problems []string
	fail := func(format string, args ...any) { problems = append(problems, at+": "+fmt.Sprintf(format, args...)) }
	if s.Const != nil && !reflect.DeepEqual(s.Const, v) {
		fail("is %v, want %v", v, s.Const)
	}
	if s.Enum != nil && !slices.Contains(s.Enum, v) {
		fail("%v is not in %v", v, s.Enum)
	}
	kind := map[reflect.Kind]string{reflect.String: "string", reflect.Float64: "integer", reflect.Bool: "boolean", reflect.Map: "object", reflect.Slice: "array"}[reflect.ValueOf(v).Kind()]
	if s.Type != "" && kind != s.Type {
		fail("is %s, want %s", kind, s.Type)
		return problems
	}
	switch v := v.(type) {
	case string:
		n := utf8.RuneCountInString(v)
		if (s.MinLength != nil && n < *s.MinLength) || (s.MaxLength != nil && n > *s.MaxLength) {
			fail("has %d characters", n)
		}
		if s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(v) {
			fail("%q does not match", v)
		}
	case float64:
		if (s.Minimum != nil && v < *s.Minimum) || (s.Maximum != nil && v > *s.Maximum) {
			fail("%v is out of range", v)
		}
	case []any:
		if s.MaxItems != nil && len(v) > *s.MaxItems {
			fail("has %d entries", len(v))
		}
		for i, item := range v {
			problems = append(problems, d.validate(s.Items, item, fmt.Sprintf("%s[%d]", at, i))...)
		}
	case map[string]any:
		problems = append(problems, d.validateObject(s, v, at)...)
	}
	return problems
}

func (d document) validateObject(s *schema, v map[string]any, at string) []string {
	var problems []string
	for _, name := range s.Required {
		if _, ok := v[name]; !ok {
			problems = append(problems, at+"."+name+": is missing")
		}
	}
	for name, value := range v {
		p := s.Properties[name]
		if p == nil && s.PropertyNames != nil {
			problems = append(problems, d.validate(s.PropertyNames, name, at)...)
			p = &schema{}
			_ = json.Unmarshal(s.Additional, p) // a schema beside propertyNames
		}
		if p == nil {
			problems = append(problems, at+"."+name+": is not documented")
			continue
		}
		problems = append(problems, d.validate(p, value, at+"."+name)...)
	}
	return problems
}

// compare holds a struct against the schema of its JSON, both ways.
func (d document) compare(t *testing.T, typ reflect.Type, s *schema, at string, seen map[reflect.Type]bool) {
	t.Helper()
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	s = d.resolve(s)
	if s == nil {
		t.Errorf("%s: has no schema", at)
		return
	}
	want := map[reflect.Kind]string{
		reflect.Struct: "object", reflect.Map: "object", reflect.Slice: "array", reflect.String: "string", reflect.Bool: "boolean",
		reflect.Int: "integer", reflect.Int64: "integer", reflect.Uint64: "integer",
	}[typ.Kind()]
	if typ == reflect.TypeFor[realtime.Permissions]() {
		want = "array"
	}
	if s.Type != want {
		t.Errorf("%s: is documented as %q, want %q", at, s.Type, want)
		return
	}
	switch typ.Kind() {
	case reflect.Slice:
		d.compare(t, typ.Elem(), s.Items, at+"[]", seen)
	case reflect.Struct:
		if string(s.Additional) != "false" {
			t.Errorf("%s: may hold other fields", at)
		}
		if seen[typ] {
			return
		}
		seen[typ] = true
		fields := map[string]reflect.StructField{}
		flatten(typ, fields)
		if a, b := slices.Sorted(maps.Keys(fields)), slices.Sorted(maps.Keys(s.Properties)); !slices.Equal(a, b) {
			t.Errorf("%s: the code has %v, the document %v", at, a, b)
			return
		}
		for name, f := range fields {
			optional := strings.HasSuffix(f.Tag.Get("json"), ",omitempty")
			if optional == slices.Contains(s.Required, name) {
				t.Errorf("%s.%s: optional in the code is %t, and not in the document", at, name, optional)
			}
			d.compare(t, f.Type, s.Properties[name], at+"."+name, seen)
		}
	}
}

// flatten collects the fields by their JSON names, those of embedded structs too.
func flatten(typ reflect.Type, into map[string]reflect.StructField) {
	for i := range typ.NumField() {
		f := typ.Field(i)
		if f.Anonymous {
			flatten(f.Type, into)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		into[name] = f
	}
}

// strict reads data into a new value of the type, and returns what it writes.
func strict(t *testing.T, typ reflect.Type, data []byte) []byte {
	t.Helper()
	v := reflect.New(typ)
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v.Interface()); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	out, err := json.Marshal(v.Interface())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func decoded(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return v
}
