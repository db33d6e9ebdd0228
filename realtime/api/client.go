package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/lectern/lectern/realtime/class"
)

// maxAnswerBytes bounds what the Client reads: 200 classes take about 300 KB, and the
// attendance of 2,000 people a megabyte.
const maxAnswerBytes = 32 << 20

// Client talks to the API of a server. What the server refuses is returned as
// an *Error.
type Client struct {
	base  string
	token class.Secret
	http  *http.Client
}

// NewClient returns a client of the server at base, such as
// "http://127.0.0.1:8080". A nil hc means one like http.DefaultClient. Redirects
// are not followed: the token is for one server. Timeouts are the callers', by
// context.
func NewClient(base string, token class.Secret, hc *http.Client) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		return nil, errors.New("the server's address must be like http://127.0.0.1:8080")
	}
	if hc == nil {
		hc = &http.Client{}
	}
	own := *hc
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{base: strings.TrimSuffix(u.Scheme+"://"+u.Host+u.Path, "/"), token: token, http: &own}, nil
}

// Create makes a class.
func (c *Client) Create(ctx context.Context, n CreateClass) (Class, error) {
	var out Class
	err := c.do(ctx, http.MethodPost, classesPath, n, &out)
	return out, err
}

// Get returns a class.
func (c *Client) Get(ctx context.Context, id string) (Class, error) {
	var out Class
	err := c.do(ctx, http.MethodGet, classPath(id, ""), nil, &out)
	return out, err
}

// List returns all classes, oldest first.
func (c *Client) List(ctx context.Context) ([]Class, error) {
	var all []Class
	cursor := ""
	for {
		var page ClassList
		query := url.Values{"limit": {fmt.Sprint(class.MaxListLimit)}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		if err := c.do(ctx, http.MethodGet, classesPath+"?"+query.Encode(), nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Classes...)
		if page.NextCursor == nil || *page.NextCursor == cursor {
			return all, nil
		}
		cursor = *page.NextCursor
	}
}

// Update changes a class.
func (c *Client) Update(ctx context.Context, id string, u UpdateClass) (Class, error) {
	var out Class
	err := c.do(ctx, http.MethodPatch, classPath(id, ""), u, &out)
	return out, err
}

// End ends a class.
func (c *Client) End(ctx context.Context, id string) (Class, error) {
	var out Class
	err := c.do(ctx, http.MethodPost, classPath(id, "/end"), nil, &out)
	return out, err
}

// RotateStreamKey gives a class a new stream key.
func (c *Client) RotateStreamKey(ctx context.Context, id string) (Class, error) {
	var out Class
	err := c.do(ctx, http.MethodPost, classPath(id, "/stream-key"), nil, &out)
	return out, err
}

// RotateStudio gives a class a new studio link; the old one stops working.
func (c *Client) RotateStudio(ctx context.Context, id string) (Class, error) {
	var out Class
	err := c.do(ctx, http.MethodPost, classPath(id, "/studio"), nil, &out)
	return out, err
}

// CreateGrant lets a person into the room of a class.
func (c *Client) CreateGrant(ctx context.Context, id string, n CreateGrant) (RoomGrant, error) {
	var out RoomGrant
	err := c.do(ctx, http.MethodPost, classPath(id, "/grants"), n, &out)
	return out, err
}

// Attendance returns who is or was in the room of a class.
func (c *Client) Attendance(ctx context.Context, id string) (Attendance, error) {
	var out Attendance
	err := c.do(ctx, http.MethodGet, classPath(id, "/attendance"), nil, &out)
	return out, err
}

// AttendanceTable returns the same as CSV.
func (c *Client) AttendanceTable(ctx context.Context, id string) ([]byte, error) {
	var out json.RawMessage
	err := c.do(ctx, http.MethodGet, classPath(id, "/attendance?format=csv"), nil, &out)
	return out, err
}

// CreatePlaybackToken makes a viewer token for a class.
func (c *Client) CreatePlaybackToken(ctx context.Context, id string, n CreatePlaybackToken) (PlaybackToken, error) {
	var out PlaybackToken
	err := c.do(ctx, http.MethodPost, classPath(id, "/playback-tokens"), n, &out)
	return out, err
}

// RevokePlaybackTokens voids the viewer tokens that a class has so far; with a
// token's ID that one and what it was renewed to.
func (c *Client) RevokePlaybackTokens(ctx context.Context, id, tokenID string) error {
	action := "/playback-tokens"
	if tokenID != "" {
		action += "/" + url.PathEscape(tokenID)
	}
	return c.do(ctx, http.MethodDelete, classPath(id, action), nil, nil)
}

// PlaybackKeys returns the keys that viewer tokens are checked with.
func (c *Client) PlaybackKeys(ctx context.Context) (PlaybackKeys, error) {
	var out PlaybackKeys
	err := c.do(ctx, http.MethodGet, playbackKeysPath, nil, &out)
	return out, err
}

// RotatePlaybackKeys makes a new key for viewer tokens. Those of the key before
// stay good until they expire; rotating twice voids all there are.
func (c *Client) RotatePlaybackKeys(ctx context.Context) (PlaybackKeys, error) {
	var out PlaybackKeys
	err := c.do(ctx, http.MethodPost, playbackKeysPath+"/rotate", nil, &out)
	return out, err
}

// Delete ends a class and removes it with its recording.
func (c *Client) Delete(ctx context.Context, id string) error {
	return c.do(ctx, http.MethodDelete, classPath(id, ""), nil, nil)
}

func classPath(id, action string) string { return classesPath + "/" + url.PathEscape(id) + action }

// do sends one request and decodes the answer into out.
func (c *Client) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	req.Header.Set("Accept", "application/json")
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("reach lectern: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes+1))
	switch {
	case err != nil:
		return fmt.Errorf("read answer of %s: %w", c.base, err)
	case len(answer) > maxAnswerBytes:
		return fmt.Errorf("answer of %s is larger than %d bytes", c.base, maxAnswerBytes)
	case resp.StatusCode/100 != 2:
		return refusal(resp, answer, c.base)
	case out == nil:
		return nil
	}
	if raw, ok := out.(*json.RawMessage); ok {
		*raw = answer
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s does not answer like a lectern: %w", c.base, err)
	}
	return nil
}

func refusal(resp *http.Response, answer []byte, base string) error {
	var body errorBody
	if json.Unmarshal(answer, &body) != nil || body.Error.Code == "" {
		return fmt.Errorf("%s answered %s, which is not lectern's API", base, resp.Status)
	}
	return &Error{Status: resp.StatusCode, Code: body.Error.Code, Message: body.Error.Message, RequestID: body.Error.RequestID}
}
