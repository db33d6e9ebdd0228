package rtmptest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"sync"
	"time"
)

// Status is an onStatus or the information object of a failed connect.
type Status struct {
	Level, Code, Description string
}

// StatusError is returned when the server answers with a status of level error.
type StatusError struct{ Status Status }

// Error returns code and description.
func (e *StatusError) Error() string {
	return fmt.Sprintf("server status %s: %s", e.Status.Code, e.Status.Description)
}

// Command is a command the server sent: its name, transaction and arguments.
type Command struct {
	Name        string
	Transaction float64
	Args        []any
}

// Client is an RTMP publisher. Its methods are for one goroutine; a second one,
// which Close, Drop and Abort wait for, reads what the server sends.
type Client struct {
	// ChunkSize is what Connect announces and messages are cut into afterwards.
	// Default 65536.
	ChunkSize int

	// Fields are added to the command object of connect.
	Fields Object

	conn   net.Conn
	reader sync.WaitGroup
	size   int // chunk size in force
	stream uint32
	key    string

	mu       sync.Mutex // guards the fields below
	messages []Message  // received and not yet looked at
	err      error      // why reading ended
	changed  chan struct{}
}

// NewClient returns a client on an open connection. It does no I/O.
func NewClient(conn net.Conn) *Client {
	return &Client{ChunkSize: 65536, conn: conn, size: 128, changed: make(chan struct{}, 1)}
}

// Dial connects to address by TCP. It does not shake hands.
func Dial(ctx context.Context, address string) (*Client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return NewClient(conn), nil
}

// Push dials address and publishes with key to the application "live". If that
// fails the connection is closed; a refusal is a *StatusError.
func Push(ctx context.Context, address, key string) (*Client, error) {
	c, err := Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	if err := c.Start(ctx, "live", key); err != nil {
		c.Drop()
		return nil, err
	}
	return c, nil
}

// Start shakes hands, connects to app and publishes key.
func (c *Client) Start(ctx context.Context, app, key string) error {
	if err := c.Handshake(ctx); err != nil {
		return err
	}
	if err := c.Connect(ctx, app); err != nil {
		return err
	}
	return c.Publish(ctx, key)
}

// Handshake sends C0, C1 and C2 and starts reading.
func (c *Client) Handshake(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	hello := make([]byte, 1+1536)
	hello[0] = 3
	// The server may answer C0 before it reads C1: a pipe needs both at a time.
	var sent sync.WaitGroup
	var writeErr error
	sent.Go(func() { _, writeErr = c.conn.Write(hello) })
	answer := make([]byte, 1+1536+1536)
	_, err := io.ReadFull(c.conn, answer)
	sent.Wait()
	if err = errors.Join(err, writeErr); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	if _, err := c.conn.Write(answer[1 : 1+1536]); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	c.reader.Go(c.read)
	return nil
}

