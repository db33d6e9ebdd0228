package main

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
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
	title := fs.String("title", "", "create, set: `TITLE` of the class")
	startsAt := fs.String("starts-at", "", "create, set: `TIME` of the start, such as 2026-12-01T09:15:00Z; set: none removes it")
	source := fs.String("source", "", "create, set: `URL` of an RTSP camera to pull; set: none removes it")
	ladder := fs.String("ladder", "", "create, set: `RENDITIONS` to offer from the next publication on, such as source,720p,audio; default is the server's own choice")
	access := fs.String("access", "", "create, set: `ACCESS`, public or token; default is the server's own choice")
	dvr := fs.String("dvr", "", "create, set: `DURATION` that viewers can seek back, 1m to 24h, where 24h is from the start; default is the server's own choice")
	expiresIn := fs.String("expires-in", "", "token: `DURATION` that it is good for, 1m to 168h; default is the server's own choice")
	asCSV := fs.Bool("csv", false, "attendance: print a table for spreadsheets")
	fresh := fs.Bool("new", false, "studio: make a new link; the old one stops working")
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
		n := api.CreateClass{ID: *id, Title: *title, Source: *source, Ladder: renditions(*ladder), Access: realclass.Access(ownOrEmpty(*access))}
		if n.DVRWindow, err = wholeSeconds("-dvr", *dvr); err != nil {
			return err
		}
		if *startsAt != "" {
			t, perr := startTime(*startsAt)
			if perr != nil {
				return perr
			}
			n.StartsAt = &t
		}
		one, err = client.Create(ctx, n)
	case "set":
		u, uerr := changes(given(fs))
		if uerr != nil {
			return uerr
		}
		one, err = client.Update(ctx, words[1], u)
	case "show":
		one, err = client.Get(ctx, words[1])
	case "end":
		one, err = client.End(ctx, words[1])
	case "stream-key":
		one, err = client.RotateStreamKey(ctx, words[1])
	case "studio":
		return printStudio(ctx, client, words[1], *fresh, *asJSON, env)
	case "attendance":
		return printAttendance(ctx, client, words[1], *asJSON, *asCSV, env)
	case "token":
		return mintToken(ctx, client, words[1], *expiresIn, *asJSON, env)
	case "revoke":
		if err = client.RevokePlaybackTokens(ctx, words[1], ""); err == nil {
			_, err = fmt.Fprintf(env.stdout, "all viewer tokens of class %s so far are revoked\n", words[1])
		}
		return err
	case "delete":
		if err = client.Delete(ctx, words[1]); err == nil {
			_, err = fmt.Fprintf(env.stdout, "class %s is deleted, with its recording and what was said in it\n", words[1])
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

// given returns the flags that are on the command line.
func given(fs *flag.FlagSet) map[string]string {
	set := map[string]string{}
	fs.Visit(func(f *flag.Flag) { set[f.Name] = f.Value.String() })
	return set
}

// changes reads the flags of "set". What is not given stays.
func changes(set map[string]string) (u api.UpdateClass, err error) {
	const none = "none"
	any := false
	for name, value := range set {
		switch name {
		case "title":
			u.Title = &value
		case "starts-at":
			if u.StartsAt = api.Remove[time.Time](); value != none {
				t, terr := startTime(value)
				if terr != nil {
					return u, terr
				}
				u.StartsAt = api.Set(t)
			}
		case "source":
			if u.Source = api.Remove[string](); value != none {
				u.Source = api.Set(value)
			}
		case "ladder":
			if u.Ladder = api.Remove[[]string](); renditions(value) != nil {
				u.Ladder = api.Set(renditions(value))
			}
		case "access":
			if u.Access = api.Remove[realclass.Access](); ownOrEmpty(value) != "" {
				u.Access = api.Set(realclass.Access(value))
			}
		case "dvr":
			window, werr := wholeSeconds("-dvr", value)
			if werr != nil {
				return u, werr
			}
			if u.DVRWindow = api.Remove[int64](); window != 0 {
				u.DVRWindow = api.Set(window)
			}
		default:
			continue
		}
		any = true
	}
	if !any {
		return u, &usageError{"say what to set: -title, -starts-at, -source, -ladder, -access or -dvr"}
	}
	return u, nil
}

func startTime(value string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return t, &usageError{fmt.Sprintf("-starts-at: %q is not a time such as 2026-12-01T09:15:00Z", value)}
	}
	return t, nil
}

// ownOrEmpty returns value, or nothing for "default", the server's own choice.
func ownOrEmpty(value string) string {
	if value == "default" {
		return ""
	}
	return value
}

// wholeSeconds reads the duration of a flag; 0 is the server's own choice.
func wholeSeconds(name, value string) (int64, error) {
	if ownOrEmpty(value) == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(value)
	if err != nil || d < time.Second || d%time.Second != 0 {
		return 0, &usageError{fmt.Sprintf("%s: %q is not a duration in whole seconds such as 2h or 90m", name, value)}
	}
	return int64(d / time.Second), nil
}

