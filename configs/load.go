package configs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// maxFileBytes bounds the configuration file.
const maxFileBytes = 1 << 20

// envPrefix starts the name of every environment variable that is read.
const envPrefix = "LECTERN_"

// Load returns the defaults, overlaid by the YAML file at path (none if path is
// empty), overlaid by environ (as os.Environ gives it), and validated. The error
// joins every problem found, one a line, each beginning with its key, its
// variable or its line in the file.
func Load(path string, environ []string) (Config, error) {
	cfg := Default()
	var errs []error
	if path != "" {
		if err := loadFile(path, &cfg); err != nil {
			// What follows would complain about values the file meant to change.
			return Config{}, err
		}
	}
	errs = append(errs, applyEnviron(&cfg, environ))
	errs = append(errs, cfg.Validate())
	if err := errors.Join(errs...); err != nil {
		return Config{}, err
	}
	return cfg, nil
}

func loadFile(path string, cfg *Config) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close() //nolint:errcheck // opened for reading only
	b, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	if len(b) > maxFileBytes {
		return fmt.Errorf("read configuration: %s is larger than %d bytes", path, maxFileBytes)
	}
	if err := Decode(b, cfg); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// Decode overlays cfg with the YAML document b. Unknown and repeated keys are
// errors that name line and column.
func Decode(b []byte, cfg *Config) error {
	dec := yaml.NewDecoder(bytes.NewReader(b), yaml.Strict())
	if err := dec.Decode(cfg); err != nil && !errors.Is(err, io.EOF) {
		return errors.New(strings.TrimSpace(yaml.FormatError(err, false, true)))
	}
	return nil
}

// applyEnviron overlays cfg with LECTERN_ variables.
func applyEnviron(cfg *Config, environ []string) error {
	fields := map[string]reflect.Value{}
	walk(reflect.ValueOf(cfg).Elem(), nil, func(path []string, v reflect.Value) {
		fields[EnvName(path)] = v
	})
	var errs []error
	slices.Sort(environ)
	for _, kv := range environ {
		name, value, ok := strings.Cut(kv, "=")
		if !ok || !strings.HasPrefix(name, envPrefix) || foreign(name) {
			continue
		}
		field, ok := fields[name]
		if !ok {
			errs = append(errs, fmt.Errorf("%s: no such setting; see `lectern config reference`", name))
			continue
		}
		if err := setText(field, value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// foreign reports whether the variable is no setting of the server: what a
// container platform sets by itself for a service called "lectern" (Kubernetes,
// Docker links), and what only the command line's client reads.
func foreign(name string) bool {
	rest := strings.TrimPrefix(name, envPrefix)
	return strings.HasPrefix(rest, "SERVICE_") || rest == "PORT" || strings.HasPrefix(rest, "PORT_") || rest == "URL"
}

// EnvName returns the environment variable of the key with this path.
func EnvName(path []string) string {
	return envPrefix + strings.ToUpper(strings.Join(path, "_"))
}

// walk calls leaf for every setting below v, which is a struct with yaml tags.
func walk(v reflect.Value, path []string, leaf func(path []string, v reflect.Value)) {
	for i := range v.NumField() {
		tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if tag == "" || tag == "-" {
			continue
		}
		at := append(slices.Clone(path), tag)
		if v.Field(i).Kind() == reflect.Struct {
			walk(v.Field(i), at, leaf)
			continue
		}
		leaf(at, v.Field(i))
	}
}

// setText parses s into v, which is one of the types that settings have.
func setText(v reflect.Value, s string) error {
	if v.Type() == reflect.TypeFor[time.Duration]() {
		d, err := time.ParseDuration(s)
		if err != nil {
			return fmt.Errorf("%q is not a duration such as 4s or 500ms", s)
		}
		v.SetInt(int64(d))
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Bool:
		b, err := strconv.ParseBool(s)
		if err != nil {
			return fmt.Errorf("%q is not true or false", s)
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || v.OverflowInt(n) {
			return fmt.Errorf("%q is not a whole number in range", s)
		}
		v.SetInt(n)
	case reflect.Float64:
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return fmt.Errorf("%q is not a number", s)
		}
		v.SetFloat(f)
	case reflect.Slice:
		out := reflect.MakeSlice(v.Type(), 0, 0)
		for item := range strings.SplitSeq(s, ",") {
			e := reflect.New(v.Type().Elem()).Elem()
			if err := setText(e, strings.TrimSpace(item)); err != nil {
				return err
			}
			out = reflect.Append(out, e)
		}
		v.Set(out)
	default:
		return fmt.Errorf("a %s cannot be set from the environment", v.Type())
	}
	return nil
}