func (c *Client) read() {
	r := NewReader(c.conn)
	for {
		m, err := r.Next()
		c.mu.Lock()
		if err != nil {
			c.err = err
		} else {
			c.messages = append(c.messages, m)
		}
		c.mu.Unlock()
		select {
		case c.changed <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// NextMessage returns the oldest message of the server not yet returned. After
// the last one it returns why reading ended.
func (c *Client) NextMessage(ctx context.Context) (Message, error) {
	for {
		c.mu.Lock()
		if len(c.messages) > 0 {
			m := c.messages[0]
			c.messages = c.messages[1:]
			c.mu.Unlock()
			return m, nil
		}
		err := c.err
		c.mu.Unlock()
		if err != nil {
			return Message{}, err
		}
		select {
		case <-c.changed:
		case <-ctx.Done():
			return Message{}, ctx.Err()
		}
	}
}

// NextCommand returns the next command of the server and skips other messages.
func (c *Client) NextCommand(ctx context.Context) (Command, error) {
	for {
		m, err := c.NextMessage(ctx)
		if err != nil {
			return Command{}, err
		}
		if m.Type != 20 {
			continue
		}
		args, err := Decode(m.Body)
		if err != nil || len(args) < 2 {
			return Command{}, fmt.Errorf("decode command: %w", errors.Join(err, errAMF))
		}
		name, _ := args[0].(string)
		transaction, _ := args[1].(float64)
		return Command{Name: name, Transaction: transaction, Args: args[2:]}, nil
	}
}

// NextStatus returns the next onStatus or failed connect.
func (c *Client) NextStatus(ctx context.Context) (Status, error) {
	for {
		cmd, err := c.NextCommand(ctx)
		if err != nil {
			return Status{}, err
		}
		if cmd.Name == "onStatus" || cmd.Name == "_error" {
			return cmd.status(), nil
		}
	}
}

func (cmd Command) status() Status {
	var s Status
	for _, a := range cmd.Args {
		if o, ok := a.(Object); ok {
			s.Level, _ = o["level"].(string)
			s.Code, _ = o["code"].(string)
			s.Description, _ = o["description"].(string)
		}
	}
	return s
}

// Connect announces the chunk size and sends connect for app.
func (c *Client) Connect(ctx context.Context, app string) error {
	if err := c.SetChunkSize(c.ChunkSize); err != nil {
		return err
	}
	o := Object{"app": app, "type": "nonprivate", "flashVer": "FMLE/3.0", "tcUrl": "rtmp://127.0.0.1/" + app}
	maps.Copy(o, c.Fields)
	if err := c.Command(0, "connect", 1, o); err != nil {
		return err
	}
	for {
		cmd, err := c.NextCommand(ctx)
		switch {
		case err != nil:
			return fmt.Errorf("connect: %w", err)
		case cmd.Name == "_error":
			return &StatusError{cmd.status()}
		case cmd.Name == "_result" && cmd.Transaction == 1:
			return nil
		}
	}
}

// SetChunkSize announces n and cuts messages into chunks of n bytes from now on.
func (c *Client) SetChunkSize(n int) error {
	err := c.Write(Message{Type: 1, Body: binary.BigEndian.AppendUint32(nil, uint32(n))}, Format{CSID: 2})
	c.size = n
	return err
}

// Publish creates a message stream and publishes key on it.
func (c *Client) Publish(ctx context.Context, key string) error {
	for _, cmd := range []string{"releaseStream", "FCPublish"} {
		if err := c.Command(0, cmd, 0, nil, key); err != nil {
			return err
		}
	}
	if err := c.Command(0, "createStream", 4, nil); err != nil {
		return err
	}
	for c.stream == 0 {
		cmd, err := c.NextCommand(ctx)
		if err != nil {
			return fmt.Errorf("create stream: %w", err)
		}
		if cmd.Name == "_result" && cmd.Transaction == 4 && len(cmd.Args) == 2 {
			id, _ := cmd.Args[1].(float64)
			c.stream = uint32(id)
		}
	}
	c.key = key
	if err := c.Command(c.stream, "publish", 5, nil, key, "live"); err != nil {
		return err
	}
	s, err := c.NextStatus(ctx)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if s.Level == "error" {
		return &StatusError{s}
	}
	return nil
}

// Stream returns the message stream that Publish created.
func (c *Client) Stream() uint32 { return c.stream }

// Conn returns the connection, for bytes of any kind.
func (c *Client) Conn() net.Conn { return c.conn }

// Command sends an AMF0 command.
func (c *Client) Command(stream uint32, name string, transaction int, args ...any) error {
	body := append(Encode(name, transaction), Encode(args...)...)
	return c.Write(Message{Type: 20, Stream: stream, Body: body}, Format{CSID: 3, Size: c.size})
}

// Write sends m as f says, in one write.
func (c *Client) Write(m Message, f Format) error {
	_, err := c.conn.Write(AppendMessage(nil, m, f))
	return err
}

// WriteVideo sends an FLV video tag body with a timestamp in ms.
func (c *Client) WriteVideo(timestamp uint32, tag []byte) error {
	return c.Write(Message{Timestamp: timestamp, Type: 9, Stream: c.stream, Body: tag},
		Format{CSID: 6, Size: c.size, Repeat: true})
}

// WriteAudio sends an FLV audio tag body with a timestamp in ms.
func (c *Client) WriteAudio(timestamp uint32, tag []byte) error {
	return c.Write(Message{Timestamp: timestamp, Type: 8, Stream: c.stream, Body: tag},
		Format{CSID: 4, Size: c.size, Repeat: true})
}

// WriteMetadata sends @setDataFrame with onMetaData.
func (c *Client) WriteMetadata(meta Object) error {
	return c.Write(Message{Type: 18, Stream: c.stream, Body: Encode("@setDataFrame", "onMetaData", meta)},
		Format{CSID: 4, Size: c.size})
}

// Goodbye ends the publication as encoders do and leaves the connection open.
func (c *Client) Goodbye() error {
	if err := c.Command(0, "FCUnpublish", 6, nil, c.key); err != nil {
		return err
	}
	return c.Command(0, "deleteStream", 7, nil, int(c.stream))
}

// Close says goodbye, waits until the server has understood it, and closes the
// connection.
func (c *Client) Close(ctx context.Context) error {
	defer c.Drop()
	if err := c.Goodbye(); err != nil {
		return err
	}
	for {
		s, err := c.NextStatus(ctx)
		if err != nil {
			return fmt.Errorf("close: %w", err)
		}
		if s.Code == "NetStream.Unpublish.Success" {
			return nil
		}
	}
}

// Drop closes the connection without a word.
func (c *Client) Drop() {
	_ = c.conn.Close()
	c.reader.Wait()
}

// Abort resets the connection, as a crash of the encoder's machine does.
func (c *Client) Abort() {
	if t, ok := c.conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	c.Drop()
}

// Closed waits until the server has closed the connection and returns why
// reading ended, io.EOF if it was closed in good order.
func (c *Client) Closed(ctx context.Context) error {
	for {
		if _, err := c.NextMessage(ctx); err != nil {
			return err
		}
	}
}
