package app

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"syscall"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/ingest"
	"github.com/lectern/lectern/media/stream"
	"github.com/lectern/lectern/realtime/class"
)

// admission stands between the protocols and the hub: it knows which class a key
// opens, and tells the class when its publisher comes and goes.
type admission struct {
	// Set by newAdmission, then read-only.
	hub       *stream.Hub
	registry  *class.Registry
	pipelines *pipelines
	tasks     *tasks
	logger    *slog.Logger
}

func newAdmission(hub *stream.Hub, registry *class.Registry, p *pipelines, t *tasks, logger *slog.Logger) *admission {
	return &admission{hub: hub, registry: registry, pipelines: p, tasks: t, logger: logger.With("component", "ingest")}
}

// Authorize implements ingest.Authorizer.
func (in *admission) Authorize(ctx context.Context, key string, _ netip.Addr) (string, error) {
	c, err := in.registry.Authorize(ctx, key)
	if err != nil {
		return "", refuse(err)
	}
	return c.ID, nil
}

// textDiskFull is what a publisher is told who is not to blame.
const textDiskFull = "The server's disk is full, so this class cannot start. Tell those who run the server, and start the stream again later."

// refuse gives what the class's rules refuse its words for people.
func refuse(err error) error {
	if code, text, ok := class.Refusal(err); ok {
		return &media.RefusalError{Code: code, Text: text}
	}
	return err
}

// Publish implements ingest.Hub: it admits a publisher whose key was accepted.
func (in *admission) Publish(req stream.PublishRequest) (ingest.Publication, error) {
	ctx := context.Background() // admission belongs to no request
	c, err := in.registry.Get(ctx, req.Stream)
	if err == nil && c.State == class.Ended {
		err = class.ErrEnded
	}
	if err != nil {
		return nil, refuse(err)
	}
	if err = in.pipelines.ensure(ctx, c.ID); err != nil {
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
			in.logger.Error("class cannot start", "class", c.ID, "err", err)
			err = &media.RefusalError{Code: "disk_full", Text: textDiskFull}
		}
		return nil, refuse(err)
	}
	pub, err := in.hub.Publish(req)
	if err != nil {
		if errors.Is(err, stream.ErrEnded) || errors.Is(err, stream.ErrNoStream) {
			return nil, refuse(class.ErrEnded) // it ended in between
		}
		return nil, err
	}
	if _, err := in.tasks.start(func(ctx context.Context) { in.follow(ctx, c, pub) }); err != nil {
		pub.Close(stream.CloseShutdown)
		return nil, err
	}
	return pub, nil
}

// follow tells the class of the publication's stay. A publication ends when the
// server stops, so follow does too.
func (in *admission) follow(ctx context.Context, c class.Class, pub *stream.Publication) {
	ctx = context.WithoutCancel(ctx) // what is told last must still be stored
	// A class begins with its first picture or sound, not with a connection: one
	// whose settings are refused may try for as long as it takes. Once begun, a
	// connection is enough to stop the grace.
	if c.State == class.Scheduled {
		select {
		case <-pub.Started():
		case <-pub.Done():
			return
		}
	}
	if !in.arrived(ctx, c.ID, pub) {
		return
	}
	<-pub.Done()
	if err := in.registry.PublisherLeft(ctx, c.ID, pub.Reason() == stream.CloseClean); err != nil {
		in.logger.Error("class change not stored, trying again", "class", c.ID, "err", err)
	}
}

// arrivalPause is how long the news of a publisher wait for a database that
// refused them.
const arrivalPause = time.Second

// arrived tells the class that it has a publisher. A class that is over sends
// the publisher away; a database that does not work must not: what is live is
// live, and the state follows as soon as it can. It returns false if the
// publication has ended.
func (in *admission) arrived(ctx context.Context, id string, pub *stream.Publication) bool {
	for {
		_, err := in.registry.PublisherArrived(ctx, id)
		switch {
		case err == nil:
			return true
		case errors.Is(err, class.ErrEnded), errors.Is(err, class.ErrNotFound):
			pub.Close(stream.CloseClassEnded)
			return false
		}
		in.logger.Error("class could not go live, trying again", "class", id, "err", err)
		select {
		case <-pub.Done():
			return false
		case <-time.After(arrivalPause):
		}
	}
}