// renditions reads a list with commas; "default" and nothing are the server's
// own choice.
func renditions(value string) []string {
	if ownOrEmpty(value) == "" {
		return nil
	}
	names := strings.Split(value, ",")
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
	}
	return names
}

func printClass(c api.Class, asJSON bool, env environment) error {
	if asJSON {
		return printJSON(c, env)
	}
	rows := [][2]string{
		{"class", c.ID},
		{"title", c.Title},
		{"state", c.State.String()},
		{"server", cmp.Or(c.Ingest.RTMP, c.Ingest.RTMPS)},
		{"stream key", c.StreamKey},
		{"studio", c.Studio},
		{"watch", c.Playback.Watch},
		{"playlist", c.Playback.HLS},
	}
	add := func(name, format string, args ...any) {
		rows = append(rows, [2]string{name, fmt.Sprintf(format, args...)})
	}
	if c.Access == realclass.AccessToken {
		add("access", "token: playing it takes a viewer token")
	}
	if c.DVRWindow != nil {
		add("seek back", "%s", time.Duration(*c.DVRWindow)*time.Second)
	}
	if c.Ladder != nil {
		add("ladder", "%s", strings.Join(*c.Ladder, ", "))
	}
	if p := c.Publisher; p != nil {
		add("publisher", "%s from %s: %s, %s", p.Protocol, p.Remote, p.Video, p.Audio)
		if p.Warning != "" {
			add("warning", "%s", p.Warning)
		}
	}
	if c.LastRefusal != nil {
		add("refused", "%s", c.LastRefusal.Text)
	}
	if s := c.LadderState; s != nil {
		for _, r := range s.Renditions {
			add("rendition", "%s", renditionWords(r))
		}
		if s.Text != "" {
			add("ladder", "level %d since %s: %s", s.Level, s.Since.Local().Format(time.TimeOnly), s.Text)
		}
		if w := s.Worker; w.Restarts > 0 {
			add("encoder", "%s, restarted %d times, last: %s", w.State, w.Restarts, w.LastReason)
		}
	}
	if c.Health != nil {
		for _, f := range c.Health.Findings {
			add(f.Severity, "%s", strings.TrimSpace(f.Text+" "+f.Setting))
		}
	}
	w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if _, err := fmt.Fprintf(w, "%s\t%s\n", row[0], row[1]); err != nil {
			return fmt.Errorf("print class: %w", err)
		}
	}
	return w.Flush()
}

// renditionWords is a line such as "720p  1280x720 30 fps, at most 2.5 Mbit/s:
// encoded, 0.3 s late".
func renditionWords(r api.Rendition) string {
	text := r.Name
	if r.Kind == "video" && r.Height > 0 {
		text += fmt.Sprintf("  %dx%d", r.Width, r.Height)
		if r.FrameRate > 0 {
			text += fmt.Sprintf(" %.4g fps", r.FrameRate)
		}
	}
	if r.MaxBitrateBPS > 0 {
		text += fmt.Sprintf(", at most %.3g Mbit/s", float64(r.MaxBitrateBPS)/1e6)
	}
	text += ": " + strings.ReplaceAll(r.State, "_", " ")
	if r.LagSeconds >= 0.1 {
		text += fmt.Sprintf(", %.1f s late", r.LagSeconds)
	}
	if r.DroppedFrames > 0 {
		text += fmt.Sprintf(", %d pictures skipped", r.DroppedFrames)
	}
	return text
}

// printStudio prints the link of the instructor's page, or a new one.
func printStudio(ctx context.Context, client *api.Client, id string, fresh, asJSON bool, env environment) error {
	look := client.Get
	if fresh {
		look = client.RotateStudio
	}
	c, err := look(ctx, id)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(map[string]string{"studio": c.Studio}, env)
	}
	if _, err = fmt.Fprintln(env.stdout, c.Studio); err != nil {
		return fmt.Errorf("print studio link: %w", err)
	}
	return nil
}

// mintToken makes a viewer token and prints the addresses that it opens.
func mintToken(ctx context.Context, client *api.Client, id, expiresIn string, asJSON bool, env environment) error {
	life, err := wholeSeconds("-expires-in", expiresIn)
	if err != nil {
		return err
	}
	t, err := client.CreatePlaybackToken(ctx, id, api.CreatePlaybackToken{ExpiresIn: life})
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(t, env)
	}
	if _, err = fmt.Fprintf(env.stdout, "watch     %s\nplaylist  %s\nexpires   %s\n", t.Watch, t.HLS, t.ExpiresAt.Local().Format(time.RFC3339)); err != nil {
		return fmt.Errorf("print token: %w", err)
	}
	return nil
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
