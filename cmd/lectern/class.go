package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/lectern/lectern/configs"
	"github.com/lectern/lectern/realtime/api"
	realclass "github.com/lectern/lectern/realtime/class"
)

// class works with the classes of a running server, over its API.
func class(ctx context.Context, args []string, env environment) error {
	fs := flags("class", env)
	url := fs.String("url", cmp.Or(lookup(env.environ, "LECTERN_URL"), "http://localhost:8080"), "`URL` of the server; or LECTERN_URL")
	tokenFile := fs.String("token-file", "", "`FILE` with the API token; default LECTERN_API_TOKEN, else DATA/api-token")
	asJSON := fs.Bool("json", false, "print the API's answer")
	id := fs.String("id", "", "create: `ID` of the class in its addresses; made up if not given")
	title := fs.String("title", "", "create: `TITLE` of the class")
	startsAt := fs.String("starts-at", "", "create: `TIME` of the start, such as 2026-12-01T09:15:00Z")
	source := fs.String("source", "", "create: `URL` of an RTSP camera to pull")
	words, err := parse(fs, args, 2)
	if err != nil {
		return err
	}
	if len(words) == 0 {
		return &usageError{"say what to do"}
	}
	token, err := apiToken(*tokenFile, env)
	if err != nil {
		return err
	}
	client, err := api.NewClient(*url, token, nil)
	if err != nil {
		return err
	}
	if words[0] != "list" && words[0] != "create" && len(words) < 2 {
		return &usageError{"say which class"}
	}

	var one api.Class
	switch words[0] {
	case "list":
		return listClasses(ctx, client, *asJSON, env)
	case "create":
		n := api.CreateClass{ID: *id, Title: *title, Source: *source}
		if *startsAt != "" {
			t, perr := time.Parse(time.RFC3339, *startsAt)
			if perr != nil {
				return &usageError{fmt.Sprintf("-starts-at: %q is not a time such as 2026-12-01T09:15:00Z", *startsAt)}
			}
			n.StartsAt = &t
		}
		one, err = client.Create(ctx, n)
	case "show":
		one, err = client.Get(ctx, words[1])
	case "end":
		one, err = client.End(ctx, words[1])
	case "stream-key":
		one, err = client.RotateStreamKey(ctx, words[1])
	case "delete":
		if err = client.Delete(ctx, words[1]); err == nil {
			_, err = fmt.Fprintf(env.stdout, "class %s is deleted, and its recording\n", words[1])
		}
		return err
	default:
		return &usageError{fmt.Sprintf("unknown action %q", words[0])}
	}
	if err != nil {
		return err
	}
	return printClass(one, *asJSON, env)
}

func printClass(c api.Class, asJSON bool, env environment) error {
	if asJSON {
		return printJSON(c, env)
	}
	w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"class", c.ID},
		{"title", c.Title},
		{"state", c.State.String()},
		{"server", cmp.Or(c.Ingest.RTMP, c.Ingest.RTMPS)},
		{"stream key", c.StreamKey},
		{"watch", c.Playback.Watch},
		{"playlist", c.Playback.HLS},
	} {
		if _, err := fmt.Fprintf(w, "%s\t%s\n", row[0], row[1]); err != nil {
			return fmt.Errorf("print class: %w", err)
		}
	}
	if c.Publisher != nil {
		if _, err := fmt.Fprintf(w, "publisher\t%s from %s: %s, %s\n", c.Publisher.Protocol, c.Publisher.Remote, c.Publisher.Video, c.Publisher.Audio); err != nil {
			return fmt.Errorf("print class: %w", err)
		}
	}
	if c.Publisher != nil && c.Publisher.Warning != "" {
		if _, err := fmt.Fprintf(w, "warning\t%s\n", c.Publisher.Warning); err != nil {
			return fmt.Errorf("print class: %w", err)
		}
	}
	if c.LastRefusal != nil {
		if _, err := fmt.Fprintf(w, "refused\t%s\n", c.LastRefusal.Text); err != nil {
			return fmt.Errorf("print class: %w", err)
		}
	}
	return w.Flush()
}

func listClasses(ctx context.Context, client *api.Client, asJSON bool, env environment) error {
	all, err := client.List(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(all, env)
	}
	w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	if _, err := fmt.Fprintln(w, "CLASS\tSTATE\tTITLE"); err != nil {
		return fmt.Errorf("print classes: %w", err)
	}
	for _, c := range all {
		if _, err := fmt.Fprintf(w, "%s\t%s\t%s\n", c.ID, c.State, c.Title); err != nil {
			return fmt.Errorf("print classes: %w", err)
		}
	}
	return w.Flush()
}

func printJSON(v any, env environment) error {
	enc := json.NewEncoder(env.stdout)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("print answer: %w", err)
	}
	return nil
}

// apiToken finds the token: the named file, the environment, the data folder of
// a server on this machine.
func apiToken(file string, env environment) (realclass.Secret, error) {
	if file == "" {
		if t := lookup(env.environ, "LECTERN_API_TOKEN"); t != "" {
			return realclass.NewSecret(t), nil
		}
		file = filepath.Join(cmp.Or(lookup(env.environ, "LECTERN_DATA"), configs.Default().Data), "api-token")
	}
	return api.ReadToken(file)
}

func lookup(environ []string, name string) string {
	for _, kv := range environ {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}
