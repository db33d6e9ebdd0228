// Package reference renders configs/REFERENCE.md from the doc comments of the
// configuration structs. It reads the sources of this module, so it serves go
// generate and a test; the running program embeds the result.
package reference

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/lectern/lectern/configs"
)

const modulePath = "github.com/lectern/lectern"

// Render returns REFERENCE.md. root is the directory of the module.
func Render(root string) ([]byte, error) {
	r := renderer{root: root, docs: map[string]map[string]string{}}
	r.out.WriteString(preamble)
	if err := r.section(reflect.ValueOf(configs.Default()), nil); err != nil {
		return nil, err
	}
	return append(bytes.TrimRight(r.out.Bytes(), "\n"), '\n'), nil
}

const preamble = `# Configuration reference

Made from the source by ` + "`go generate ./configs`" + `; edit the comments there.

Settings come from the file named by ` + "`lectern serve -config FILE`" + `, then from the environment, which wins.
Durations are written ` + "`4s`, `500ms`, `2m`" + `; lists in the environment are separated by commas. An unknown key is an error.
` + "`lectern config check -config FILE`" + ` reports every problem at once.

`

type renderer struct {
	root string
	// docs caches, by package path and type, the comment of every field and,
	// under "", of the type.
	docs map[string]map[string]string
	out  bytes.Buffer
}

// RenderYAML returns lectern.yaml: every setting at its default, under the same
// comments.
func RenderYAML(root string) ([]byte, error) {
	r := renderer{root: root, docs: map[string]map[string]string{}}
	r.out.WriteString(yamlPreamble)
	if err := r.yamlSection(reflect.ValueOf(configs.Default()), nil); err != nil {
		return nil, err
	}
	return append(bytes.TrimRight(r.out.Bytes(), "\n"), '\n'), nil
}

const yamlPreamble = `# Lectern: every setting, at its default. Copy this file, keep the lines you change, and start
#   lectern serve -config FILE
# Made from the source by "go generate ./configs"; REFERENCE.md beside it names the environment variables.

`

func (r *renderer) yamlSection(v reflect.Value, path []string) error {
	docs, err := r.typeDocs(v.Type())
	if err != nil {
		return err
	}
	indent := strings.Repeat("  ", len(path))
	if len(path) > 0 {
		fmt.Fprintf(&r.out, "%s%s:\n", strings.Repeat("  ", len(path)-1), path[len(path)-1])
	}
	var subs []int
	for i := range v.NumField() {
		f := v.Type().Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case tag == "" || tag == "-":
			continue
		case f.Type.Kind() == reflect.Struct:
			subs = append(subs, i)
			continue
		}
		for line := range strings.Lines(reword(docs[f.Name], f.Name, tag)) {
			fmt.Fprintf(&r.out, "%s# %s\n", indent, strings.TrimSpace(line))
		}
		fmt.Fprintf(&r.out, "%s%s: %s\n\n", indent, tag, yamlText(v.Field(i)))
	}
	for _, i := range subs {
		tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if err := r.yamlSection(v.Field(i), append(append([]string(nil), path...), tag)); err != nil {
			return err
		}
	}
	return nil
}

func yamlText(v reflect.Value) string {
	switch v.Kind() {
	case reflect.String:
		return strconv.Quote(v.String())
	case reflect.Slice:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = yamlText(v.Index(i))
		}
		return "[" + strings.Join(items, ", ") + "]"
	default:
		return text(v)
	}
}

// section writes the leaves of v first, then its sections.
func (r *renderer) section(v reflect.Value, path []string) error {
	docs, err := r.typeDocs(v.Type())
	if err != nil {
		return err
	}
	if len(path) > 0 {
		fmt.Fprintf(&r.out, "## %s\n\n", strings.Join(path, "."))
	}
	type sub struct {
		v    reflect.Value
		path []string
	}
	var subs []sub
	for i := range v.NumField() {
		f := v.Type().Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if tag == "" || tag == "-" {
			continue
		}
		at := append(append([]string(nil), path...), tag)
		if f.Type.Kind() == reflect.Struct {
			subs = append(subs, sub{v.Field(i), at})
			continue
		}
		doc := docs[f.Name]
		if doc == "" {
			return fmt.Errorf("%s.%s (%s) has no doc comment", v.Type(), f.Name, strings.Join(at, "."))
		}
		fmt.Fprintf(&r.out, "### `%s`\n\n%s\n\n", strings.Join(at, "."), strings.ReplaceAll(reword(doc, f.Name, "`"+tag+"`"), "\n", " "))
		fmt.Fprintf(&r.out, "Default `%s` · environment `%s`\n\n", text(v.Field(i)), configs.EnvName(at))
	}
	for _, s := range subs {
		if err := r.section(s.v, s.path); err != nil {
			return err
		}
	}
	return nil
}

// reword lets the sentence start with the key instead of the Go name.
func reword(doc, goName, key string) string {
	doc = strings.TrimSpace(doc)
	if rest, ok := strings.CutPrefix(doc, goName+" "); ok {
		doc = key + " " + rest
	}
	return doc
}

func text(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		return x.String()
	case configs.Secret:
		return "none"
	case string:
		if x == "" {
			return "none"
		}
		return x
	}
	if v.Kind() == reflect.Slice {
		var items []string
		for i := range v.Len() {
			items = append(items, text(v.Index(i)))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	return fmt.Sprint(v.Interface())
}

func (r *renderer) typeDocs(t reflect.Type) (map[string]string, error) {
	key := t.PkgPath() + "." + t.Name()
	if d, ok := r.docs[key]; ok {
		return d, nil
	}
	rel, ok := strings.CutPrefix(t.PkgPath(), modulePath+"/")
	if !ok {
		return nil, fmt.Errorf("%s is outside this module", t)
	}
	files, err := filepath.Glob(filepath.Join(r.root, filepath.FromSlash(rel), "*.go"))
	if err != nil {
		return nil, fmt.Errorf("list sources of %s: %w", t, err)
	}
	docs := map[string]string{}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("read comments: %w", err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok || spec.Name.Name != t.Name() {
				return true
			}
			if st, ok := spec.Type.(*ast.StructType); ok {
				for _, field := range st.Fields.List {
					for _, name := range field.Names {
						docs[name.Name] = field.Doc.Text()
					}
				}
			}
			return false
		})
	}
	r.docs[key] = docs
	return docs, nil
}
