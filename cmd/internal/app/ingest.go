package app

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/rtmp"
	"github.com/lectern/lectern/media/rtsp"
	"github.com/lectern/lectern/media/stream"
	"github.com/lectern/lectern/realtime/class"
)

// ingest stands between the protocols and the hub: it knows which class a key
// opens, and tells the class when its publisher comes and goes.
type ingest struct {
	// Set by newIngest, then read-only.
	hub       *stream.Hub
	registry  *class.Registry
	pipelines *pipelines
	tasks     *tasks
	logger    *slog.Logger
}

func newIngest(hub *stream.Hub, registry *class.Registry, p *pipelines, t *tasks, logger *slog.Logger) *ingest {
	return &ingest{hub: hub, registry: registry, pipelines: p, tasks: t, logger: logger.With("component", "ingest")}
}

// Authorize implements rtmp.Authorizer and rtsp.Authorizer.
func (in *ingest) Authorize(ctx context.Context, key string, _ netip.Addr) (string, error) {
	c, err := in.registry.Authorize(ctx, key)
	if err != nil {
		return "", refuse(err)
	}
	return c.ID, nil
}

// refuse gives what the class's rules refuse its words for people.
func refuse(err error) error {
	if code, text, ok := class.Refusal(err); ok {
		return &media.RefusalError{Code: code, Text: text}
	}
	return err
}

// publish admits a publisher whose key was accepted.
func (in *ingest) publish(req stream.PublishRequest) (*stream.Publication, error) {
	ctx := context.Background() // admission belongs to no request
	c, err := in.registry.Get(ctx, req.Stream)
	if err == nil && c.State == class.Ended {
		err = class.ErrEnded
	}
	if err != nil {
		return nil, refuse(err)
	}
	if err = in.pipelines.ensure(c); err != nil {
		return nil, err
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
func (in *ingest) follow(ctx context.Context, c class.Class, pub *stream.Publication) {
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
	if _, err := in.registry.PublisherArrived(ctx, c.ID); err != nil {
		in.logger.Error("class could not go live", "class", c.ID, "err", err)
		pub.Close(stream.CloseClassEnded)
		return
	}
	<-pub.Done()
	if err := in.registry.PublisherLeft(ctx, c.ID, pub.Reason() == stream.CloseClean); err != nil {
		in.logger.Error("class change not stored, trying again", "class", c.ID, "err", err)
	}
}

// rtmpHub and rtspHub are ingest in the words of the two protocols.
type rtmpHub struct{ in *ingest }

// Publish implements rtmp.Hub.
func (h rtmpHub) Publish(req stream.PublishRequest) (rtmp.Publication, error) {
	p, err := h.in.publish(req)
	if err != nil {
		return nil, err // never a typed nil
	}
	return p, nil
}

type rtspHub struct{ in *ingest }

// Publish implements rtsp.Hub.
func (h rtspHub) Publish(req stream.PublishRequest) (rtsp.Publication, error) {
	p, err := h.in.publish(req)
	if err != nil {
		return nil, err // never a typed nil
	}
	return p, nil
}
